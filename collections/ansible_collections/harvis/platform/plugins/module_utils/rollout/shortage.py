"""Why the scheduler places a pod nowhere: what is short on which node, in numbers."""

from __future__ import annotations

import typing as t
from decimal import Decimal

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import condition, named, path, phase

_SHOWN_NODES = 4
_MEBI = 2**20


def unscheduled(pod: Object, nodes: t.Iterable[Object], pods: t.Iterable[Object]) -> Finding | None:
    """``pods`` are all that are known; those of namespaces that were not read make a node look emptier than it is."""
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") != "False":
        return None
    message = scheduled.get("message") or scheduled.get("reason") or "no reason given"
    if "persistentvolumeclaim" in message.lower():
        return Finding(
            "ROL-VOLUME",
            path(pod),
            f"waits for its volume: {message}",
            fix="Give the cluster a default StorageClass that makes volumes, or bind the claim to a volume.",
        )
    short = _short(pod, list(nodes), list(pods)) if "Insufficient" in message else []
    return Finding(
        "ROL-SCHEDULE", path(pod), f"no node takes it: {message}", "; ".join(short[:_SHOWN_NODES]), _fix(message, pod)
    )


def asks_too_much(pod: Object, nodes: t.Sequence[Object]) -> bool:
    """No node could hold it even if it were empty: waiting does not help."""
    wanted = requests(pod)
    return bool(nodes) and all(
        any(amount > _allocatable(node).get(name, Decimal(0)) for name, amount in wanted.items()) for node in nodes
    )


def requests(pod: Object) -> dict[str, Decimal]:
    """What the scheduler counts: the sum of the containers, or the largest init container where that is more."""
    spec = pod["spec"]
    total: dict[str, Decimal] = {}
    for container in spec.get("containers") or []:
        for name, amount in _requested(container).items():
            total[name] = total.get(name, Decimal(0)) + amount
    for container in spec.get("initContainers") or []:
        for name, amount in _requested(container).items():
            total[name] = max(total.get(name, Decimal(0)), amount)
    return {name: amount for name, amount in total.items() if amount}


def _requested(container: Object) -> dict[str, Decimal]:
    resources = container.get("resources") or {}
    return _amounts({**(resources.get("limits") or {}), **(resources.get("requests") or {})})


def _amounts(given: t.Mapping[str, t.Any]) -> dict[str, Decimal]:
    from kubernetes.utils.quantity import parse_quantity

    return {name: parse_quantity(str(text)) for name, text in given.items()}


def _allocatable(node: Object) -> dict[str, Decimal]:
    return _amounts(node.get("status", {}).get("allocatable") or {})


def _short(pod: Object, nodes: list[Object], pods: list[Object]) -> list[str]:
    wanted, said = requests(pod), []
    for node in nodes:
        name, there = node["metadata"]["name"], _allocatable(node)
        held = [requests(p) for p in pods if p["spec"].get("nodeName") == name and phase(p) in ("Pending", "Running")]
        for resource, amount in sorted(wanted.items()):
            whole = there.get(resource, Decimal(0))
            free = whole - sum((h.get(resource, Decimal(0)) for h in held), Decimal(0))
            if amount > free:
                said.append(
                    f"{name} has {_shown(resource, max(free, Decimal(0)))} of {_shown(resource, whole)} {resource} "
                    f"left, {_shown(resource, amount)} is asked for"
                )
    return said


def _shown(resource: str, amount: Decimal) -> str:
    if resource in ("memory", "ephemeral-storage") or resource.startswith("hugepages"):
        return f"{int(amount // _MEBI)}Mi"
    return f"{amount.normalize():f}"


def _fix(message: str, pod: Object) -> str:
    if "nvidia.com/gpu" in message:
        return (
            "Free a GPU, raise gpu_plugin_shares, or ask for fewer; "
            "`kubectl describe node` shows what nvidia.com/gpu the nodes offer."
        )
    if "Insufficient" in message:
        return "Lower the requests in the values, or give the node more of what is short."
    if "taint" in message:
        return "Remove the taint from the node, or give the pod a toleration for it."
    return (
        f"`kubectl describe node` shows what the nodes offer; compare with the selectors and requests of {named(pod)}."
    )
