#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: host_services
short_description: Keep the platform's own daemons running
version_added: 0.1.0
author: Harvis Platform maintainers (@harvis)
description:
  - Runs long-running programs under systemd where it is PID 1, else under supervisor.
  - Programs that a signal (SIGSTOP) holds are let go on.
  - Programs left over from a supervisor that was killed are ended before they are started again.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: full}
  idempotent: {support: full}
options:
  state:
    description: V(absent) stops all programs that this module started, and the supervisor.
    choices: [present, absent]
    default: present
    type: str
  programs:
    description: The programs to run.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name without prefix., type: str, required: true}
      command:
        description: Argument list; the first is an absolute path.
        type: list
        elements: str
        required: true
      environment: {description: Variables added to the program's environment., type: dict, default: {}}
      stop_seconds: {description: Seconds to wait after SIGTERM., type: int, default: 20}
      after: {description: Programs of this list that are started first., type: list, elements: str, default: []}
  data_dir: {description: Folder of configuration and logs., type: path, required: true}
  run_dir: {description: Folder of sockets and pid files., type: path, default: /run/harvis}
"""

EXAMPLES = r"""
- name: Run containerd
  harvis.platform.host_services:
    data_dir: /var/lib/harvis
    programs:
      - name: containerd
        command: [/usr/bin/containerd, --config, /var/lib/harvis/containerd/config.toml]
"""

RETURN = r"""
manager: {description: V(systemd) or V(supervisor)., type: str, returned: success}
reasons:
  description: One line for each difference between wanted and found.
  type: list
  elements: str
  returned: success
findings:
  description: What of it was a fault (a program held by a signal, a daemon that is down).
  type: list
  elements: dict
  returned: always
"""

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.service.manager import manager_for_host
from ansible_collections.harvis.platform.plugins.module_utils.service.program import Program

ARGUMENT_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "programs": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "command": {"type": "list", "elements": "str", "required": True},
            "environment": {"type": "dict", "default": {}},
            "stop_seconds": {"type": "int", "default": 20},
            "after": {"type": "list", "elements": "str", "default": []},
        },
    },
    "data_dir": {"type": "path", "required": True},
    "run_dir": {"type": "path", "default": "/run/harvis"},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """One call of the service concept."""
    params = module.params
    manager = manager_for_host(Path(params["data_dir"]), Path(params["run_dir"]))
    if params["state"] == "absent":
        return manager.remove(dry=module.check_mode).to_result()
    return manager.ensure([Program.from_params(p) for p in params["programs"]], dry=module.check_mode).to_result()


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
