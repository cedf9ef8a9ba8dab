"""A pod that asks for a GPU and must see it; what it printed is the evidence."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.device_plugin import promised
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.objects import first_resource, smoke_pod
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import GpuNode, PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.wait import PAUSE_SECONDS, Clock
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError, Place
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Cluster, Object, ObjectRef

LOG_LINES = 30


@dataclass(frozen=True)
class Smoke:
    """What the pod runs, and what its output must contain (a regular expression)."""

    image: str
    command: tuple[str, ...]
    expect: str
    timeout: float


@dataclass(frozen=True)
class Seen:
    """What the pod on one node showed. Not ``tried`` where every share is promised to others already."""

    node: str
    tried: bool
    evidence: str
    seconds: float


def prove(cluster: Cluster, options: PluginOptions, smoke: Smoke, clock: Clock) -> list[Seen]:
    """On every node with GPUs, one after the other. Raises HarvisError (PLG-SMOKE)."""
    pods = cluster.find("v1", "Pod")
    nodes = {node["metadata"]["name"]: node for node in cluster.find("v1", "Node")}
    seen = []
    for wanted in options.gpu_nodes:
        resource = first_resource(options, wanted)
        if promised.free(nodes[wanted.name], pods, resource) > 0:
            seen.append(_prove(cluster, options, smoke, wanted, clock))
        else:
            held = ", ".join(sorted(promised.holders(pods, resource).get(wanted.name, {})))
            seen.append(Seen(wanted.name, False, f"not tried: every {resource} is promised to {held}", 0.0))
    return seen


def _prove(cluster: Cluster, options: PluginOptions, smoke: Smoke, node: GpuNode, clock: Clock) -> Seen:
    body = smoke_pod(options, node, smoke.image, smoke.command)
    ref = ObjectRef.of(body)
    start = clock.now()
    _remove(cluster, ref, clock)
    try:
        cluster.create(body)
        pod = _ended(cluster, ref, smoke, clock)
        log = _log(cluster, ref)
    finally:
        _remove(cluster, ref, clock)
    finding = _judge(pod, log, node.name, smoke)
    if finding:
        raise HarvisError(finding)
    prefix = "simulated: " if options.simulated else ""
    return Seen(node.name, True, prefix + log, clock.now() - start)


def _ended(cluster: Cluster, ref: ObjectRef, smoke: Smoke, clock: Clock) -> Object:
    deadline = clock.now() + smoke.timeout
    while True:
        pod = cluster.get(ref)
        if pod is None or _phase(pod) in ("Succeeded", "Failed") or clock.now() + 1 > deadline:
            return pod or {}
        clock.sleep(1)


def _judge(pod: Object, log: str, node: str, smoke: Smoke) -> Finding | None:
    place = Place(object=f"/Node/{node}")
    said = f"`{' '.join(smoke.command)}` in a pod that was given a GPU"
    if _phase(pod) == "Succeeded" and re.search(smoke.expect, log):
        return None
    if _phase(pod) == "Succeeded":
        cause = f"{said} ended well and did not show {smoke.expect!r}"
    elif _phase(pod) == "Failed":
        cause = f"{said} failed: {_why(pod)}"
    else:
        cause = f"{said} did not end within {smoke.timeout:.0f} s: {_why(pod)}"
    fix = "The plugin granted the card and the runtime did not bring it in: run the role gpu_host, which says why."
    return Finding.at("PLG-SMOKE", place, cause, evidence=log or "no output", fix=fix)


def _phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase") or "")


def _why(pod: Object) -> str:
    status = pod.get("status") or {}
    for state in (container.get("state") or {} for container in status.get("containerStatuses") or []):
        found = state.get("terminated") or state.get("waiting") or {}
        words: list[t.Any] = [found.get("reason"), found.get("message")]
        if "exitCode" in found:
            words.append(f"exit status {found['exitCode']}")
        if any(words):
            return ", ".join(str(word) for word in words if word)
    scheduled = [c.get("message") for c in status.get("conditions") or [] if c["type"] == "PodScheduled"]
    said = [status.get("reason"), status.get("message"), *scheduled]
    return ", ".join(str(word) for word in said if word) or f"phase {_phase(pod) or 'unknown'}"


def _log(cluster: Cluster, ref: ObjectRef) -> str:
    try:
        return cluster.logs(ref.namespace, ref.name, "smoke", lines=LOG_LINES).strip()
    except ApiRefusal:
        return ""


def _remove(cluster: Cluster, ref: ObjectRef, clock: Clock) -> None:
    """And wait until it is gone: its share of the card is free only then."""
    deadline = clock.now() + 60
    if cluster.delete(ref):
        while cluster.get(ref) is not None and clock.now() < deadline:
            clock.sleep(PAUSE_SECONDS / 4)
