#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: helm_release_info
short_description: What is released, with which images, and what has drifted
version_added: 0.1.0
description:
  - Reads Helm's own records. Values and manifests, which may hold secrets, are not returned.
extends_documentation_fragment: [harvis.platform.attributes, harvis.platform.cluster]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  name:
    description: Name of the release; without it, all of them.
    type: str
    default: ""
  namespace:
    description: Namespace of the release; without it, all of them.
    type: str
    default: ""
  drift:
    description: Compare the live objects with each release as well (a server-side apply as a dry run).
    type: bool
    default: false
author:
  - Harvis Platform (@harvis)
"""

EXAMPLES = r"""
- name: What is released
  harvis.platform.helm_release_info:
    kubeconfig: .harvis/kubeconfig
  register: released

- name: Has anybody changed the memory workers by hand
  harvis.platform.helm_release_info:
    name: harvis-prod
    namespace: ai-agents
    drift: true
"""

RETURN = r"""
releases:
  description: One entry for each release, by namespace and name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the release.
      type: str
      returned: always
    namespace:
      description: Namespace of the release.
      type: str
      returned: always
    revision:
      description: Number of the last revision.
      type: int
      returned: always
    status:
      description: Status of the last revision, in Helm's words.
      type: str
      returned: always
    updated:
      description: When the last revision was started.
      type: str
      returned: always
    description:
      description: What Helm says about the last revision.
      type: str
      returned: always
    chart:
      description: Name of the chart.
      type: str
      returned: always
    chart_version:
      description: Version of the chart.
      type: str
      returned: always
    app_version:
      description: Version of the application, as the chart states it.
      type: str
      returned: always
    history:
      description:
        - The kept revisions, oldest first, each with the keys above, C(source), C(images) (identities by name, as the
          kubelets reported them), C(verified) (null when nobody said), C(verified_at), C(note) and C(rolled_back_to).
      type: list
      elements: dict
      returned: always
    last_verified:
      description: The newest revision that passed verification; null when there is none.
      type: int
      returned: always
    held_by:
      description: The run that is at work on the release; null when there is none.
      type: str
      returned: always
    held_since:
      description: Since when that run holds the release.
      type: str
      returned: always
    findings:
      description: A release that was left in the middle, with who left it and what a new run will do.
      type: list
      elements: dict
      returned: always
    images:
      description: Container images of the deployed revision.
      type: list
      elements: str
      returned: always
    objects:
      description: Objects of the deployed revision, each with C(api_version), C(kind), C(namespace) and C(name).
      type: list
      elements: dict
      returned: always
    drift:
      description: Differences between the live objects and the deployed revision.
      type: list
      elements: str
      returned: with O(drift=true)
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.kube import connect
from ansible_collections.harvis.platform.plugins.module_utils.kube.options import CLUSTER_OPTIONS
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.release.info import release_info

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "default": ""},
    "namespace": {"type": "str", "default": ""},
    "drift": {"type": "bool", "default": False},
    **CLUSTER_OPTIONS,
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    cluster = connect(params["kubeconfig"], params["context"])
    found = release_info(cluster, name=params["name"], namespace=params["namespace"], drift=params["drift"])
    return {"changed": False, "releases": found}


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
