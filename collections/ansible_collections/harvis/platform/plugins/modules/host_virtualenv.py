#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: host_virtualenv
short_description: Have a virtualenv of hash-locked requirements
version_added: 0.1.0
description:
  - Makes the virtualenv that other modules of this collection run in on a managed host.
  - It is made anew when the requirements change, or when it is not whole.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: none, details: What is installed is what the requirements file says.}
  idempotent: {support: full}
options:
  path: {description: Folder of the virtualenv., type: path, required: true}
  requirements: {description: Requirements file with hashes., type: path, required: true}
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Make the virtualenv of the host's modules
  harvis.platform.host_virtualenv:
    path: /var/lib/harvis/venv
    requirements: /var/lib/harvis/src/requirements/host.txt
"""

RETURN = r"""
python: {description: Its interpreter., type: str, returned: success}
"""

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner
from ansible_collections.harvis.platform.plugins.module_utils.virtualenv import Virtualenv

ARGUMENT_SPEC: dict[str, t.Any] = {
    "path": {"type": "path", "required": True},
    "requirements": {"type": "path", "required": True},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Look, and make it if it is not as it should be."""
    wanted = Virtualenv(Path(module.params["path"]), Path(module.params["requirements"]), SystemRunner())
    ready = wanted.is_ready()
    if not ready and not module.check_mode:
        wanted.make()
    return {"changed": not ready, "python": str(wanted.python)}


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
