"""Everything the judgements need, read from the cluster once."""

from __future__ import annotations

import contextlib
import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Cluster, Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.inference import LOG_BYTES, granted
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import path
from ansible_collections.harvis.platform.plugins.module_utils.rollout.sayings import Sayings, listen

SYSTEM = "kube-system"
WORKLOAD_KINDS = ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True)
class Snapshot:
    """Objects as the API server gives them. ``seconds`` is what the reading took.

    ``namespaces`` are all that there are, ``own`` the names of those that are judged. ``starts`` are the beginnings of
    the logs of containers that were granted a card, by ``namespace/pod`` and name.
    """

    pods: list[Object]
    workloads: list[Object]
    replica_sets: list[Object]
    events: list[Object]
    nodes: list[Object]
    system_pods: list[Object]
    node_events: list[Object]
    seconds: float = 0.0
    starts: t.Mapping[tuple[str, str], str] = field(default_factory=dict)
    services: t.Sequence[Object] = ()
    slices: t.Sequence[Object] = ()
    policies: t.Sequence[Object] = ()
    claims: t.Sequence[Object] = ()
    namespaces: t.Sequence[Object] = ()
    own: t.Sequence[str] = ()
    sayings: Sayings = field(default_factory=Sayings)

    @classmethod
    def read(cls, cluster: Cluster, namespaces: t.Sequence[str]) -> Snapshot:
        start = time.monotonic()

        def each(api_version: str, kind: str) -> list[Object]:
            return [found for name in namespaces for found in cluster.find(api_version, kind, namespace=name)]

        def helping(api_version: str, kind: str) -> list[Object]:
            return _allowed(lambda: each(api_version, kind))

        parts = {
            "pods": each("v1", "Pod"),
            "workloads": [found for kind in WORKLOAD_KINDS for found in each("apps/v1", kind)],
            "replica_sets": each("apps/v1", "ReplicaSet"),
            "events": each("v1", "Event"),
            "nodes": cluster.find("v1", "Node"),
            "system_pods": _allowed(lambda: cluster.find("v1", "Pod", namespace=SYSTEM)),
            "node_events": _allowed(
                lambda: cluster.find("v1", "Event", namespace="default", fields="involvedObject.kind=Node")
            ),
            "services": helping("v1", "Service"),
            "slices": helping("discovery.k8s.io/v1", "EndpointSlice"),
            "policies": helping("networking.k8s.io/v1", "NetworkPolicy"),
            "claims": helping("v1", "PersistentVolumeClaim"),
            "namespaces": _allowed(lambda: cluster.find("v1", "Namespace")),
        }
        starts = _starts(cluster, parts["pods"])
        sayings = listen(cluster, parts["pods"])
        return cls(**parts, starts=starts, sayings=sayings, own=tuple(namespaces), seconds=time.monotonic() - start)


def _starts(cluster: Cluster, pods: t.Iterable[Object]) -> dict[tuple[str, str], str]:
    """A log that cannot be had (the container ended meanwhile) says nothing, and others say why."""
    read = {}
    for pod in pods:
        for container in granted(pod):
            namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
            with contextlib.suppress(ApiRefusal):
                read[path(pod), container] = cluster.logs(namespace, name, container, beginning=LOG_BYTES)
    return read


def _allowed(read: t.Callable[[], list[Object]]) -> list[Object]:
    """What only helps to explain is left out where this user may not read it."""
    try:
        return read()
    except ApiRefusal as exc:
        if exc.status == 403:
            return []
        raise
