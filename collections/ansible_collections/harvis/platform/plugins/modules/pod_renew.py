#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: pod_renew
short_description: Replace pods that hold on to what is no longer so
version_added: 0.1.0
description:
  - Deletes a pod, so that its controller makes a new one, where the pod runs another image than the name stands for
    now, read a ConfigMap or Secret at its start that changed since, restarted without a start of its node that
    explains it, or has been unready for longer than O(patience).
  - A pod without a controller and one that no node has taken are left alone. Volumes and claims are never touched.
extends_documentation_fragment: [harvis.platform.attributes, harvis.platform.cluster]
attributes:
  check_mode: {support: full}
  diff_mode: {support: none, details: RV(renewed) names the pods.}
  idempotent: {support: full}
options:
  namespaces:
    description: Namespaces whose pods belong to the platform.
    type: list
    elements: str
    default: [vhm, ai-agents]
  image_ids:
    description: Identities that images should have, by reference, as the delivery reported them.
    type: dict
    default: {}
  patience:
    description: Seconds for which a pod may be unready, as a new one is.
    type: float
    default: 30
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Replace pods that wait for what has changed
  harvis.platform.pod_renew:
    namespaces: [vhm]
    kubeconfig: .harvis/kubeconfig
  delegate_to: localhost
"""

RETURN = r"""
renewed:
  description: One line for each pod that was (or would be) replaced, with the reason.
  type: list
  elements: str
  returned: success
findings:
  description: Why the cluster could not be asked, with cause, evidence and fix.
  type: list
  elements: dict
  returned: failure
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.kube import connect
from ansible_collections.harvis.platform.plugins.module_utils.kube.options import CLUSTER_OPTIONS
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.recovery.renew import renew

ARGUMENT_SPEC: dict[str, t.Any] = {
    "namespaces": {"type": "list", "elements": "str", "default": ["vhm", "ai-agents"]},
    "image_ids": {"type": "dict", "default": {}},
    "patience": {"type": "float", "default": 30},
    **CLUSTER_OPTIONS,
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    cluster = connect(params["kubeconfig"], params["context"])
    options = {"ids": params["image_ids"], "patience": params["patience"], "dry": module.check_mode}
    renewed = [str(each) for each in renew(cluster, params["namespaces"], **options)]
    return {"changed": bool(renewed), "renewed": renewed}


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
