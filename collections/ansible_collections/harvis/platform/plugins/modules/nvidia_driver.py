#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: nvidia_driver
short_description: Have the NVIDIA driver, its kernel module and its libraries in one version
version_added: 0.2.0
author: Harvis Platform maintainers (@harvis)
description:
  - Installs kernel module and libraries of one version, builds the module with DKMS for the wanted kernels, keeps
    C(nouveau) away from the card, and pins and holds the packages, so that no upgrade can split them.
  - Looks at the result, for every installed kernel, and says what keeps the module from being loaded.
  - Never reboots; RV(reboot_required) says that a reboot is needed, and RV(reboot_reason) why.
  - An installation that fails leaves C(dpkg) usable, and names the compiler's error.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full, details: Asks the archive through lists of its own and names the exact packages.}
  diff_mode: {support: full}
  idempotent: {support: full}
options:
  state:
    description:
      - V(present) keeps an installed driver that fits; V(latest) takes the newest that the archive has whole.
      - V(absent) removes the driver and what came along with it.
    choices: [present, latest, absent]
    default: present
    type: str
  flavour:
    description:
      - Which kernel module. V(auto) is the open one from branch 545 on and on data-centre cards, else the proprietary.
      - V(open) on an older branch sets C(NVreg_OpenRmEnableUnsupportedGpus=1), without which it takes no GeForce card.
    choices: [auto, open, proprietary]
    default: auto
    type: str
  repository:
    description: The distribution's packages (on Debian contrib and non-free are enabled), or NVIDIA's repository.
    choices: [distribution, nvidia]
    default: distribution
    type: str
  repository_key:
    description: Path on the host of the key of NVIDIA's repository; required for O(repository=nvidia).
    type: str
    default: ""
  branch: {description: "Number before the version's first dot, such as V(535).", type: str, default: ""}
  version: {description: "Exact version, such as V(535.261.03).", type: str, default: ""}
  kernels:
    description: Kernel releases that must have the module; V(running) and V(installed) stand for those.
    type: list
    elements: str
    default: [running]
  graphics: {description: Install the libraries of a desktop as well., type: bool, default: false}
  cuda: {description: "CUDA of the images that are to run, such as V(12.4); compared first.", type: str, default: ""}
  lock_seconds: {description: How long to wait for another program's lock of C(dpkg)., type: int, default: 300}
"""

EXAMPLES = r"""
- name: Have the driver
  harvis.platform.nvidia_driver:
    branch: "535"
    cuda: "12.4"
  become: true

- name: Have the open module for every kernel that could boot
  harvis.platform.nvidia_driver:
    flavour: open
    kernels: [installed]
  become: true
"""

RETURN = r"""
version: {description: The driver's version., type: str, returned: success, sample: 535.261.03}
flavour: {description: V(open) or V(proprietary)., type: str, returned: success}
packages:
  description: Packages that were unpacked or removed, or in check mode would be.
  type: list
  elements: str
  returned: success
  sample: [nvidia-open-kernel-dkms=535.261.03-1]
reasons: {description: One line for each change., type: list, elements: str, returned: success}
notes: {description: What is good to know., type: list, elements: str, returned: success}
reboot_required: {description: Whether the driver is in effect only after a reboot., type: bool, returned: success}
reboot_reason: {description: Why., type: str, returned: success}
findings: {description: What is wrong., type: list, elements: dict, returned: always}
dpkg: {description: State of dpkg after an installation that failed., type: str, returned: failure, sample: usable}
"""

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.driver.ensure import ensure_driver
from ansible_collections.harvis.platform.plugins.module_utils.driver.options import Options
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

ARGUMENT_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "latest", "absent"], "default": "present"},
    "flavour": {"type": "str", "choices": ["auto", "open", "proprietary"], "default": "auto"},
    "repository": {"type": "str", "choices": ["distribution", "nvidia"], "default": "distribution"},
    "repository_key": {"type": "str", "default": ""},
    "branch": {"type": "str", "default": ""},
    "version": {"type": "str", "default": ""},
    "kernels": {"type": "list", "elements": "str", "default": ["running"]},
    "graphics": {"type": "bool", "default": False},
    "cuda": {"type": "str", "default": ""},
    "lock_seconds": {"type": "int", "default": 300},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """One call of the driver concept."""
    options = Options.from_params(module.params)
    return ensure_driver(options, Path("/"), SystemRunner(), check_mode=module.check_mode).to_result()


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
