#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: nvidia_container_runtime
short_description: Configure the NVIDIA container runtime in containerd or Docker
version_added: 0.1.0
author: Harvis Platform maintainers (@harvis)
description:
  - Edits the daemon's own configuration value by value; comments and foreign settings stay as they are.
  - For containerd, the file that decides is edited, be it the main one or one of its imports, in its format version.
  - Restarts the daemon only when something changed or when it has not read its configuration, and asks it afterwards.
  - Goes back to the former text when the daemon does not serve with the new one.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: full}
  idempotent: {support: full}
options:
  state:
    description: V(absent) restores what was before, or removes the handler alone where others changed the file since.
    choices: [present, absent]
    default: present
    type: str
  daemon: {description: The daemon to configure., choices: [containerd, docker], required: true, type: str}
  config:
    description:
      - The file that the daemon is started with.
      - By default C(/etc/containerd/config.toml) or C(/etc/docker/daemon.json).
    type: path
  socket:
    description:
      - Where the daemon listens.
      - By default C(/run/containerd/containerd.sock) or C(/run/docker.sock).
    type: path
  handler: {description: Name of the runtime., default: nvidia, type: str}
  binary: {description: The runtime's program., default: /usr/bin/nvidia-container-runtime, type: path}
  default_runtime:
    description: Whether containers that name no runtime get this one; else pods need a RuntimeClass.
    default: false
    type: bool
  cdi: {description: Whether to switch on device injection by CDI specifications., default: false, type: bool}
  cdi_spec:
    description: Where to keep the specification that C(nvidia-ctk) makes of the GPUs; none by default.
    type: path
  nvidia_ctk: {description: The program that makes the specification., default: nvidia-ctk, type: str}
  restart:
    description: V(false) only reports RV(restart_required).
    default: true
    type: bool
  service: {description: systemd's unit; by default the daemon's name., type: str}
  restart_command:
    description:
      - What restarts the daemon where that is not systemd.
      - With O(service) as well, it is used only on hosts that systemd has not booted.
    type: list
    elements: str
    default: []
  log_file: {description: Where the daemon logs to where that is not systemd's journal., type: path}
  ctr: {description: containerd's client., default: ctr, type: str}
  patience: {description: Seconds that the daemon may take to serve again., default: 60, type: int}
requirements:
  - tomlkit (containerd)
"""

EXAMPLES = r"""
- name: Give containerd the NVIDIA runtime, for pods that name its RuntimeClass
  harvis.platform.nvidia_container_runtime:
    daemon: containerd

- name: Make it Docker's default
  harvis.platform.nvidia_container_runtime:
    daemon: docker
    default_runtime: true

- name: Build the toolkit where its packages cannot be had
  harvis.platform.program_set:
    name: nvidia-container-toolkit
    programs: [nvidia-ctk, nvidia-cdi-hook, nvidia-container-runtime, nvidia-container-runtime-hook]
    module: /var/lib/harvis/src/tools/nvidia-container-toolkit
    # Its calls into the driver's library are resolved when they are made, not when the program starts.
    ldflags: "'-extldflags=-Wl,-z,lazy' -X github.com/NVIDIA/nvidia-container-toolkit/internal/info.version=1.20.1"
    cgo: true
    go_requirements: /var/lib/harvis/src/requirements/go.txt
    cache_dir: /home/user/.cache/harvis

- name: Configure the embedded cluster's containerd
  harvis.platform.nvidia_container_runtime:
    daemon: containerd
    config: /var/lib/harvis/etc/containerd.toml
    socket: /run/harvis/containerd/containerd.sock
    service: harvis-containerd
    restart_command: [supervisorctl, -c, /var/lib/harvis/supervisor/supervisord.conf, restart, containerd]
    log_file: /var/lib/harvis/log/containerd.log
"""

RETURN = r"""
config: {description: The file that decides., type: str, returned: success}
reasons:
  description: One line for each difference between wanted and found.
  type: list
  elements: str
  returned: success
restarted: {description: Whether the daemon was restarted., type: bool, returned: success}
restart_required: {description: Why a restart is left to do; empty for none., type: str, returned: success}
toolkit_version: {description: Version of the toolkit's package; may be empty., type: str, returned: success}
cdi_devices: {description: Devices that containers can be given by name., type: list, elements: str, returned: success}
findings:
  description: What is wrong; with a success, what will be (RUN-CHAR).
  type: list
  elements: dict
  returned: always
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner
from ansible_collections.harvis.platform.plugins.module_utils.runtime.call import run_runtime

ARGUMENT_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "daemon": {"type": "str", "choices": ["containerd", "docker"], "required": True},
    "config": {"type": "path"},
    "socket": {"type": "path"},
    "handler": {"type": "str", "default": "nvidia"},
    "binary": {"type": "path", "default": "/usr/bin/nvidia-container-runtime"},
    "default_runtime": {"type": "bool", "default": False},
    "cdi": {"type": "bool", "default": False},
    "cdi_spec": {"type": "path"},
    "nvidia_ctk": {"type": "str", "default": "nvidia-ctk"},
    "restart": {"type": "bool", "default": True},
    "service": {"type": "str"},
    "restart_command": {"type": "list", "elements": "str", "default": []},
    "log_file": {"type": "path"},
    "ctr": {"type": "str", "default": "ctr"},
    "patience": {"type": "int", "default": 60},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """One call of the runtime concept."""
    return run_runtime(module.params, SystemRunner(), dry=module.check_mode)


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
