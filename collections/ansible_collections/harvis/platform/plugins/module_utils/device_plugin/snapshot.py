"""What the cluster shows of GPUs at one moment."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.objects import (
    CONFIG_HASH,
    NAME,
    SELECTOR,
    SIMULATED_LABEL,
)
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Cluster, Object

LOG_LINES = 400


@dataclass(frozen=True)
class PluginPod:
    """The plugin's pod on one node, with the log of the container that runs, or of the last one that ended.

    ``warning`` is the kubelet's last complaint about a pod that is not ready.
    """

    name: str
    node: str
    ready: bool
    config_hash: str
    state: str
    restarts: int
    log: str
    warning: str = ""


@dataclass(frozen=True)
class Offer:
    """What one node has and what it gives to pods, by resource."""

    node: str
    capacity: t.Mapping[str, int]
    allocatable: t.Mapping[str, int]
    simulated: bool


@dataclass(frozen=True)
class Snapshot:
    """All nodes by name, and the plugin's pods by node (a pod that is on its way out does not count)."""

    offers: t.Mapping[str, Offer]
    pods: t.Mapping[str, PluginPod]

    @classmethod
    def read(cls, cluster: Cluster, options: PluginOptions, *, logs: bool = True) -> Snapshot:
        offers = [offer(node) for node in cluster.find("v1", "Node")]
        found = cluster.find("v1", "Pod", namespace=options.namespace, labels=SELECTOR)
        # A pod that ended and is kept must not hide the one that runs.
        live = sorted((pod for pod in found if _counts(pod)), key=_is_ready)
        pods = [_plugin_pod(cluster, pod, logs=logs) for pod in live]
        return cls({o.node: o for o in offers}, {pod.node: pod for pod in pods})


def offer(node: Object) -> Offer:
    status = node.get("status") or {}
    labels = node["metadata"].get("labels") or {}
    return Offer(
        node["metadata"]["name"],
        _gpus(status.get("capacity") or {}),
        _gpus(status.get("allocatable") or {}),
        labels.get(SIMULATED_LABEL) == "true",
    )


def _gpus(amounts: t.Mapping[str, t.Any]) -> dict[str, int]:
    return {name: int(amount) for name, amount in amounts.items() if name.startswith("nvidia.com/")}


def _counts(pod: Object) -> bool:
    return bool(pod["spec"].get("nodeName")) and not pod["metadata"].get("deletionTimestamp")


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _plugin_pod(cluster: Cluster, pod: Object, *, logs: bool) -> PluginPod:
    status = pod.get("status") or {}
    containers = status.get("containerStatuses") or [{}]
    metadata = pod["metadata"]
    return PluginPod(
        metadata["name"],
        pod["spec"]["nodeName"],
        _is_ready(pod),
        (metadata.get("annotations") or {}).get(CONFIG_HASH, ""),
        _state(status, containers[0]),
        int(containers[0].get("restartCount", 0)),
        _log(cluster, metadata["namespace"], metadata["name"], containers[0]) if logs else "",
        _warning(cluster, pod) if logs and not _is_ready(pod) else "",
    )


def _state(status: Object, container: Object) -> str:
    """In a word or two, as kubectl shows it."""
    state = container.get("state") or {}
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    if waiting:
        reason = waiting.get("reason") or "Waiting"
        # What the kubelet adds to this one is only the pod's name again.
        said = [reason, "" if reason == "CrashLoopBackOff" else waiting.get("message") or ""]
        return ": ".join(filter(None, said))
    if ended:
        return f"{ended.get('reason') or 'Terminated'} (exit status {ended.get('exitCode')})"
    return "Running" if state.get("running") else str(status.get("phase") or "Unknown")


def _warning(cluster: Cluster, pod: Object) -> str:
    """The last complaint of the kubelet: a pod whose sandbox cannot be made has no other word."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    found = cluster.find("v1", "Event", namespace=namespace, fields=f"involvedObject.name={name}")
    own = [e for e in found if e.get("type") == "Warning" and e["involvedObject"].get("name") == name]
    last = max(own, key=lambda event: event.get("lastTimestamp") or "", default={})
    return str(last.get("message") or "")


def _log(cluster: Cluster, namespace: str, pod: str, container: Object) -> str:
    """A container that never began has no log, and asking for one is refused."""
    running = bool((container.get("state") or {}).get("running"))
    previous = not running and bool(container.get("restartCount"))
    try:
        return cluster.logs(namespace, pod, NAME, previous=previous, lines=LOG_LINES)
    except ApiRefusal:
        return ""
