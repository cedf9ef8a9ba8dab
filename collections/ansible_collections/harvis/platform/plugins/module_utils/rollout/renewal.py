"""Workloads whose pods run an image that lies under its name no longer, and the orderly restart that mends it.

A name that is made from the sources keeps its name when the image is built elsewhere or brought anew; Kubernetes starts
no pod again for that, and no release differs.
"""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.rollout.images import identity, known_identities
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import containers, counts

# What `kubectl rollout restart` writes; every tool knows it for what it is.
RESTARTED = "kubectl.kubernetes.io/restartedAt"
_RESTARTABLE = ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True)
class Renewal:
    """A workload whose pods are to start again, and why."""

    workload: ObjectRef
    why: str

    def to_dict(self) -> dict[str, str]:
        return {"object": str(self.workload), "why": self.why}


def renewals(cluster: Cluster, namespaces: t.Sequence[str], ids: t.Mapping[str, str]) -> list[Renewal]:
    """``ids`` are the identities that the images of these names have on the nodes."""
    found: dict[ObjectRef, str] = {}
    for namespace in dict.fromkeys(namespaces):
        for pod in filter(counts, cluster.find("v1", "Pod", namespace=namespace)):
            why = other_image(pod, ids)
            workload = _workload(cluster, pod) if why else None
            if workload:
                found.setdefault(workload, why)
    return [Renewal(workload, why) for workload, why in found.items()]


def restart(cluster: Cluster, renewal: Renewal, now: dt.datetime) -> None:
    """Pods are replaced as in a rollout: old ones stay until new ones are ready."""
    body = cluster.get(renewal.workload)
    if body is None:
        return
    metadata = body["spec"]["template"].get("metadata") or {}
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    place = "/spec/template/metadata/annotations"
    operation: dict[str, t.Any] = {"op": "add", "path": f"{place}/{RESTARTED.replace('/', '~1')}", "value": at}
    if not metadata.get("annotations"):
        operation = {"op": "add", "path": place, "value": {RESTARTED: at}}
    cluster.patch(renewal.workload, [operation])


def other_image(pod: Object, ids: t.Mapping[str, str]) -> str:
    """What a container runs that the name of its image no longer stands for; empty where all is well or unknown."""
    references = {spec["name"]: str(spec.get("image") or "") for spec in pod["spec"]["containers"]}
    for state in containers(pod):
        reference = references.get(state["name"], "")
        expected, runs = known_identities(reference, ids), identity(state.get("imageID") or "")
        if expected and runs and runs not in expected:
            return f"{state['name']} runs {runs[:19]}, and {reference} is {min(expected)[:19]} now"
    return ""


def _workload(cluster: Cluster, pod: Object) -> ObjectRef | None:
    """The object whose template the pod is made from; nothing for a pod that nobody would make again."""
    owner = _controller(pod)
    namespace = pod["metadata"]["namespace"]
    if owner and owner["kind"] == "ReplicaSet":
        owner = _controller(cluster.get(ObjectRef("apps/v1", "ReplicaSet", owner["name"], namespace)) or {})
    if owner is None or owner["kind"] not in _RESTARTABLE:
        return None
    return ObjectRef("apps/v1", owner["kind"], owner["name"], namespace)


def _controller(found: Object) -> Object | None:
    owners = (found.get("metadata") or {}).get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)
