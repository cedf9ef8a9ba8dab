"""Which pods belong to which workload."""

from __future__ import annotations

import typing as t
from collections import defaultdict

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import condition, counts, path
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import Snapshot

Key = tuple[str, str]


def pods_by_workload(snapshot: Snapshot) -> dict[Key, list[Object]]:
    """(kind, ``namespace/name``) of each workload to its present pods."""
    above = {("ReplicaSet", path(found)): owner(found) for found in snapshot.replica_sets}
    members: dict[Key, list[Object]] = defaultdict(list)
    for pod in filter(counts, snapshot.pods):
        direct = owner(pod)
        members[above.get(direct, direct) or direct].append(pod)
    return members


def owner(found: Object) -> Key:
    """The controller that made an object, as far as it has one."""
    owners = found["metadata"].get("ownerReferences") or []
    first: t.Mapping[str, t.Any] = next((ref for ref in owners if ref.get("controller")), {})
    return first.get("kind", ""), f"{found['metadata'].get('namespace', '')}/{first.get('name', '')}"


def key(workload: Object) -> Key:
    return workload["kind"], path(workload)


def wanted_pods(workload: Object) -> int:
    if workload["kind"] == "DaemonSet":
        return int(workload.get("status", {}).get("desiredNumberScheduled", 0))
    replicas = workload["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def refusal(workload: Object, snapshot: Snapshot) -> str:
    """Why the controller could not make pods: said by the Deployment, or by events of it and its ReplicaSets."""
    failure = condition(workload, "ReplicaFailure")
    if failure.get("status") == "True":
        return str(failure.get("message", ""))
    mine = {workload["metadata"].get("uid")} | {
        found["metadata"].get("uid") for found in snapshot.replica_sets if owner(found) == key(workload)
    }
    told = [
        event.get("message", "")
        for event in snapshot.events
        if event.get("involvedObject", {}).get("uid") in mine and event.get("reason") == "FailedCreate"
    ]
    return told[-1] if told else ""
