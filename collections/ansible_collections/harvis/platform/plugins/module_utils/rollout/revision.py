"""Whether what serves is the newest revision: old pods may be Available while the new ones never come."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import condition, path

_WITH_REVISIONS = ("Deployment", "StatefulSet", "DaemonSet")
_UPDATED = {"DaemonSet": "updatedNumberScheduled"}


def behind(workload: Object, wanted: int) -> Finding | None:
    """``wanted`` is how many pods it is to have; nothing where its newest revision is all that runs."""
    status = workload.get("status") or {}
    if workload["kind"] not in _WITH_REVISIONS or not status:
        return None
    found = _unseen(workload, status) or _not_updated(workload, status, wanted) or _old_left(workload, status)
    if not found:
        return None
    progress = condition(workload, "Progressing")
    overdue = progress.get("reason") == "ProgressDeadlineExceeded"
    kind = workload["kind"].lower()
    name = f"-n {workload['metadata'].get('namespace', '')} {kind}/{workload['metadata']['name']}"
    return Finding(
        "ROL-REVISION",
        f"{workload['kind']} {path(workload)}",
        found + (f"; its controller has given up: {progress.get('message', '')}" if overdue else ""),
        evidence=_seen(workload, status),
        fix=f"`kubectl rollout status {name}` waits for it, `kubectl rollout undo {name}` goes back; why its new pods "
        "do not become ready is said of them.",
    )


def _unseen(workload: Object, status: Object) -> str:
    generation, observed = workload["metadata"].get("generation", 0), status.get("observedGeneration", 0)
    return "its controller has not seen the latest change yet" if observed < generation else ""


def _not_updated(workload: Object, status: Object, wanted: int) -> str:
    if _on_delete(workload):
        return ""
    updated = int(status.get(_UPDATED.get(workload["kind"], "updatedReplicas"), 0))
    return f"{updated} of {wanted} pods are of the newest revision" if updated < wanted else ""


def _on_delete(workload: Object) -> bool:
    """Its pods are replaced when somebody deletes them."""
    return (workload["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"


def _old_left(workload: Object, status: Object) -> str:
    if workload["kind"] != "Deployment":
        return ""
    old = int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))
    if old <= 0:
        return ""
    return "1 pod of an older revision still runs" if old == 1 else f"{old} pods of an older revision still run"


def _seen(workload: Object, status: Object) -> str:
    told: dict[str, t.Any] = {
        "generation": workload["metadata"].get("generation", 0),
        **{
            name: status.get(name, 0)
            for name in ("observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        },
    }
    return ", ".join(f"{name} {value}" for name, value in told.items())
