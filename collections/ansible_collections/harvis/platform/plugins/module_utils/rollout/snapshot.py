"""Everything the judgements need, read from the cluster once."""

from __future__ import annotations

import contextlib
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Cluster, Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.inference import LOG_BYTES, granted
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import path
from ansible_collections.harvis.platform.plugins.module_utils.rollout.sayings import Sayings, listen

SYSTEM = "kube-system"
WORKLOAD_KINDS = ("Deployment", "StatefulSet", "DaemonSet")
Kind = tuple[str, str]
_PARALLEL = 6


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
    def read(cls, cluster: Cluster, namespaces: t.Sequence[str], *, measure: bool = True) -> Snapshot:
        start = time.monotonic()

        def each(*kinds: Kind) -> t.Callable[[], list[Object]]:
            return lambda: [
                found for kind in kinds for name in namespaces for found in cluster.find(*kind, namespace=name)
            ]

        def allowed(read: t.Callable[[], list[Object]]) -> t.Callable[[], list[Object]]:
            return lambda: _allowed(read)

        readers: dict[str, t.Callable[[], list[Object]]] = {
            "pods": each(("v1", "Pod")),
            "workloads": each(*(("apps/v1", kind) for kind in WORKLOAD_KINDS)),
            "replica_sets": each(("apps/v1", "ReplicaSet")),
            "events": each(("v1", "Event")),
            "nodes": lambda: cluster.find("v1", "Node"),
            "system_pods": allowed(lambda: cluster.find("v1", "Pod", namespace=SYSTEM)),
            "node_events": allowed(
                lambda: cluster.find("v1", "Event", namespace="default", fields="involvedObject.kind=Node")
            ),
            "services": allowed(each(("v1", "Service"))),
            "slices": allowed(each(("discovery.k8s.io/v1", "EndpointSlice"))),
            "policies": allowed(each(("networking.k8s.io/v1", "NetworkPolicy"))),
            "claims": allowed(each(("v1", "PersistentVolumeClaim"))),
            "namespaces": allowed(lambda: cluster.find("v1", "Namespace")),
        }
        # The pods first: what is read after them explains them, and is no older.
        parts = {"pods": readers.pop("pods")()}
        with ThreadPoolExecutor(_PARALLEL) as pool:
            jobs = {name: pool.submit(read) for name, read in readers.items()}
        parts |= {name: job.result() for name, job in jobs.items()}
        starts = _starts(cluster, parts["pods"])
        sayings = listen(cluster, parts["pods"], measure=measure)
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
