#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: nvidia_device_plugin_info
short_description: Say whether nodes offer their GPUs, which pods hold them, and why not
version_added: 0.1.0
description:
  - Compares what each kubelet offers with what was counted, and reads the plugin's log where they differ.
  - Names the pods that hold the GPUs which another pod waits for.
extends_documentation_fragment: [harvis.platform.attributes, harvis.platform.cluster]
attributes:
  check_mode: {support: full}
  diff_mode: {support: none, details: Changes nothing.}
  idempotent: {support: full}
options:
  nodes:
    description: The nodes with GPUs.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: As C(kubectl get nodes) shows it., type: str, required: true}
      gpus: {description: Cards that were counted there., type: int, required: true}
      pci_gpus:
        description: Not looked at; so that the list is that of M(harvis.platform.nvidia_device_plugin).
        type: int
        default: 0
      resources:
        description: What the node must offer where MIG makes other resources than cards, by name.
        type: dict
        default: {}
  namespace: {description: Where the plugin runs., type: str, default: nvidia-device-plugin}
  shares: {description: How many containers get each card., type: int, default: 1}
  mig_strategy:
    description: How MIG devices are offered.
    type: str
    choices: [none, single, mixed]
    default: none
  runtime_class:
    description: RuntimeClass of pods with GPUs; empty where NVIDIA's runtime is the nodes' default.
    type: str
    default: ""
  runtime_handler: {description: The container runtime's own name for it., type: str, default: nvidia}
  minikube_home:
    description: Where minikube keeps its profiles; one that was made without GPUs is named as the cause.
    type: path
    default: ~/.minikube
  report_only:
    description: Return failed rows instead of failing, also when the cluster cannot be reached.
    type: bool
    default: false
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Look at the GPUs of the cluster
  harvis.platform.nvidia_device_plugin_info:
    nodes: [{name: workstation, gpus: 1}]
    shares: 2
    kubeconfig: .harvis/kubeconfig
  delegate_to: localhost
"""

RETURN = r"""
passed: {description: Whether every row passed., type: bool, returned: always}
rows:
  description: Rows of the checks V(gpu-plugin) (what nodes offer) and V(gpu-pods) (who holds GPUs, who waits).
  type: list
  elements: dict
  returned: always
  contains:
    check: {description: The check's name., type: str}
    subject: {description: What was judged., type: str}
    passed: {description: Whether it is as it should be., type: bool}
    evidence: {description: What was seen; simulated cards are called so., type: str}
    seconds: {description: How long the reading took., type: float}
gpu_pods:
  description: UIDs of the pods that hold GPUs, as M(harvis.platform.gpu_info) takes them.
  type: list
  elements: str
  returned: always
findings: {description: "Why rows failed, each with its cause and a fix.", type: list, elements: dict, returned: always}
"""

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.look import Look, look
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import (
    Evidence,
    Proof,
    said,
    stop_on_failure,
    to_result,
)
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.kube import connect
from ansible_collections.harvis.platform.plugins.module_utils.kube.options import CLUSTER_OPTIONS
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
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
    "namespace": {"type": "str", "default": "nvidia-device-plugin"},
    "shares": {"type": "int", "default": 1},
    "mig_strategy": {"type": "str", "choices": ["none", "single", "mixed"], "default": "none"},
    "runtime_class": {"type": "str", "default": ""},
    "runtime_handler": {"type": "str", "default": "nvidia"},
    "minikube_home": {"type": "path", "default": "~/.minikube"},
    "report_only": {"type": "bool", "default": False},
    **CLUSTER_OPTIONS,
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    looked = Look([], [])
    try:
        options = PluginOptions.from_params(params)
        cluster = connect(params["kubeconfig"], params["context"])
        looked = look(cluster, options, Path(params["minikube_home"]))
        proofs = looked.proofs
    except HarvisError as exc:
        if not params["report_only"]:
            raise
        proofs = [Proof(Evidence("gpu-plugin", "cluster", False, said(exc.findings), 0.0), exc.findings)]
    if not params["report_only"]:
        stop_on_failure(proofs)
    return {**to_result(proofs), "gpu_pods": looked.gpu_pods}


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
