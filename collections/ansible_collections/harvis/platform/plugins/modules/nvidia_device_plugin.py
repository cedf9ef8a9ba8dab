#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: nvidia_device_plugin
short_description: Have NVIDIA's device plugin on a cluster, and the proof that its nodes offer their GPUs
version_added: 0.1.0
description:
  - Makes the plugin's Namespace, RuntimeClass, ServiceAccount, ConfigMap and DaemonSet, and labels the nodes that have
    GPUs. A changed configuration rolls the pods, because the plugin reads it only when it starts.
  - Is ready when the kubelet of each node offers the expected number, not when the plugin runs. Where it does not, the
    finding gives the plugin's own reason from its log.
  - A pod that asks for one GPU must see it; what it printed is in RV(smoke). It is removed again.
  - With O(state=absent), objects, labels and the resource in the nodes' status go. Kubelets count the devices of a
    plugin for five minutes after its end, so this takes as long.
extends_documentation_fragment: [harvis.platform.attributes, harvis.platform.cluster]
attributes:
  check_mode: {support: full}
  diff_mode: {support: full}
  idempotent: {support: full}
options:
  state:
    description: Whether the plugin is wanted.
    type: str
    choices: [present, absent]
    default: present
  nodes:
    description: The nodes with GPUs. Nodes that are not named, or have none, lose the plugin's label.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: As C(kubectl get nodes) shows it., type: str, required: true}
      gpus: {description: Cards that the plugin must find there., type: int, required: true}
      pci_gpus:
        description: NVIDIA devices on the PCI bus, as M(harvis.platform.gpu_info) counts them.
        type: int
        default: 0
      resources:
        description: What the node must offer where MIG makes other resources than cards, by name.
        type: dict
        default: {}
  image:
    description: The plugin's image; required unless O(state=absent).
    type: str
  namespace:
    description: Where it runs. One that exists already is used, and left behind when the plugin goes.
    type: str
    default: nvidia-device-plugin
  shares:
    description:
      - How many containers get each card. Above 1 the cards are shared by time; their memory is not divided.
      - Containers are given GPUs one by one, so a pod of two that use the same card needs 2.
    type: int
    default: 1
  mig_strategy:
    description: How MIG devices are offered.
    type: str
    choices: [none, single, mixed]
    default: none
  fail_requests_greater_than_one:
    description: Refuse a container that asks for several shares; it would not get more of a card by that.
    type: bool
    default: true
  runtime_class:
    description: RuntimeClass of the plugin's pods, made here; empty where NVIDIA's runtime is the default.
    type: str
    default: nvidia
  runtime_handler:
    description: The container runtime's own name for it.
    type: str
    default: nvidia
  simulated_root:
    description:
      - Folder on the nodes, as M(harvis.platform.simulated_gpus) makes it. A library in the image then simulates cards.
      - The nodes then bear C(harvis.dev/gpu-simulated=true). Refused for a node with O(nodes[].pci_gpus).
    type: path
    default: ""
  kubelet_dir:
    description: The kubelet's root folder on the nodes.
    type: path
    default: /var/lib/kubelet
  smoke:
    description: When a pod proves that it sees its GPU. It is left out where all are promised to other pods.
    type: str
    choices: [changed, always, never]
    default: changed
  smoke_image:
    description: Image of that pod; by default the plugin's.
    type: str
  smoke_command:
    description: What it runs.
    type: list
    elements: str
    default: [nvidia-smi, -L]
  smoke_expect:
    description: Regular expression that its output must contain.
    type: str
    default: "GPU-[0-9a-f]"
  smoke_timeout:
    description: Seconds that the pod may take.
    type: float
    default: 120
  timeout:
    description: Seconds that the nodes may take to offer their GPUs.
    type: float
    default: 180
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: One card for a pod of two containers
  harvis.platform.nvidia_device_plugin:
    image: nvcr.io/nvidia/k8s-device-plugin:v0.18.0
    nodes: [{name: workstation, gpus: 1, pci_gpus: 1}]
    shares: 2
    kubeconfig: .harvis/kubeconfig
  delegate_to: localhost

- name: Take it away
  harvis.platform.nvidia_device_plugin:
    state: absent
    nodes: [{name: workstation, gpus: 1}]
    kubeconfig: .harvis/kubeconfig
  delegate_to: localhost
"""

RETURN = r"""
reasons: {description: What differed; empty when nothing did., type: list, elements: str, returned: success}
nodes:
  description: What each node is expected to offer, has (C(capacity)) and gives to pods (C(allocatable)).
  type: dict
  returned: success
  sample:
    workstation:
      expected: {nvidia.com/gpu: 2}
      capacity: {nvidia.com/gpu: 2}
      allocatable: {nvidia.com/gpu: 2}
smoke:
  description: What a pod on each node saw; C(tried) is false where all GPUs are promised.
  type: list
  elements: dict
  returned: success
  sample: [{node: workstation, tried: true, evidence: "GPU 0: NVIDIA GeForce RTX 4090 (UUID: GPU-1b2c)", seconds: 2.1}]
simulated: {description: Whether the cards are simulated., type: bool, returned: success}
progress: {description: What was seen while waiting., type: list, elements: str, returned: success or failure}
findings: {description: What is wrong, type: list, elements: dict, returned: failure}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.absent import ensure_absent
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.present import ensure_present
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.smoke import Smoke
from ansible_collections.harvis.platform.plugins.module_utils.kube import connect
from ansible_collections.harvis.platform.plugins.module_utils.kube.options import CLUSTER_OPTIONS
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "nodes": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "gpus": {"type": "int", "required": True},
            "pci_gpus": {"type": "int", "default": 0},
            "resources": {"type": "dict", "default": {}},
        },
    },
    "image": {"type": "str"},
    "namespace": {"type": "str", "default": "nvidia-device-plugin"},
    "shares": {"type": "int", "default": 1},
    "mig_strategy": {"type": "str", "choices": ["none", "single", "mixed"], "default": "none"},
    "fail_requests_greater_than_one": {"type": "bool", "default": True},
    "runtime_class": {"type": "str", "default": "nvidia"},
    "runtime_handler": {"type": "str", "default": "nvidia"},
    "simulated_root": {"type": "path", "default": ""},
    "kubelet_dir": {"type": "path", "default": "/var/lib/kubelet"},
    "smoke": {"type": "str", "choices": ["changed", "always", "never"], "default": "changed"},
    "smoke_image": {"type": "str"},
    "smoke_command": {"type": "list", "elements": "str", "default": ["nvidia-smi", "-L"]},
    "smoke_expect": {"type": "str", "default": "GPU-[0-9a-f]"},
    "smoke_timeout": {"type": "float", "default": 120},
    "timeout": {"type": "float", "default": 180},
    **CLUSTER_OPTIONS,
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    options = PluginOptions.from_params(params)
    smoke = Smoke(
        params["smoke_image"] or options.image,
        tuple(params["smoke_command"]),
        params["smoke_expect"],
        params["smoke_timeout"],
    )
    cluster = connect(params["kubeconfig"], params["context"])
    if params["state"] == "absent":
        return ensure_absent(cluster, options, check_mode=module.check_mode)
    return ensure_present(cluster, options, smoke, when=params["smoke"], check_mode=module.check_mode)


def main() -> None:
    run_module(ARGUMENT_SPEC, run, required_if=[("state", "present", ["image"])])


if __name__ == "__main__":
    main()
