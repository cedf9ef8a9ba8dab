#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: gitops_info
short_description: What Flux and Argo CD manage, what of it is suspended, and what only says that it is well
version_added: 0.1.0
description:
  - Reads the HelmReleases and Kustomizations of Flux and the Applications of Argo CD, in whichever version the cluster
    has them.
  - Finds what is suspended and forgotten, what is Ready although its live objects differ or its pods do not work,
    charts from git that are applied only when their version rises, and readiness that proves nothing.
extends_documentation_fragment: [harvis.platform.attributes, harvis.platform.cluster]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  namespace:
    description: Namespace of the tools' own objects; without it, all of them.
    type: str
    default: ""
  intervals:
    description: How many of its own intervals something may be suspended before it counts as forgotten.
    type: int
    default: 12
  compare:
    description: Look at what they manage as well, with a server-side apply as a dry run, and at its pods.
    type: bool
    default: true
author:
  - Harvis Platform (@harvis)
"""

EXAMPLES = r"""
- name: What is suspended, and what only says that it is well
  harvis.platform.gitops_info:
    kubeconfig: .harvis/kubeconfig
  register: gitops

- name: Stop where something was forgotten
  ansible.builtin.assert:
    that: gitops.findings | selectattr('code', 'equalto', 'GOP-SUSPENDED') | length == 0
"""

RETURN = r"""
managers:
  description:
    - The tools' own objects, each with C(tool), C(api_version), C(kind), C(namespace), C(name), C(suspended) (why it
      does nothing; empty where it works), C(interval), C(last_handled), C(ready), C(message), C(source), C(watches),
      and when it takes back a Helm revision (C(reverts_release)) and a change of an object (C(reverts_object)).
  returned: success
  type: list
  elements: dict
findings:
  description: What is wrong, with cause, evidence and fix.
  returned: success
  type: list
  elements: dict
unchecked:
  description: What could not be looked at, and why. It is neither well nor wrong.
  returned: success
  type: list
  elements: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.gitops.info import gitops_info
from ansible_collections.harvis.platform.plugins.module_utils.kube import connect
from ansible_collections.harvis.platform.plugins.module_utils.kube.options import CLUSTER_OPTIONS
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    "namespace": {"type": "str", "default": ""},
    "intervals": {"type": "int", "default": 12},
    "compare": {"type": "bool", "default": True},
    **CLUSTER_OPTIONS,
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    cluster = connect(params["kubeconfig"], params["context"])
    given = {key: params[key] for key in ("namespace", "intervals", "compare")}
    return gitops_info(cluster, **given).to_result()


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
