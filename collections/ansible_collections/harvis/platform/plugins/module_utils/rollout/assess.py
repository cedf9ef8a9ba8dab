"""A snapshot of the cluster, judged: rows for pods, images, resources and GPUs."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Evidence, Proof, said
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout import gpu
from ansible_collections.harvis.platform.plugins.module_utils.rollout.causes import why_not_ready
from ansible_collections.harvis.platform.plugins.module_utils.rollout.images import seen, wrong_images
from ansible_collections.harvis.platform.plugins.module_utils.rollout.inference import (
    cpu_finding,
    devices,
    granted,
    is_on_cpu,
)
from ansible_collections.harvis.platform.plugins.module_utils.rollout.limits import Resources, shown, wrong_limits
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import counts, is_ready, path
from ansible_collections.harvis.platform.plugins.module_utils.rollout.restarts import judge
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import Snapshot
from ansible_collections.harvis.platform.plugins.module_utils.rollout.starts import node_start
from ansible_collections.harvis.platform.plugins.module_utils.rollout.workloads import (
    key,
    pods_by_workload,
    refusal,
    wanted_pods,
)


@dataclass(frozen=True)
class Expected:
    """What today's sources and values say should run, by ``namespace/workload`` and container."""

    images: t.Mapping[str, t.Mapping[str, str]] = field(default_factory=dict)
    image_ids: t.Mapping[str, str] = field(default_factory=dict)
    resources: t.Mapping[str, t.Mapping[str, Resources]] = field(default_factory=dict)
    gpus: int = 0


def assess(snapshot: Snapshot, expected: Expected) -> list[Proof]:
    """All rows; pods first, because what is wrong with a pod explains the rest."""
    members = {name: pods for (_, name), pods in pods_by_workload(snapshot).items()}
    return [
        *_pods(snapshot),
        *_missing(snapshot),
        *_images(snapshot, members, expected),
        *_limits(snapshot, members, expected),
        _gpus(snapshot, expected.gpus),
        *_inference(snapshot),
    ]


def _pods(snapshot: Snapshot) -> list[Proof]:
    starts = {
        node["metadata"]["name"]: node_start(node, snapshot.system_pods, snapshot.node_events)
        for node in snapshot.nodes
    }
    return [_pod(pod, snapshot, starts) for pod in sorted(filter(counts, snapshot.pods), key=path)]


def _pod(pod: Object, snapshot: Snapshot, starts: t.Mapping[str, t.Any]) -> Proof:
    restarts = judge(pod, starts.get(pod["spec"].get("nodeName", "")))
    findings = restarts.findings
    if not is_ready(pod):
        cause = why_not_ready(pod, snapshot.events, snapshot.nodes)
        findings = (cause, *(f for f in findings if f.subject != cause.subject))
    state = "Ready, never restarted" if not restarts.listed else "Ready, " + ", ".join(restarts.listed)
    return _proof("pods", path(pod), findings, state, snapshot)


def _missing(snapshot: Snapshot) -> list[Proof]:
    """Workloads with fewer pods than they ask for: a pod that was never made has no row of its own."""
    members = pods_by_workload(snapshot)
    rows = []
    for workload in snapshot.workloads:
        there, wanted = len(members.get(key(workload), [])), wanted_pods(workload)
        if there < wanted:
            cause = f"{there} of {wanted} pods are there"
            finding = Finding(
                "ROL-MISSING",
                f"{workload['kind']} {path(workload)}",
                cause,
                evidence=refusal(workload, snapshot)[:300],
                fix=f"`kubectl describe -n {workload['metadata']['namespace']} {workload['kind'].lower()}/"
                f"{workload['metadata']['name']}` names what hinders its controller.",
            )
            rows.append(_proof("pods", path(workload), (finding,), "", snapshot))
    return rows


def _images(snapshot: Snapshot, members: t.Mapping[str, list[Object]], expected: Expected) -> list[Proof]:
    rows = []
    for name, wanted in sorted(expected.images.items()):
        pods = members.get(name, [])
        findings = tuple(wrong_images(pods, wanted, expected.image_ids)) if pods else (_absent("IMG-STALE", name),)
        rows.append(_proof("image-digest", name, findings, seen(pods, wanted), snapshot))
    return rows


def _limits(snapshot: Snapshot, members: t.Mapping[str, list[Object]], expected: Expected) -> list[Proof]:
    rows = []
    for name, by_container in sorted(expected.resources.items()):
        pods = members.get(name, [])
        for container, wanted in sorted(by_container.items()):
            findings = tuple(wrong_limits(pods, container, wanted)) if pods else (_absent("ROL-LIMITS", name),)
            rows.append(_proof("limits", f"{name} {container}", findings, shown(wanted), snapshot))
    return rows


def _absent(code: str, name: str) -> Finding:
    return Finding(code, name, "no pod of this workload is there", fix="`make up` deploys it.")


def _gpus(snapshot: Snapshot, wanted: int) -> Proof:
    try:
        return _proof("gpu", "nodes", (), gpu.check(snapshot.nodes, wanted), snapshot)
    except HarvisError as exc:
        return _proof("gpu", "nodes", exc.findings, "", snapshot)


def _inference(snapshot: Snapshot) -> list[Proof]:
    """A row for each container with a card whose program says what it computes on."""
    simulated = {node["metadata"]["name"] for node in snapshot.nodes if gpu.is_simulated(node)}
    rows = []
    for pod in filter(counts, snapshot.pods):
        for container in granted(pod):
            log = snapshot.starts.get((path(pod), container), "")
            fake = pod["spec"].get("nodeName") in simulated
            findings = (cpu_finding(pod, container, log),) if is_on_cpu(log) and not fake else ()
            said_at_start = ("the card is simulated; " if fake else "") + "; ".join(devices(log))
            if devices(log):
                rows.append(_proof("gpu-use", f"{path(pod)} {container}", findings, said_at_start, snapshot))
    return rows


def _proof(check: str, subject: str, findings: tuple[Finding, ...], seen_text: str, snapshot: Snapshot) -> Proof:
    """All rows rest on the one reading of the cluster, so that is the time each of them took."""
    text = said(findings) if findings else seen_text
    return Proof(Evidence(check, subject, not findings, text, snapshot.seconds), findings)
