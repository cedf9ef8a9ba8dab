"""Dealing a host's GPUs to components: whole cards, because a device plugin grants nothing smaller."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.hardware.share import Component, Host

GPU = "nvidia.com/gpu"


def deal(host: Host, share: float, components: t.Sequence[Component]) -> tuple[list[int], str]:
    """How many GPUs each component gets, and what there is to say about it.

    What is asked for by number comes first and may exceed the share; the share's rest goes round one by one.
    Raises HarvisError (RES-SHARE) when more is asked for than the host offers.
    """
    offered = host.gpus * host.gpu_replicas
    asked = sum(component.gpus or 0 for component in components)
    if asked > offered:
        raise _too_many(host, offered, [c for c in components if c.gpus])
    given = [component.gpus or 0 for component in components]
    open_to = [index for index, component in enumerate(components) if component.gpus is None]
    for index in _round(open_to, _rest(host, share, asked), at_most_one=host.gpu_replicas > 1):
        given[index] += 1
    without = [components[index].name for index in open_to if not given[index]]
    note = f"no GPU is left for {', '.join(without)}: it runs on the CPU" if without and host.gpus else ""
    return given, note


def _rest(host: Host, share: float, asked: int) -> int:
    """Whole cards of the share, at least one; a card that is offered several times is there for several components."""
    if host.gpu_replicas > 1:
        return host.gpus * host.gpu_replicas - asked
    return max(max(int(host.gpus * share), min(host.gpus, 1)) - asked, 0)


def _round(places: list[int], cards: int, *, at_most_one: bool) -> list[int]:
    """One place for each card. Two slices of one card are no faster than one, so nobody gets a second."""
    if not places:
        return []
    return [places[number % len(places)] for number in range(min(cards, len(places)) if at_most_one else cards)]


def _too_many(host: Host, offered: int, asking: t.Sequence[Component]) -> Exception:
    asked = sum(component.gpus or 0 for component in asking)
    times = f", each offered {host.gpu_replicas} times" if host.gpu_replicas > 1 else ""
    return fail(
        "RES-SHARE",
        ", ".join(component.name for component in asking),
        f"asks for {asked} {GPU}, and the host offers {offered}",
        evidence=f"{'; '.join(f'{c.name}: {c.gpus}' for c in asking)}; the host has {host.gpus} GPU{times}",
        fix="Give it to fewer components (gpus: 0 takes it away), share it (gpu_replicas), or use another host.",
    )
