#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: gpu_info
short_description: Say what CPU, memory and NVIDIA GPUs a host has
version_added: 0.1.0
description:
  - Reads C(/proc) and C(/sys), so that GPUs are found before any driver is there, and asks NVML where it can.
  - What cannot be learnt is said in RV(not_checked), never guessed.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: none, details: Changes nothing.}
  idempotent: {support: full}
options:
  root:
    description:
      - Folder under which the host's files lie; a recorded tree stands in for a host that is not there.
      - NVML is asked for V(/) alone.
    type: path
    default: /
requirements:
  - nvidia-ml-py (memory of GPUs and the CUDA version; everything else is found without it)
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Learn what the host has
  harvis.platform.gpu_info:
  register: hardware

- name: Stop where there is no GPU
  ansible.builtin.assert:
    that: hardware.host.gpus > 0
"""

RETURN = r"""
host:
  description:
    - The figures that M(harvis.platform.chart_values) takes.
    - C(gpu_memory_gib) is that of the smallest GPU; 0 is unknown.
  type: dict
  returned: success
  sample: {cpu: 24, memory_gib: 62.43, installed_memory_gib: 64.0, gpus: 1, gpu_memory_gib: 23.99}
processor:
  description: Model, and number of threads, cores and sockets.
  type: dict
  returned: success
  sample: {model: AMD Ryzen 9 9900X 12-Core Processor, threads: 24, cores: 12, sockets: 1}
memory: {description: Installed and usable memory in bytes., type: dict, returned: success}
gpus:
  description: Each NVIDIA GPU with what is known of it; empty text and 0 are unknown.
  type: list
  elements: dict
  returned: success
  sample:
    - address: "0000:01:00.0"
      device: 10de:2684
      name: NVIDIA GeForce RTX 4090
      uuid: GPU-00000000-0000-0000-0000-000000000000
      memory_bytes: 25757220864
      kernel_driver: nvidia
driver_version: {description: The NVIDIA driver that is loaded., type: str, returned: success, sample: 550.163.01}
cuda_version: {description: The newest CUDA that this driver supports., type: str, returned: success, sample: "12.4"}
not_checked: {description: What could not be learnt., type: list, elements: str, returned: success}
findings: {description: What is wrong., type: list, elements: dict, returned: failure}
"""

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.hardware import read_hardware
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {"root": {"type": "path", "default": "/"}}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """One look."""
    return {"changed": False, **read_hardware(Path(module.params["root"])).to_result()}


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
