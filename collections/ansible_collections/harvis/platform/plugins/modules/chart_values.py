#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: chart_values
short_description: Size a chart's components for a host
version_added: 0.1.0
description:
  - Turns a share of a host into C(resources) for the named components of a chart, and lays them over a values file.
  - Limits are the component's part of the share; all components together get the share. Requests are a twelfth of
    the CPUs and a quarter of the memory of that, so that an idle release does not keep others from being scheduled.
  - In the file only the amounts that differ are touched; comments, order and spelling stay, and C(12000m) is not
    replaced by C(12).
  - What the host cannot hold is refused as C(RES-SHARE), models that do not fit on its GPUs as C(GPU-VRAM).
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: full}
  idempotent: {support: full}
options:
  host:
    description:
      - What the host has, as RV(harvis.platform.gpu_info#module:host) says it.
      - Without it, the machine that the module runs on.
    type: dict
    suboptions:
      cpu: {description: CPU threads., type: float, required: true}
      memory_gib: {description: GiB that the kernel can use., type: float, required: true}
      installed_memory_gib: {description: GiB that are installed. Without it, O(host.memory_gib)., type: float}
      gpus: {description: Number of GPUs., type: int, default: 0}
      gpu_memory_gib: {description: GiB of the smallest GPU; 0 is unknown., type: float, default: 0}
  gpu_replicas:
    description: How many times the device plugin offers each GPU (time slicing).
    type: int
    default: 1
  share:
    description: The part of the host that all components may take together, above 0 and up to 1.
    type: float
    default: 0.5
  components:
    description: Who gets the share.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Where the component lies in the values, with dots. Its C(resources) are below it.
        type: str
        required: true
      weight: {description: Its part of the share., type: float, default: 1}
      gpus:
        description:
          - GPUs it must have; V(0) takes those in the file away.
          - Without it, as many as the file asks for, else what the share gives.
        type: int
      min_cpu: {description: CPUs it cannot work without., type: float, default: 0.1}
      min_memory_gib: {description: GiB it cannot work without., type: float, default: 0.125}
  models:
    description: Models that shall be held on the GPU at the same time.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: As Ollama knows it. The size of common ones is known; the need is estimated from it.
        type: str
        required: true
      gguf: {description: GGUF file whose size the need is estimated from., type: path}
      vram_gib: {description: GiB it needs. Beats every estimate., type: float}
  room_cpu: {description: CPUs that are kept for the system., type: float, default: 1}
  room_memory_gib: {description: GiB that are kept for the system., type: float, default: 2}
  values_file:
    description: File to bring up to date. It is created where there is none. Without it, the values are only returned.
    type: path
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Learn what the host has
  harvis.platform.gpu_info:
  register: hardware

- name: Give half of it to the pod of Ollama and the back end
  harvis.platform.chart_values:
    host: "{{ hardware.host }}"
    share: 0.5
    components:
      - path: mergedOllamaBackend.ollama
        gpus: 1
      - path: mergedOllamaBackend
        gpus: 0
    models:
      - name: llama3
    values_file: values-workstation.yaml
  delegate_to: localhost
"""

RETURN = r"""
reasons:
  description: What differs in the file, one line each.
  type: list
  elements: str
  returned: success
  sample: ["mergedOllamaBackend.resources.limits.cpu: 2 -> 6"]
values: {description: The resources as an override file has them., type: dict, returned: success}
resources:
  description: The resources of each component.
  type: dict
  returned: success
  sample:
    mergedOllamaBackend:
      requests: {cpu: "1", memory: 8Gi, nvidia.com/gpu: 1}
      limits: {cpu: "12", memory: 32Gi, nvidia.com/gpu: 1}
vram:
  description: GPU memory that the models need and that the given GPUs have, in bytes, and where each number comes from.
  type: dict
  returned: success
notes:
  description: Where the host gives less than the share promises.
  type: list
  elements: str
  returned: success
not_checked: {description: What could not be compared., type: list, elements: str, returned: success}
findings: {description: What the host cannot hold., type: list, elements: dict, returned: failure}
"""

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.hardware.values import Wanted, chart_values
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    "host": {
        "type": "dict",
        "options": {
            "cpu": {"type": "float", "required": True},
            "memory_gib": {"type": "float", "required": True},
            "installed_memory_gib": {"type": "float"},
            "gpus": {"type": "int", "default": 0},
            "gpu_memory_gib": {"type": "float", "default": 0},
        },
    },
    "gpu_replicas": {"type": "int", "default": 1},
    "share": {"type": "float", "default": 0.5},
    "components": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "path": {"type": "str", "required": True},
            "weight": {"type": "float", "default": 1},
            "gpus": {"type": "int"},
            "min_cpu": {"type": "float", "default": 0.1},
            "min_memory_gib": {"type": "float", "default": 0.125},
        },
    },
    "models": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "gguf": {"type": "path"},
            "vram_gib": {"type": "float"},
        },
    },
    "room_cpu": {"type": "float", "default": 1},
    "room_memory_gib": {"type": "float", "default": 2},
    "values_file": {"type": "path"},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    path = module.params["values_file"]
    return chart_values(Wanted.from_params(module.params), Path(path) if path else None, check_mode=module.check_mode)


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
