"""Why a node does not offer the GPUs that were counted there: the first cause from the pod to the kubelet."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.device_plugin import plugin_log
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.objects import config_hash
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import GPU, GpuNode, PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.snapshot import Offer, PluginPod, Snapshot
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place

_NO_OFFER: t.Final = Offer("", {}, {}, simulated=False)


def diagnose(options: PluginOptions, found: Snapshot) -> list[Finding]:
    """A finding for each node and resource that is not as expected; empty is proof."""
    return [
        finding
        for node in options.nodes
        for resource, count in options.expected(node).items()
        if (finding := _of_node(options, found, node, resource, count))
    ]


def cannot_mend_itself(options: PluginOptions, found: Snapshot) -> bool:
    """A plugin that found nothing with today's configuration will not look again: waiting is of no use."""
    pods = [found.pods[node.name] for node in options.gpu_nodes if node.name in found.pods]
    wanted = config_hash(options)
    return any(pod.ready and pod.config_hash == wanted and plugin_log.is_idle(pod.log) for pod in pods)


def _of_node(options: PluginOptions, found: Snapshot, node: GpuNode, resource: str, count: int) -> Finding | None:
    offer = found.offers.get(node.name, _NO_OFFER)
    has, gives = offer.capacity.get(resource, 0), offer.allocatable.get(resource, 0)
    pod = found.pods.get(node.name)
    place = Place(object=f"/Node/{node.name}", field=f"/status/allocatable/{resource.replace('/', '~1')}")
    stale = _stale(options, place, pod, resource) if count else None
    if count and (pod is None or (not gives and _serves_nothing(pod, has))):
        return _zero(place, pod, offer, resource, count)
    if gives == has == count:
        return stale
    if has != gives:
        return _ill(place, pod, resource, has, gives)
    return stale or _short(options, place, node, resource, count, gives)


def _serves_nothing(pod: PluginPod, has: int) -> bool:
    """Capacity alone does not tell: the kubelet counts what an earlier plugin had for minutes."""
    return not has or not pod.ready or bool(plugin_log.reason(pod.log))


def _zero(place: Place, pod: PluginPod | None, offer: Offer, resource: str, count: int) -> Finding:
    wanted = f"the node offers no {resource}, {count} expected"
    if pod is None:
        cause = f"no pod of the device plugin runs on the node, {count} {resource} expected"
        fix = "Run the role gpu_plugin again; `kubectl describe daemonset` tells why it makes no pod for the node."
        return Finding.at("PLG-ZERO", place, cause, evidence=_seen(offer, resource), fix=fix)
    words = plugin_log.reason(pod.log) or ("" if pod.log else pod.warning)
    means = plugin_log.meaning(words) or plugin_log.meaning(pod.log)
    shown = "runs" if pod.state == "Running" else f"is {pod.state}"
    said = f"{wanted}: the plugin's pod {shown}" + (f" and says {words!r}" if words else " and its log gives no reason")
    return Finding.at(
        "PLG-ZERO",
        place,
        f"{said}: {means}" if means else said,
        evidence=f"pod {pod.name}, {pod.restarts} restarts; {_tail(pod.log)}",
        fix=_fix(means, pod),
    )


def _fix(means: str, pod: PluginPod) -> str:
    if "runtime" in means:
        return (
            "Run the role gpu_host, which sets up the container runtime; the RuntimeClass's handler must be its name."
        )
    if "different versions" in means or "not loaded" in means or "fell off" in means:
        return "Run the role gpu_host: the first layer that fails, below the plugin, is named there."
    if not pod.log:
        return f"`kubectl describe pod {pod.name}`: the container has not begun."
    return "Mend what the log names, then delete the plugin's pod: it looks for devices only when it starts."


def _ill(place: Place, pod: PluginPod | None, resource: str, has: int, gives: int) -> Finding:
    words = plugin_log.illness(pod.log) if pod else ""
    said = f"{has - gives} of {has} {resource} are marked unhealthy and are given to no pod"
    return Finding.at(
        "PLG-UNHEALTHY",
        place,
        said if pod else f"{said}: the plugin's pod is gone",
        evidence=f"capacity {has}, allocatable {gives}" + (f"; {words}" if words else ""),
        fix="Look for Xid in the kernel log (`journalctl -k | grep Xid`). The mark lasts until the plugin restarts: "
        "once the card answers again (`nvidia-smi`), delete the plugin's pod on the node."
        if pod
        else "Run the role gpu_plugin again.",
    )


def _stale(options: PluginOptions, place: Place, pod: PluginPod | None, resource: str) -> Finding | None:
    """The plugin reads its configuration once: what it printed then is what it does."""
    if pod is None:
        return None
    running = plugin_log.running_config(pod.log)
    differs = _differences(options, running, resource) if running else []
    # Whoever only looks knows what is wanted of the plugin, not which image it runs.
    current = not options.image or pod.config_hash == config_hash(options)
    if current and not differs:
        return None
    seen = (
        "; ".join(differs) or f"the pod's configuration is {pod.config_hash or 'unknown'}, not {config_hash(options)}"
    )
    return Finding.at(
        "PLG-STALE",
        place,
        "the plugin still runs with an earlier configuration of time-slicing or MIG",
        evidence=f"pod {pod.name}: {seen}",
        fix="Run the role gpu_plugin again; or delete the pod, which makes the DaemonSet start one that reads it.",
    )


def _differences(options: PluginOptions, running: t.Mapping[str, t.Any], resource: str) -> list[str]:
    shares = plugin_log.shares_of(running, resource)
    strategy = (running.get("flags") or {}).get("migStrategy") or "none"
    wanted = options.shares if resource == GPU else 1
    found = [f"shares {shares}, {wanted} wanted"] if shares != wanted else []
    return found + (
        [f"MIG strategy {strategy}, {options.mig_strategy} wanted"] if strategy != options.mig_strategy else []
    )


def _short(options: PluginOptions, place: Place, node: GpuNode, resource: str, count: int, gives: int) -> Finding:
    sum_of = f"{node.gpus} cards x {options.shares} shares" if not node.resources else "its MIG devices"
    more = gives > count
    return Finding.at(
        "PLG-SHORT",
        place,
        f"the node offers {gives} {resource}, {count} expected ({sum_of})",
        evidence=f"allocatable {gives}",
        fix="Another device plugin, or one of another configuration, serves this node: remove it."
        if more
        else "Compare `nvidia-smi -L` on the node with the cards of gpu_info: NVML does not answer for one of them.",
    )


def _seen(offer: Offer, resource: str) -> str:
    has = offer.capacity.get(resource)
    return (
        f"capacity {has}, allocatable {offer.allocatable.get(resource, 0)}"
        if has
        else "the kubelet knows no such resource"
    )


def _tail(log: str) -> str:
    said = [text for level, text in plugin_log.lines(log) if level in "WEF"] or log.strip().splitlines()
    return "log: " + " | ".join(said[-4:]) if said else "no log"
