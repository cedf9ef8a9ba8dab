#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: workload_restart
short_description: Start pods again that run another image than their image's name stands for
version_added: 0.2.0
description:
  - Compares what pods run with the identities that a delivery reported, by name, and restarts the workloads that
    differ, as C(kubectl rollout restart) does. It does not wait for their pods; M(harvis.platform.rollout_info) does.
  - Kubernetes starts no pod again because an image was brought anew under a name that it knows.
extends_documentation_fragment: [harvis.platform.attributes, harvis.platform.cluster]
attributes:
  check_mode: {support: full}
  diff_mode: {support: none, details: What is restarted is in RV(restarted).}
  idempotent: {support: full}
options:
  namespaces: {description: Where to look., type: list, elements: str, required: true}
  image_ids:
    description: Identity by name, as M(harvis.platform.image_deliver) reports it. Other images are left alone.
    type: dict
    required: true
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Have the pods run the images that were brought
  harvis.platform.workload_restart:
    namespaces: [vhm, ai-agents]
    image_ids:
      harvis.local/vhm-indexer:sha256-0123456789abcdef: "{{ delivered.images[reference].id }}"
"""

RETURN = r"""
restarted:
  description: Workloads that were (or would be) restarted, each with C(object) and C(why).
  type: list
  elements: dict
  returned: success
"""

import datetime as dt
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.kube import connect
from ansible_collections.harvis.platform.plugins.module_utils.kube.options import CLUSTER_OPTIONS
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.rollout.renewal import renewals, restart

ARGUMENT_SPEC: dict[str, t.Any] = {
    **CLUSTER_OPTIONS,
    "namespaces": {"type": "list", "elements": "str", "required": True},
    "image_ids": {"type": "dict", "required": True},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    if not params["image_ids"]:
        return {"changed": False, "restarted": []}
    cluster = connect(params["kubeconfig"], params["context"])
    found = renewals(cluster, params["namespaces"], params["image_ids"])
    for renewal in [] if module.check_mode else found:
        restart(cluster, renewal, dt.datetime.now(dt.UTC))
    return {"changed": bool(found), "restarted": [renewal.to_dict() for renewal in found]}


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
