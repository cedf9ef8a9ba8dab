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
  - A release that a killed run left pending is recovered, unless somebody is still at work on it.
extends_documentation_fragment:
  - harvis.platform.attributes
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
    description: Folder of the chart, or a packaged chart. Required with O(state=present).
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
  kubeconfig:
    description: The kubeconfig. Without it, that of the environment.
    type: path
  context:
    description: The kubeconfig's context. Without it, the current one.
    type: str
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
  description: Objects that are V(added), V(changed) and V(removed).
  returned: success with O(state=present)
  type: dict
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
  description: What stopped the release, with cause, evidence and fix.
  returned: failure
  type: list
  elements: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.kube import connect
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner
from ansible_collections.harvis.platform.plugins.module_utils.release import (
    Helm,
    ReleaseSpec,
    ensure_absent,
    ensure_present,
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "chart": {"type": "path"},
    "values": {"type": "dict", "default": {}},
    "secret_values": {"type": "dict", "default": {}, "no_log": True},
    "values_files": {"type": "list", "elements": "path", "default": []},
    "kubeconfig": {"type": "path"},
    "context": {"type": "str"},
    "helm": {"type": "path"},
    "timeout": {"type": "int", "default": 600},
    "create_namespace": {"type": "bool", "default": True},
    "namespaces": {"type": "list", "elements": "str", "default": []},
    "atomic": {"type": "bool", "default": True},
    "take_back_drift": {"type": "bool", "default": True},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    spec = ReleaseSpec.from_params(params)
    helm = Helm.find(SystemRunner(), params["helm"], params["kubeconfig"], params["context"])
    ensure = ensure_present if params["state"] == "present" else ensure_absent
    return ensure(spec, helm, lambda: connect(params["kubeconfig"], params["context"]), check_mode=module.check_mode)


def main() -> None:
    run_module(ARGUMENT_SPEC, run, required_if=[("state", "present", ["chart"])])


if __name__ == "__main__":
    main()
