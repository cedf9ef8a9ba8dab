"""A snapshot of the cluster, judged: rows for pods, images, resources and GPUs."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Evidence, Proof, said
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError, Severity
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout import gpu, usage
from ansible_collections.harvis.platform.plugins.module_utils.rollout.causes import why_not_ready
from ansible_collections.harvis.platform.plugins.module_utils.rollout.complaints import complaints
from ansible_collections.harvis.platform.plugins.module_utils.rollout.images import (
    canonical,
    changed_files,
    seen,
    stray_images,
    wrong_images,
)
from ansible_collections.harvis.platform.plugins.module_utils.rollout.inference import (
    cpu_finding,
    devices,
    granted,
    is_on_cpu,
)
from ansible_collections.harvis.platform.plugins.module_utils.rollout.leaves import Leaves
from ansible_collections.harvis.platform.plugins.module_utils.rollout.limits import Resources, shown, wrong_limits
from ansible_collections.harvis.platform.plugins.module_utils.rollout.namespaces import ending
from ansible_collections.harvis.platform.plugins.module_utils.rollout.nodes import pressed
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import counts, is_ready, path
from ansible_collections.harvis.platform.plugins.module_utils.rollout.policies import Policies
from ansible_collections.harvis.platform.plugins.module_utils.rollout.refusals import refused
from ansible_collections.harvis.platform.plugins.module_utils.rollout.restarts import judge
from ansible_collections.harvis.platform.plugins.module_utils.rollout.revision import behind
from ansible_collections.harvis.platform.plugins.module_utils.rollout.services import (
    no_endpoint,
    ready_addresses,
    selects,
)
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import Snapshot
from ansible_collections.harvis.platform.plugins.module_utils.rollout.starts import node_starts
from ansible_collections.harvis.platform.plugins.module_utils.rollout.surroundings import Surroundings
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
    changes: t.Mapping[str, t.Sequence[str]] = field(default_factory=dict)
    leaves: Leaves = field(default_factory=Leaves)


def surroundings(snapshot: Snapshot, expected: Expected) -> Surroundings:
    """What helps to name causes, of this snapshot."""
    workloads = {key(workload): workload for workload in snapshot.workloads}
    above = {pod["metadata"]["name"]: name for name, pods in pods_by_workload(snapshot).items() for pod in pods}

    def older(pod: Object, container: str) -> str | None:
        kind_and_name = above.get(pod["metadata"]["name"], ("", ""))
        wanted = expected.images.get(kind_and_name[1], {}).get(container, "")
        running = next((c["image"] for c in pod["spec"]["containers"] if c["name"] == container), "")
        if not wanted or not running:
            return None
        if canonical(running) == canonical(wanted):
            return ""
        return changed_files(running, expected.changes) or f"{running}, they make {wanted}"

    def leaf(pod: Object, container: str, resource: str) -> str:
        workload = workloads.get(above.get(pod["metadata"]["name"], ("", "")))
        return expected.leaves.limit(workload, container, resource)

    labels = {found["metadata"]["name"]: found["metadata"].get("labels") or {} for found in snapshot.namespaces}
    return Surroundings(
        pods=snapshot.pods + snapshot.system_pods,
        services=snapshot.services,
        claims=snapshot.claims,
        node_events=snapshot.node_events,
        logs=snapshot.sayings.logs,
        answers=snapshot.sayings.answers,
        usages=snapshot.sayings.usages,
        policies=Policies(snapshot.policies, labels),
        older=older,
        leaf=leaf,
    )


def assess(snapshot: Snapshot, expected: Expected) -> list[Proof]:
    """All rows; pods first, because what is wrong with a pod explains the rest."""
    members = {name: pods for (_, name), pods in pods_by_workload(snapshot).items()}
    around = surroundings(snapshot, expected)
    return [
        *_pods(snapshot, around),
        *_missing(snapshot),
        *_namespaces(snapshot),
        *_nodes(snapshot),
        *_services(snapshot),
        *_images(snapshot, members, expected),
        *_limits(snapshot, members, expected),
        _gpus(snapshot, expected.gpus),
        *_inference(snapshot),
    ]


def _pods(snapshot: Snapshot, around: Surroundings) -> list[Proof]:
    starts = node_starts(snapshot.nodes, snapshot.system_pods, snapshot.node_events)
    return [_pod(pod, snapshot, starts, around) for pod in sorted(filter(counts, snapshot.pods), key=path)]


def _pod(pod: Object, snapshot: Snapshot, starts: t.Mapping[str, t.Any], around: Surroundings) -> Proof:
    restarts = judge(pod, starts.get(pod["spec"].get("nodeName", "")), around)
    findings = (*restarts.findings, *usage.judge(pod, around.usages, around.leaf))
    if is_ready(pod):
        findings += tuple(complaints(pod, around))
    else:
        cause = why_not_ready(pod, snapshot.events, snapshot.nodes, around)
        findings = (cause, *(f for f in findings if f.subject != cause.subject))
    state = "Ready, never restarted" if not restarts.listed else "Ready, " + ", ".join(restarts.listed)
    return _proof("pods", path(pod), findings, state, snapshot)


def _namespaces(snapshot: Snapshot) -> list[Proof]:
    own = [body for body in snapshot.namespaces if body["metadata"]["name"] in snapshot.own]
    found = [(body["metadata"]["name"], ending(body)) for body in own]
    return [_proof("pods", name, (finding,), "", snapshot) for name, finding in found if finding]


def _missing(snapshot: Snapshot) -> list[Proof]:
    """Workloads with fewer pods than they ask for, or not yet the newest: such pods have no rows of their own."""
    members = pods_by_workload(snapshot)
    rows = []
    for workload in snapshot.workloads:
        there, wanted = len(members.get(key(workload), [])), wanted_pods(workload)
        finding = behind(workload, wanted)
        if there < wanted:
            look = (
                f"`kubectl describe -n {workload['metadata']['namespace']} {workload['kind'].lower()}/"
                f"{workload['metadata']['name']}` names what hinders its controller."
            )
            finding = refused(f"{workload['kind']} {path(workload)}", there, wanted, refusal(workload, snapshot), look)
        if finding:
            rows.append(_proof("pods", path(workload), (finding,), "", snapshot))
    return rows


def _nodes(snapshot: Snapshot) -> list[Proof]:
    return [
        _proof("nodes", node["metadata"]["name"], tuple(found), "", snapshot)
        for node in snapshot.nodes
        if (found := pressed(node))
    ]


def _services(snapshot: Snapshot) -> list[Proof]:
    rows = []
    for service in sorted(filter(selects, snapshot.services), key=path):
        finding = no_endpoint(service, snapshot.pods, snapshot.slices)
        seen_text = f"leads to {', '.join(ready_addresses(service, snapshot.slices))}"
        rows.append(_proof("services", path(service), (finding,) if finding else (), seen_text, snapshot))
    return rows


def _images(snapshot: Snapshot, members: t.Mapping[str, list[Object]], expected: Expected) -> list[Proof]:
    rows = []
    for name, wanted in sorted(expected.images.items()):
        pods = members.get(name, [])
        findings = _stale(pods, wanted, expected) if pods else (_absent(name),)
        rows.append(_proof("image-digest", name, findings, seen(pods, wanted), snapshot))
    references = {reference for wanted in expected.images.values() for reference in wanted.values()}
    judged = {
        (path(pod), container)
        for name, wanted in expected.images.items()
        for pod in members.get(name, [])
        for container in wanted
    }
    strays = stray_images(filter(counts, snapshot.pods), references, judged, expected.changes)
    return rows + [_proof("image-digest", name, tuple(found), "", snapshot) for name, found in sorted(strays.items())]


def _stale(pods: list[Object], wanted: t.Mapping[str, str], expected: Expected) -> tuple[Finding, ...]:
    return tuple(wrong_images(pods, wanted, expected.image_ids, expected.changes))


def _limits(snapshot: Snapshot, members: t.Mapping[str, list[Object]], expected: Expected) -> list[Proof]:
    rows = []
    for name, by_container in sorted(expected.resources.items()):
        pods = members.get(name, [])
        for container, wanted in sorted(by_container.items()):
            findings = tuple(wrong_limits(pods, container, wanted)) if pods else (_absent(name),)
            rows.append(_proof("limits", f"{name} {container}", findings, shown(wanted), snapshot))
    return rows


def _absent(name: str) -> Finding:
    return Finding("ROL-MISSING", name, "no pod of this workload is there", fix="`make up` deploys it.")


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
    passed = not any(finding.severity is Severity.ERROR for finding in findings)
    return Proof(Evidence(check, subject, passed, text, snapshot.seconds), findings)
