"""When a node last started. No field of the API says it, so it is concluded from what a start leaves behind."""

from __future__ import annotations

import datetime as dt
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import (
    condition,
    containers,
    event_time,
    moment,
)

MIRROR = "kubernetes.io/config.mirror"
PROXY = "kube-proxy"
START_EVENTS = ("Starting", "Rebooted")


def node_starts(
    nodes: t.Iterable[Object], system_pods: t.Sequence[Object], node_events: t.Sequence[Object]
) -> dict[str, dt.datetime | None]:
    """By the nodes' names."""
    return {node["metadata"]["name"]: node_start(node, system_pods, node_events) for node in nodes}


def node_start(node: Object, system_pods: t.Iterable[Object], node_events: t.Iterable[Object]) -> dt.datetime | None:
    """The latest start of the node that a trace tells of; ``None`` where there is no trace.

    The node's own containers (static pods, kube-proxy) all start with it, so the earliest start among them is the
    node's. The Ready condition tells when it came back after an absence that was noticed. Where a node has no such
    containers there are only the kubelet's events, which live for an hour, get lost while no API server answers, and
    come with a mere restart of the kubelet too.
    """
    name = node["metadata"]["name"]
    ready = condition(node, "Ready")
    back = moment(ready.get("lastTransitionTime")) if ready.get("status") == "True" else None
    begun = _own_containers(name, system_pods) or _kubelet_events(name, node_events)
    return max(filter(None, (back, begun)), default=None)


def _kubelet_events(node: str, events: t.Iterable[Object]) -> dt.datetime | None:
    told = [
        event_time(event)
        for event in events
        if event.get("involvedObject", {}).get("name") == node
        and event.get("source", {}).get("component") == "kubelet"
        and event.get("reason") in START_EVENTS
    ]
    return max(filter(None, told), default=None)


def _own_containers(node: str, system_pods: t.Iterable[Object]) -> dt.datetime | None:
    """The earliest: one that was started again later (a leader that lost its lock) says nothing about the node."""
    begun = [
        moment((state.get("state") or {}).get("running", {}).get("startedAt"))
        for pod in system_pods
        if pod["spec"].get("nodeName") == node and _is_the_nodes_own(pod)
        for state in containers(pod)
    ]
    return min(filter(None, begun), default=None)


def _is_the_nodes_own(pod: Object) -> bool:
    metadata = pod["metadata"]
    return MIRROR in (metadata.get("annotations") or {}) or (metadata.get("labels") or {}).get("k8s-app") == PROXY
