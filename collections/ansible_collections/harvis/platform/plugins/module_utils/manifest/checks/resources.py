"""Requests against limits, and against what the nodes have."""

from __future__ import annotations

import typing as t
from decimal import Decimal

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import (
    AuditSubject,
    Detector,
    NodeCapacity,
    NotChecked,
)
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.demand import GPUS, amounts, demand, requests
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import pointer
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, Pod, pods
from ansible_collections.harvis.platform.plugins.module_utils.manifest.quantity import quantity, shown_bytes


def requests_within_limits(subject: AuditSubject) -> t.Iterator[Finding]:
    """The API server refuses a container that requests more than its limit."""
    for pod in pods(subject.objects):
        for container in pod.containers():
            limits = amounts(container.body, "limits")
            for name, request in amounts(container.body, "requests").items():
                if name not in GPUS and name in limits and request > limits[name]:
                    yield _above_limit(container, name)


def _above_limit(container: Container, name: str) -> Finding:
    resources = container.body["resources"]
    return Finding.at(
        "RES-LIMIT",
        container.place(pointer("resources", "requests", name)),
        f"container {container.name} requests {resources['requests'][name]} of {name}, "
        f"its limit is {resources['limits'][name]}",
        fix=f"Raise the limit of {name} or lower the request.",
    )


def quantities_are_readable(subject: AuditSubject) -> t.Iterator[Finding]:
    """The API server refuses ``2GB`` and ``1 core``; the schemas know a quantity only as text."""
    for pod in pods(subject.objects):
        for container in pod.containers():
            for kind in ("requests", "limits"):
                yield from _unreadable(container, kind)


def _unreadable(container: Container, kind: str) -> t.Iterator[Finding]:
    resources = container.body.get("resources")
    given = resources.get(kind) if isinstance(resources, dict) else None
    for name, text in (given if isinstance(given, dict) else {}).items():
        try:
            quantity(text)
        except ValueError as exc:
            if text is not None and not isinstance(text, dict | list):
                place = container.place(pointer("resources", kind, name))
                fix = "Write quantities as 500m, 2 or 8Gi."
                yield Finding.at("REL-UNKNOWN", place, f"container {container.name}: {name} {exc}", fix=fix)


def pods_fit_a_node(subject: AuditSubject) -> t.Iterator[Finding | NotChecked]:
    """A pod that asks for more than the largest node has waits for ever."""
    asking = [(pod, asked) for pod in pods(subject.objects) if (asked := _computing(pod))]
    if asking and not subject.nodes:
        yield NotChecked("whether each pod's requests of CPU and memory fit a node: no node is known")
    for pod, asked in asking if subject.nodes else ():
        if not any(_fits(asked, node) for node in subject.nodes):
            yield _too_large(pod, asked, subject.nodes)


def _computing(pod: Pod) -> dict[str, Decimal]:
    return {name: amount for name, amount in demand(pod).items() if name in ("cpu", "memory") and amount}


def _fits(asked: t.Mapping[str, Decimal], node: NodeCapacity) -> bool:
    return asked.get("cpu", 0) <= Decimal(str(node.cpu)) and asked.get("memory", 0) <= node.memory


def _too_large(pod: Pod, asked: t.Mapping[str, Decimal], nodes: t.Iterable[NodeCapacity]) -> Finding:
    have = ", ".join(f"{node.cpu:g} CPU and {shown_bytes(node.memory)}" for node in nodes)
    cpu, memory = asked.get("cpu", Decimal(0)), shown_bytes(asked.get("memory", Decimal(0)))
    return Finding.at(
        "RES-NODE",
        pod.place(_largest(pod, asked, nodes)),
        f"a pod of {pod.owner.kind} {pod.owner.name} requests {float(cpu):g} CPU and {memory}; no node has that much",
        evidence=f"the nodes have {have}",
        fix="Lower the requests, or add a node that is large enough.",
    )


def _largest(pod: Pod, asked: t.Mapping[str, Decimal], nodes: t.Iterable[NodeCapacity]) -> str:
    """Pointer (below the template) of the container that asks for most of what is short."""
    most = max(float(node.cpu) for node in nodes)
    name = "cpu" if asked.get("cpu", 0) > Decimal(str(most)) else "memory"
    container = max(pod.containers(), key=lambda c: requests(c.body).get(name, Decimal(0)), default=None)
    if container is None or name not in requests(container.body):
        return pointer("spec")
    kind = "requests" if name in amounts(container.body, "requests") else "limits"
    return container.field.removeprefix(pod.field) + pointer("resources", kind, name)


DETECTORS: tuple[Detector, ...] = (requests_within_limits, quantities_are_readable, pods_fit_a_node)
