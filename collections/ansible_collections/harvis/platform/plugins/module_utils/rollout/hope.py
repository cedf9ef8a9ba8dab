"""What may mend itself while we wait, and what cannot."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Proof
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Severity
from ansible_collections.harvis.platform.plugins.module_utils.rollout.lasting import PASSING, hopeless
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import path
from ansible_collections.harvis.platform.plugins.module_utils.rollout.revision import behind
from ansible_collections.harvis.platform.plugins.module_utils.rollout.shortage import asks_too_much
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import Snapshot
from ansible_collections.harvis.platform.plugins.module_utils.rollout.workloads import wanted_pods

# The old pods of a workload that is being replaced are what they were.
_REPLACED = frozenset({"IMG-STALE", "ROL-LIMITS"})


def may_pass(proofs: t.Iterable[Proof], snapshot: Snapshot) -> tuple[bool, bool]:
    """(something is wrong that may mend itself, something is wrong that cannot)."""
    rolling = {path(workload) for workload in snapshot.workloads if behind(workload, wanted_pods(workload))}
    hopes = [
        _hope(finding, proof, snapshot, rolling)
        for proof in proofs
        for finding in proof.findings
        if finding.severity is Severity.ERROR
    ]
    return any(hopes), not all(hopes)


def _hope(finding: Finding, proof: Proof, snapshot: Snapshot, rolling: t.Collection[str]) -> bool:
    if finding.code in _REPLACED:
        return proof.row.subject.partition(" ")[0] in rolling
    if finding.code not in PASSING:
        return False
    if finding.code == "ROL-QUOTA":
        return any("deletionTimestamp" in pod["metadata"] for pod in snapshot.pods)
    pod = next((pod for pod in snapshot.pods if path(pod) == finding.subject.partition(" ")[0]), None)
    if pod is None:
        # Pods of a workload that is not there come when somebody deploys it, which nobody does while we look.
        workload = finding.subject.rpartition(" ")[2]
        return finding.code != "ROL-MISSING" or workload in {path(each) for each in snapshot.workloads}
    if finding.code == "ROL-SCHEDULE":
        return not asks_too_much(pod, snapshot.nodes)
    return not hopeless(finding, pod)
