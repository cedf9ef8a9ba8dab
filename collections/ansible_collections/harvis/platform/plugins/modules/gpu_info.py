#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: gpu_info
short_description: Say what CPU, memory and NVIDIA GPUs a host has, and what is wrong with them
version_added: 0.1.0
description:
  - Reads C(/proc) and C(/sys), so that GPUs are found before any driver is there, and asks NVML where it can.
  - Works with no GPU and with no driver, and says which layer is the first that fails.
  - What cannot be learnt is said in RV(not_checked), never guessed. C(nvidia-smi) is not run.
  - Never fails because of what is wrong with a GPU; that is in RV(findings).
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
  gpu_pods:
    description:
      - UIDs of the pods that were granted a GPU. A process of any other pod that takes GPU memory is then a finding.
      - Left out, pods are not told apart.
    type: list
    elements: str
requirements:
  - nvidia-ml-py (what only the driver knows of a GPU, and the CUDA version; everything else is found without it)
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Learn what the host has
  harvis.platform.gpu_info:
  register: hardware

- name: Stop where a GPU cannot be used
  ansible.builtin.assert:
    that: hardware.first_failing_layer == 'none'
    fail_msg: "{{ hardware.layer_reason }}"
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
  description:
    - Each NVIDIA GPU with what is known of it; empty text and 0 are unknown.
    - C(ecc), C(mig) and C(persistence) are V(enabled), V(disabled) or V(unsupported).
    - C(lost) is true for a GPU that is on the bus, and that the driver does not reach.
    - C(xids) are the faults that the kernel's log has of the GPU since its start; reading it takes root.
    - C(pod) of a process is the UID of its pod, empty outside Kubernetes.
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
      numa_node: null
      minor: 0
      memory_free_bytes: 25251807232
      compute_capability: "8.9"
      ecc: unsupported
      mig: unsupported
      persistence: enabled
      power_limit_watts: 450.0
      lost: false
      xids: []
      processes: [{pid: 4711, name: ollama, memory_bytes: 6442450944, kind: compute, pod: ""}]
driver:
  description:
    - The driver's version as C(loaded) into the kernel, as C(installed) by packages, and of the C(library) that
      programs load.
    - C(flavour) of the loaded module is V(open) or V(proprietary). C(held) names the packages kept from upgrades.
  type: dict
  returned: success
kernel:
  description:
    - The running kernel (C(release)), whether its C(headers) are there, and which kernels are C(installed).
    - C(secure_boot) is V(enabled), V(disabled), V(unsupported) or V(unknown).
    - C(reboot_pending) has a sentence for each reason.
  type: dict
  returned: success
numa: {description: NUMA nodes with their processors and memory., type: list, elements: dict, returned: success}
first_failing_layer:
  description: V(pci), V(module), V(library), V(nvml), or V(none).
  type: str
  returned: success
layer_reason: {description: What is wrong with that layer., type: str, returned: success}
nvml_error: {description: What NVML said instead of answering., type: str, returned: success}
nvml_code: {description: NVML's code of that., type: int, returned: success}
driver_version: {description: The NVIDIA driver that is loaded., type: str, returned: success, sample: 550.163.01}
cuda_version: {description: The newest CUDA that this driver supports., type: str, returned: success, sample: "12.4"}
not_checked: {description: What could not be learnt., type: list, elements: str, returned: success}
findings: {description: What is wrong., type: list, elements: dict, returned: always}
"""

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.hardware.facts import read_hardware
from ansible_collections.harvis.platform.plugins.module_utils.hardware.layers import diagnose
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    "root": {"type": "path", "default": "/"},
    "gpu_pods": {"type": "list", "elements": "str"},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """One look."""
    hardware = read_hardware(Path(module.params["root"]))
    findings = diagnose(hardware, module.params["gpu_pods"])
    return {"changed": False, **hardware.to_result(), "findings": [finding.to_dict() for finding in findings]}


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
