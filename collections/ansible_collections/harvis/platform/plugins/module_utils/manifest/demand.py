"""What a pod asks of its node, by the scheduler's arithmetic."""

from __future__ import annotations

import typing as t
from collections import Counter
from decimal import Decimal

from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, Pod
from ansible_collections.harvis.platform.plugins.module_utils.manifest.quantity import quantity_or_none

Amounts = dict[str, Decimal]

# Names under which device plugins offer whole cards. Slices (nvidia.com/mig-1g.5gb) are no cards.
GPUS = frozenset({"nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/i915", "gpu.intel.com/xe"})


def amounts(body: t.Mapping[str, t.Any], kind: str) -> Amounts:
    """``kind`` (requests or limits) of a container's or pod's resources; what is no quantity is left out."""
    resources = body.get("resources")
    given = resources.get(kind) if isinstance(resources, dict) else None
    read = {str(name): quantity_or_none(text) for name, text in (given if isinstance(given, dict) else {}).items()}
    return {name: amount for name, amount in read.items() if amount is not None}


def requests(body: t.Mapping[str, t.Any]) -> Amounts:
    """Requests; as for the API server, a missing one is the limit."""
    return {**amounts(body, "limits"), **amounts(body, "requests")}


def demand(pod: Pod) -> Amounts:
    """What must be free on a node: containers run side by side, initial ones one after the other before them."""
    running: Counter[str] = Counter()
    peak: Amounts = {}
    for container in pod.containers():
        asked = requests(container.body)
        if container.initial:
            peak = _larger(peak, {name: running[name] + amount for name, amount in asked.items()})
        else:
            running.update(asked)  # type: ignore[arg-type]  # a Counter adds Decimals as well
    whole = _larger(peak, dict(running))  # type: ignore[arg-type]
    whole.update(requests(pod.spec))  # the pod's own resources stand for its containers' (Kubernetes 1.34)
    overhead = pod.spec.get("overhead")
    for name, text in (overhead if isinstance(overhead, dict) else {}).items():
        whole[name] = whole.get(name, Decimal(0)) + (quantity_or_none(text) or Decimal(0))
    return whole


def gpus(asked: Amounts) -> int:
    """How many whole cards these amounts contain."""
    return int(sum(amount for name, amount in asked.items() if name in GPUS))


def gpu_containers(pod: Pod) -> list[Container]:
    return [container for container in pod.containers() if gpus(requests(container.body))]


def _larger(one: Amounts, other: Amounts) -> Amounts:
    return {name: max(one.get(name, Decimal(0)), other.get(name, Decimal(0))) for name in {**one, **other}}
