#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_info
short_description: Say what the pods of a platform do, and why
version_added: 0.1.0
description:
  - Judges every pod of the given namespaces; a pod that is not ready gets one cause (image, import, crash, memory,
    CPU, scheduling, volume, configuration, init container, probe, node, eviction) with the evidence and a fix. What
    a program says in its log and at its readiness endpoint counts, so that a missing topic, model or name is named.
  - Judges workloads whose pods are refused (quota, webhook, account) or are not of the newest revision yet, Services
    without a ready endpoint, and nodes that are short of something.
  - While it waits it is told by the API server what changes, and stops at the first failure that cannot mend itself.
  - A container that restarted since the later of its deployment and its node's last start is a failed row. Restarts
    that a start of the node explains are listed.
  - Compares running images and live resources with what is expected. Only reads.
options:
  namespaces:
    description: Namespaces whose pods belong to the platform.
    type: list
    elements: str
    default: [vhm, ai-agents]
  images:
    description: Expected image references, by C(namespace/workload) and container.
    type: dict
    default: {}
  image_ids:
    description:
      - Known identities by image reference, as the node's runtime reports them. Where one is known, the running
        image must have it.
    type: dict
    default: {}
  resources:
    description: Expected C(requests) and C(limits), by C(namespace/workload) and container.
    type: dict
    default: {}
  changes:
    description:
      - Files in which the sources of older images differ from today's, by image reference, as
        M(harvis.platform.image_build) returns them. They are named where such an image runs.
    type: dict
    default: {}
  audits:
    description:
      - Results of M(harvis.platform.chart_audit) on this machine. With them a finding about a limit names the value
        that decides it. A file that is not there names nothing.
    type: list
    elements: path
    default: []
  log:
    description: File on this machine that gets a line whenever something changes; the progress callback shows it.
    type: path
  gpus:
    description: How many C(nvidia.com/gpu) the nodes must offer together.
    type: int
    default: 0
  wait:
    description: Seconds that pods may take to become ready. What cannot mend itself ends the wait at once.
    type: float
    default: 0
  measure:
    description:
      - Ask each node's kubelet what containers with limits took and how often they were held back. It measures all of
        its node for that, which takes a third of a second. With V(false) only nodes are asked on which a pod is not
        ready or was started again, and what is held back and ready all the same is not seen.
    type: bool
    default: true
  report_only:
    description: Return failed rows instead of failing, also when the cluster cannot be reached.
    type: bool
    default: false
extends_documentation_fragment: [harvis.platform.attributes, harvis.platform.cluster]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
    details: Only reads.
author: Harvis Platform maintainers
"""

EXAMPLES = r"""
- name: Look at the pods
  harvis.platform.rollout_info:
    kubeconfig: .harvis/kubeconfig
    images:
      vhm/indexer:
        indexer: harvis.local/vhm-indexer:sha256-0123456789abcdef
    resources:
      vhm/indexer:
        indexer:
          limits: {memory: 256Mi}
  delegate_to: localhost
"""

RETURN = r"""
passed:
  description: Whether every row passed.
  type: bool
  returned: always
rows:
  description: Rows of the checks V(pods) (one per pod), V(services) (one per Service), V(nodes) (one per node that is
    short of something), V(image-digest) (one per workload), V(limits) (one per container), V(gpu) and
    V(gpu-use) (one per container with a GPU whose program says what it computes on).
  type: list
  elements: dict
  returned: always
  contains:
    check:
      description: The check's name.
      type: str
    subject:
      description: The object that was judged.
      type: str
    passed:
      description: Whether it is as it should be.
      type: bool
    evidence:
      description: What was seen.
      type: str
    seconds:
      description: How long the reading took.
      type: float
findings:
  description: Why rows failed, each with its cause and a fix.
  type: list
  elements: dict
  returned: always
"""

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
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
from ansible_collections.harvis.platform.plugins.module_utils.rollout.assess import Expected
from ansible_collections.harvis.platform.plugins.module_utils.rollout.leaves import Leaves
from ansible_collections.harvis.platform.plugins.module_utils.rollout.progress import Log, silent
from ansible_collections.harvis.platform.plugins.module_utils.rollout.watch import watch

ARGUMENT_SPEC: dict[str, t.Any] = {
    **CLUSTER_OPTIONS,
    "namespaces": {"type": "list", "elements": "str", "default": ["vhm", "ai-agents"]},
    "images": {"type": "dict", "default": {}},
    "image_ids": {"type": "dict", "default": {}},
    "resources": {"type": "dict", "default": {}},
    "gpus": {"type": "int", "default": 0},
    "changes": {"type": "dict", "default": {}},
    "audits": {"type": "list", "elements": "path", "default": []},
    "log": {"type": "path"},
    "wait": {"type": "float", "default": 0},
    "measure": {"type": "bool", "default": True},
    "report_only": {"type": "bool", "default": False},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    try:
        expected = Expected(
            params["images"],
            params["image_ids"],
            params["resources"],
            params["gpus"],
            params["changes"],
            Leaves.read(params["audits"]),
        )
        cluster = connect(params["kubeconfig"], params["context"])
        tell = Log(Path(params["log"])) if params["log"] else silent
        waiting = {"wait": params["wait"], "measure": params["measure"]}
        proofs = watch(cluster, params["namespaces"], expected, **waiting, tell=tell)
    except HarvisError as exc:
        if not params["report_only"]:
            raise
        proofs = [Proof(Evidence("pods", "cluster", False, said(exc.findings), 0.0), exc.findings)]
    if not params["report_only"]:
        stop_on_failure(proofs)
    return to_result(proofs)


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
