#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: release_preflight
short_description: Look whether releases may be deployed to a cluster, before anything is built
version_added: 0.1.0
description:
  - Refuses an unknown component, a kubeconfig whose certificate or token has expired, a cluster that does not answer,
    a user without the rights, a namespace or workload that belongs to somebody else, a release that Flux or Argo CD
    manages, and a release name that another chart holds.
  - Says which components a run is to touch, which images stay as they run, and which are in use by pods and by
    revisions of Helm releases.
  - Runs on the controller.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: none, details: Changes nothing.}
  idempotent: {support: full}
options:
  kubeconfig: {description: Path of the kubeconfig., type: path, required: true}
  context: {description: Context in it; empty for the current one., type: str, default: ""}
  releases:
    description: The releases that are to be deployed.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: Name of the release., type: str, required: true}
      namespace: {description: Its namespace., type: str, required: true}
      chart: {description: Folder of its chart., type: path, required: true}
      data:
        description: Whether it is the release of the data services, which a run may leave out.
        type: bool
        default: false
  components:
    description: Where the image of each component stands.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name of the component., type: str, required: true}
      namespace: {description: Namespace of its workload., type: str, required: true}
      workload: {description: Name of its Deployment or StatefulSet., type: str, required: true}
      container: {description: Name of its container., type: str, required: true}
      release: {description: Name of the release that owns it., type: str, required: true}
  workers: {description: Components that are workers., type: list, elements: str, default: []}
  only:
    description: Components to touch; empty leaves it to O(run_tags).
    type: list
    elements: str
    default: []
  gitops:
    description: What M(harvis.platform.helm_release) is to do with a release that Flux or Argo CD manages.
    type: str
    choices: [refuse, suspend, write]
    default: refuse
  run_tags: {description: Tags of the run; V(all) means every component., type: list, elements: str, default: [all]}
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Look whether the worker may be deployed
  harvis.platform.release_preflight:
    kubeconfig: .harvis/kubeconfig
    releases: [{name: harvis-prod, namespace: ai-agents, chart: charts/harvis}]
    components:
      - {name: resonance, namespace: vhm, workload: resonance, container: resonance, release: harvis-prod}
    workers: [resonance]
    only: [resonance]
  delegate_to: localhost
"""

RETURN = r"""
chosen:
  description: What the run is to touch.
  type: dict
  returned: success
  contains:
    workers: {description: Workers whose image is to be built and brought., type: list, elements: str}
    backend: {description: Whether the back end's image is., type: bool}
    data: {description: Whether the data services are to be compared., type: bool}
    topics: {description: Whether the topics are., type: bool}
    app: {description: Whether the application's release is., type: bool}
left:
  description: Images of what is left as it runs.
  type: dict
  returned: success
  contains:
    workers: {description: By worker., type: dict}
    backend: {description: Of the back end; empty where it is chosen or does not run., type: str}
used_images:
  description: Images of pods and workloads in these namespaces, and of all revisions of releases there.
  type: list
  elements: str
  returned: success
verified:
  description: Whether the deployed revision of every release is the last one and was marked as verified.
  type: bool
  returned: success
kubernetes: {description: Version of the API server., type: str, returned: success}
credentials: {description: Until when certificates and token are valid., type: dict, returned: success}
findings: {description: What speaks against the deployment., type: list, elements: dict, returned: failure}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.deployment.preflight import preflight
from ansible_collections.harvis.platform.plugins.module_utils.kube import connect
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

_TEXT = {"type": "str", "required": True}

ARGUMENT_SPEC: dict[str, t.Any] = {
    "kubeconfig": {"type": "path", "required": True},
    "context": {"type": "str", "default": ""},
    "releases": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": _TEXT,
            "namespace": _TEXT,
            "chart": {"type": "path", "required": True},
            "data": {"type": "bool", "default": False},
        },
    },
    "components": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": dict.fromkeys(("name", "namespace", "workload", "container", "release"), _TEXT),
    },
    "workers": {"type": "list", "elements": "str", "default": []},
    "only": {"type": "list", "elements": "str", "default": []},
    "gitops": {"type": "str", "choices": ["refuse", "suspend", "write"], "default": "refuse"},
    "run_tags": {"type": "list", "elements": "str", "default": ["all"]},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """One look."""
    p = module.params
    return preflight(p, lambda: connect(p["kubeconfig"], p["context"] or None))


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
