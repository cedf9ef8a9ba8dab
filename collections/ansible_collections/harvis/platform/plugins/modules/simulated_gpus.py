#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: simulated_gpus
short_description: Keep files that stand for a host with NVIDIA cards, for trying and testing without one
version_added: 0.1.0
description:
  - Makes a tree of the files in which M(harvis.platform.gpu_info) and the simulated NVML see cards on the PCI bus, a
    loaded module, an installed library and the kernel's log. What the cards have no part in is linked from the host.
  - Nothing of the host itself is changed. A host that has an NVIDIA card is refused as C(DRV-SIMULATED).
  - Faults that were made in the tree are taken back, as a reboot would.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: full}
  idempotent: {support: full}
options:
  state:
    description: Whether the tree is wanted.
    type: str
    choices: [present, absent]
    default: present
  path: {description: Where it lies., type: path, required: true}
  description:
    description: The driver and the cards, as the files of C(tools/nvml/descriptions) have them. Needed for V(present).
    type: dict
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Pretend that there is an RTX 4090
  harvis.platform.simulated_gpus:
    path: /var/lib/harvis/simulated-gpus
    description: "{{ lookup('file', 'tools/nvml/descriptions/rtx-4090.json') | from_json }}"

- name: See what a host with that card looks like
  harvis.platform.gpu_info:
    root: /var/lib/harvis/simulated-gpus
"""

RETURN = r"""
reasons:
  description: One line for each difference between wanted and found.
  type: list
  elements: str
  returned: success
findings: {description: Why it cannot be., type: list, elements: dict, returned: failure}
"""

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.hardware.simulation import end_simulation, simulate
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "path": {"type": "path", "required": True},
    "description": {"type": "dict"},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """One call."""
    root, dry = Path(module.params["path"]), module.check_mode
    if module.params["state"] == "present":
        reasons = [
            f"{path} is not as described" for path in simulate(root, module.params["description"] or {}, dry=dry)
        ]
    else:
        reasons = [f"{path} is to be removed" for path in end_simulation(root, dry=dry)]
    lines = "".join(f"{line}\n" for line in reasons)
    return {"changed": bool(reasons), "reasons": reasons, "diff": {"before": lines, "after": ""}}


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
