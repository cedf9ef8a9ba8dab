#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: helm_release
short_description: Bring a Helm release to its description, and say why it was changed
version_added: 0.1.0
description:
  - Renders a chart and compares it with what Helm recorded and with the live objects. The release is applied when any
    of them differs, so an edited template counts without a new chart version, and so does a change made by hand.
  - Live objects are compared by a server-side apply as a dry run, which knows defaults and quantities; fields that the
    chart never names and that a person added are found through C(managedFields).
  - A failed rollout is reported with the state, the log and the events of each pod that was not ready, also when the
    release was rolled back and those pods are gone.
  - A release that a killed run left pending is recovered, unless somebody is still at work on it. While a run changes
    a release it holds a Lease beside it, which names the process and is renewed; a second run waits or refuses.
  - In check mode with diff it says which objects come, change, go or are replaced, and which pods start again and why.
  - What Helm does not keep of a revision (its source, its images' identities, whether it was verified) lies in the
    ConfigMap C(harvis-release-<name>) beside the release, and goes with it.
extends_documentation_fragment: [harvis.platform.attributes, harvis.platform.cluster]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description: Name of the release.
    type: str
    required: true
  namespace:
    description: Namespace of the release, for objects that name none themselves.
    type: str
    required: true
  state:
    description: Whether the release is there. V(absent) keeps namespaces and the claims of stateful sets.
    type: str
    choices: [present, absent]
    default: present
  chart:
    description:
      - Folder of the chart, or a packaged chart. One of O(chart) and O(rollback_to) is required with O(state=present).
    type: path
  values:
    description: Values that win over O(values_files).
    type: dict
    default: {}
  secret_values:
    description: Values that win over O(values) and are shown nowhere.
    type: dict
    default: {}
  values_files:
    description: Files of values, the later wins.
    type: list
    elements: path
    default: []
  helm:
    description: The helm program, version 3.18 or newer. Without it, the one on the path.
    type: path
  timeout:
    description: Seconds that helm waits for the objects to be ready.
    type: int
    default: 600
  create_namespace:
    description: Make O(namespace) when it is missing.
    type: bool
    default: true
  namespaces:
    description: Further namespaces to make before the release is applied.
    type: list
    elements: str
    default: []
  atomic:
    description: Roll back when the release does not get ready.
    type: bool
    default: true
  take_back_drift:
    description: Undo changes made by hand. With V(false) they are only reported, in RV(drift).
    type: bool
    default: true
  replace_immutable:
    description:
      - Delete and make anew what would change in a field that only a new object can have. Without it, and always where
        data would go with the object (claims, volumes, namespaces, definitions), the run stops before anything changes.
    type: bool
    default: false
  take_ownership:
    description:
      - Take over objects of the chart that exist already and belong to nobody or to another release, and a release name
        that another chart holds. Without it the run stops before anything changes.
      - A release that fails then is not undone, O(atomic) or not, because that would delete what was there before.
    type: bool
    default: false
  crds:
    description:
      - What becomes of the definitions in the chart's C(crds) folders. V(create) is Helm's own way, which makes them
        with the first install and never looks at them again; RV(findings) then name those that differ. V(apply)
        applies them on the server before the release. V(skip) leaves them to others.
    type: str
    choices: [create, apply, skip]
    default: create
  test:
    description: Run the chart's tests (C(helm test)) after the release was applied, and fail when they fail.
    type: bool
    default: false
  ready:
    description:
      - Where nothing is to be applied, wait for at most O(timeout) seconds until the release's workloads have their
        pods ready, and fail with the cause of each pod that cannot get ready. What is applied is waited for anyway.
    type: bool
    default: false
  lock_seconds:
    description: Seconds to wait for another run that is at work on the release. V(0) refuses at once.
    type: int
    default: 0
  source:
    description:
      - What the revision is made of, kept with it. Without it, the commit of the checkout that holds O(chart).
    type: str
  gitops:
    description:
      - What becomes of a release that Flux or Argo CD manages, and would bring back to its own description.
      - V(refuse) stops before anything is changed. V(suspend) suspends the manager, applies, and resumes it at the end
        in any case; it then takes the change back unless its source has got it meanwhile. V(write) runs no Helm and
        writes the values that differ into the C(spec.values) of Flux's HelmRelease, and waits for its controller.
      - A manager that is suspended already hinders nothing, and stays suspended.
    type: str
    choices: [refuse, suspend, write]
    default: refuse
  gitops_resume:
    description: Resume at the end what O(gitops=suspend) suspended. With V(false) it stays suspended.
    type: bool
    default: true
  rollback_to:
    description:
      - Go back to this revision instead of applying a chart. Its number, or V(verified) for the newest one that
        M(harvis.platform.helm_release_verified) marked as good. Nothing is done where its objects are live already.
    type: str
author:
  - Harvis Platform (@harvis)
"""

EXAMPLES = r"""
- name: Release the data services
  harvis.platform.helm_release:
    name: harvis-data
    namespace: vhm
    chart: charts/harvis-data
    kubeconfig: .harvis/kubeconfig
    values_files:
      - values/data.yaml

- name: Show what a redeploy would change
  harvis.platform.helm_release:
    name: harvis-prod
    namespace: ai-agents
    namespaces: [vhm]
    chart: charts/harvis
    values:
      global:
        namespace: ai-agents
    secret_values:
      secrets:
        OPENAI_API_KEY: "{{ openai_api_key }}"
  check_mode: true
  diff: true

- name: Change a value of a release that Flux makes
  harvis.platform.helm_release:
    name: harvis-prod
    namespace: ai-agents
    chart: charts/harvis
    values:
      workers:
        indexer:
          replicas: 2
    gitops: write

- name: Go back to what last passed verification
  harvis.platform.helm_release:
    name: harvis-prod
    namespace: ai-agents
    rollback_to: verified
    lock_seconds: 60
"""

RETURN = r"""
reasons:
  description: Why the release was (or would be) applied; empty when nothing differs.
  returned: success
  type: list
  elements: str
  sample: ["Deployment vhm/indexer: spec.replicas: 3 -> 1 (changed in the cluster)"]
drift:
  description: Differences between the live objects and the release that no chart or value explains.
  returned: success with O(state=present)
  type: list
  elements: str
objects:
  description: Objects that are V(added), V(changed), V(removed) and V(replaced), which is deleted and made anew.
  returned: success with O(state=present)
  type: dict
restarts:
  description: Workloads whose pods start again, how many pods each has, and the fields of the template that differ.
  returned: success with O(state=present)
  type: list
  elements: dict
  sample:
    - object: Deployment vhm/indexer
      pods: 2
      why: ["spec.template.spec.containers[indexer].image: 'vhm-indexer:1' -> 'vhm-indexer:2'"]
stale_readers:
  description:
    - Workloads whose pods read a changed ConfigMap or Secret at their start only (by variables, or mounted by subPath)
      and are not started again, so that the change does not reach them. C(why) names what they read.
  returned: success with O(state=present)
  type: list
  elements: dict
lost_values:
  description: Paths of values that the deployed revision was given and this run does not give.
  returned: success with O(chart)
  type: list
  elements: str
managers:
  description:
    - Objects of Flux and Argo CD that manage the release or parts of it, each with C(tool), C(kind), C(namespace),
      C(name), C(suspended) (why it does nothing; empty where it works), C(source), C(interval), C(last_handled), and
      when it takes back a Helm revision (C(reverts_release)) and a change of an object (C(reverts_object)).
  returned: success
  type: list
  elements: dict
rolled_back_to:
  description: The revision that was gone back to.
  returned: success with O(rollback_to)
  type: int
images_to_pull:
  description: Images of that revision that no node reports, and that a registry has to give.
  returned: success with O(rollback_to)
  type: list
  elements: str
images:
  description: Every container image that the chart names.
  returned: success with O(state=present)
  type: list
  elements: str
release:
  description: The last revision, with its status and chart; null when there is none.
  returned: success
  type: dict
  sample:
    name: harvis-prod
    namespace: ai-agents
    revision: 3
    status: deployed
    updated: "2026-01-05T10:00:00Z"
    description: Upgrade complete
    chart: harvis
    chart_version: 0.1.0
    app_version: 0.1.0
findings:
  description: What stopped the release, or what it should be known for, with cause, evidence and fix.
  returned: always
  type: list
  elements: dict
"""

import functools
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.kube import connect
from ansible_collections.harvis.platform.plugins.module_utils.kube.options import CLUSTER_OPTIONS
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner
from ansible_collections.harvis.platform.plugins.module_utils.release.converge import ensure_absent, ensure_present
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.rollback import ensure_rolled_back
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "chart": {"type": "path"},
    "values": {"type": "dict", "default": {}},
    "secret_values": {"type": "dict", "default": {}, "no_log": True},
    "values_files": {"type": "list", "elements": "path", "default": []},
    **CLUSTER_OPTIONS,
    "helm": {"type": "path"},
    "timeout": {"type": "int", "default": 600},
    "create_namespace": {"type": "bool", "default": True},
    "namespaces": {"type": "list", "elements": "str", "default": []},
    "atomic": {"type": "bool", "default": True},
    "take_back_drift": {"type": "bool", "default": True},
    "replace_immutable": {"type": "bool", "default": False},
    "take_ownership": {"type": "bool", "default": False},
    "crds": {"type": "str", "choices": ["create", "apply", "skip"], "default": "create"},
    "test": {"type": "bool", "default": False},
    "ready": {"type": "bool", "default": False},
    "lock_seconds": {"type": "int", "default": 0},
    "source": {"type": "str"},
    "gitops": {"type": "str", "choices": ["refuse", "suspend", "write"], "default": "refuse"},
    "gitops_resume": {"type": "bool", "default": True},
    "rollback_to": {"type": "str"},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    spec = ReleaseSpec.from_params(params)
    helm = Helm.find(SystemRunner(), params["helm"], params["kubeconfig"], params["context"])
    cluster = functools.partial(connect, params["kubeconfig"], params["context"])
    if params["state"] == "absent":
        result = ensure_absent(spec, helm, cluster, check_mode=module.check_mode)
    elif params["rollback_to"]:
        result = ensure_rolled_back(spec, helm, cluster, params["rollback_to"], check_mode=module.check_mode)
    else:
        result = ensure_present(spec, helm, cluster, check_mode=module.check_mode)
    for finding in result["findings"]:
        # What was just done will not last: that must not stay in a register.
        if finding["code"].startswith("GOP-"):
            module.warn(f"{finding['code']} {finding['subject']}: {finding['cause']}")
    return result


def main() -> None:
    run_module(
        ARGUMENT_SPEC,
        run,
        required_if=[("state", "present", ["chart", "rollback_to"], True)],
        mutually_exclusive=[("chart", "rollback_to")],
    )


if __name__ == "__main__":
    main()
