"""GPUs: cards are granted to containers whole, and a card that is held is not there for the next pod."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import (
    AuditSubject,
    Detector,
    NodeCapacity,
    NotChecked,
)
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.demand import (
    GPUS,
    amounts,
    demand,
    gpu_containers,
    gpus,
    requests,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import pointer
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, Pod, pods
from ansible_collections.harvis.platform.plugins.module_utils.manifest.updates import surge_and_unavailable


def gpu_limits(subject: AuditSubject) -> t.Iterator[Finding]:
    """A card cannot be overcommitted: the API server wants its limit, and a request equal to it."""
    for pod in pods(subject.objects):
        for container in pod.containers():
            limits = amounts(container.body, "limits")
            for name, request in amounts(container.body, "requests").items():
                if name in GPUS and request != limits.get(name):
                    yield _unlimited(container, name)


def _unlimited(container: Container, name: str) -> Finding:
    resources = container.body["resources"]
    limit = amounts(container.body, "limits").get(name, "missing")
    return Finding.at(
        "GPU-LIMIT",
        container.place(pointer("resources", "requests", name)),
        f"container {container.name} requests {resources['requests'][name]} of {name}, its limit is {limit}",
        fix=f"Set resources.limits of {name} to the same number; the request may then be left out.",
    )


def pods_find_their_gpus(subject: AuditSubject) -> t.Iterator[Finding | NotChecked]:
    """All containers of a pod, and all replicas of a workload, against the cards of the nodes."""
    asking = [(pod, count) for pod in pods(subject.objects) if (count := gpus(demand(pod)))]
    if asking and not subject.nodes:
        said = ", ".join(f"{pod.owner.kind} {pod.owner.name} {count}" for pod, count in asking)
        yield NotChecked(f"whether there are enough GPUs: no node is known (asked for by one pod each: {said})")
        yield from (_apart(pod) for pod, _ in asking if len(_lasting(pod)) > 1)
    for pod, count in asking if subject.nodes else ():
        if places(subject.nodes, count) < _wanted(pod):
            yield _too_many(pod, count, subject.nodes, sum(n * _wanted(p) for p, n in asking))


def _lasting(pod: Pod) -> list[Container]:
    return [container for container in gpu_containers(pod) if not container.initial]


def _apart(pod: Pod) -> Finding:
    names = [container.name for container in _lasting(pod)]
    return Finding.at(
        "GPU-EACH",
        _gpu_place(pod),
        f"containers {' and '.join(names)} of one pod get different GPUs: a node with a single one never takes the pod",
        evidence=f"{gpus(demand(pod))} GPUs on one node; how many the nodes have is not known",
        fix="Let one container keep the card and the others ask it, or let the device plugin share the card.",
    )


def _wanted(pod: Pod) -> int:
    """A workload of no replicas asks for nothing yet; its pod must fit all the same."""
    return max(pod.replicas, 1)


def places(nodes: t.Iterable[NodeCapacity], count: int) -> int:
    """How many pods with ``count`` GPUs each the nodes take."""
    return sum(node.gpus // count for node in nodes)


def _too_many(pod: Pod, count: int, nodes: t.Sequence[NodeCapacity], release: int) -> Finding:
    containers = gpu_containers(pod)
    each = ", ".join(f"{container.name} {gpus(requests(container.body))}" for container in containers)
    have = ", ".join(str(node.gpus) for node in nodes)
    fits = places(nodes, count)
    fix = "GPUs are granted per container: name one container that keeps the card, or let the device plugin share it."
    if fits:
        cause = f"{pod.replicas} replicas with {count} GPU each are wanted; the nodes take {fits}"
        fix = "Lower the replicas, or add nodes with GPUs."
    elif len(containers) > 1:
        cause = f"the containers of one pod together ask for {count} GPUs, and no node has as many"
    else:
        cause = f"a pod asks for {count} GPU{'s' * (count > 1)}, and no node has as many"
        fix = "Ask for as many GPUs as one node has."
    return Finding.at(
        "GPU-POD",
        _gpu_place(pod) if not fits else pod.owner.place("/spec/replicas"),
        cause,
        evidence=f"{each}; GPUs of the nodes: {have}; all that is deployed here asks for {release}",
        fix=fix,
    )


def _gpu_place(pod: Pod) -> Place:
    """The last container's claim: the one that finds nothing left."""
    if not gpu_containers(pod):
        return pod.place(pointer("spec"))
    container = gpu_containers(pod)[-1]
    kind = "limits" if gpus(amounts(container.body, "limits")) else "requests"
    name = next(name for name in amounts(container.body, kind) if name in GPUS)
    return container.place(pointer("resources", kind, name))


def surge_finds_a_gpu(subject: AuditSubject) -> t.Iterator[Finding]:
    """A rolling update starts the new pod first; where no card is free, it waits for the old one for ever."""
    for pod in pods(subject.objects):
        count = gpus(demand(pod))
        if count and pod.owner.kind == "Deployment" and pod.replicas:
            surge, unavailable = surge_and_unavailable(pod.owner)
            room = places(subject.nodes, count) if subject.nodes else 1
            if surge and not unavailable and pod.replicas <= room < pod.replicas + 1:
                yield _deadlock(pod, count, known=bool(subject.nodes))


def _deadlock(pod: Pod, count: int, *, known: bool) -> Finding:
    field = next(f for f in ("/spec/strategy/type", "/spec/strategy", "") if not f or pod.owner.get(f) is not None)
    short = "the nodes have none left" if known else "a node with a single card has none left"
    return Finding.at(
        "GPU-SURGE",
        pod.owner.place(field) if field else _gpu_place(pod),
        f"a rolling update of {pod.owner.name} starts a new pod with {count} GPU{'s' * (count > 1)} "
        f"before the old one ends, and {short}",
        evidence=f"replicas {pod.replicas}, no pod may be unavailable",
        fix="Set strategy.type to Recreate, or rollingUpdate to maxSurge 0 and maxUnavailable 1.",
    )


DETECTORS: tuple[Detector, ...] = (gpu_limits, pods_find_their_gpus, surge_finds_a_gpu)
