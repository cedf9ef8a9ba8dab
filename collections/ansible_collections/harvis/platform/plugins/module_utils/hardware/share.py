"""The share of a host that a release may take, as ``resources`` for each of its components."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.hardware.amounts import GIB, MIB, cpu, gib, memory
from ansible_collections.harvis.platform.plugins.module_utils.hardware.facts import HostHardware
from ansible_collections.harvis.platform.plugins.module_utils.hardware.gpus import GPU, deal

# What is asked for firmly, of what may be used at most: one CPU of twelve, a quarter of the memory. The rest is used
# when it is there, so that an idle release does not keep others from being scheduled.
REQUESTED_CPU = 12
REQUESTED_MEMORY = 4


@dataclass(frozen=True)
class Host:
    """What one host has to give. ``installed`` and ``usable`` are bytes, ``gpu_memory`` those of one GPU (0: unknown).

    ``gpu_replicas`` says how often the device plugin offers each GPU (time slicing).
    """

    cpu: float
    usable: int
    installed: int
    gpus: int = 0
    gpu_memory: int = 0
    gpu_replicas: int = 1

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any], gpu_replicas: int = 1) -> Host:
        usable, installed, card = (
            int((params.get(key) or 0) * GIB) for key in ("memory_gib", "installed_memory_gib", "gpu_memory_gib")
        )
        return cls(params["cpu"], usable, installed or usable, params.get("gpus") or 0, card, gpu_replicas)

    @classmethod
    def from_hardware(cls, found: HostHardware, gpu_replicas: int = 1) -> Host:
        return cls(
            found.processor.threads,
            found.memory.usable_bytes,
            found.memory.installed_bytes,
            len(found.gpus),
            found.gpu_memory_bytes,
            gpu_replicas,
        )


@dataclass(frozen=True)
class Room:
    """What is kept for the system and for Kubernetes itself: CPUs and bytes of memory."""

    cpu: float = 1.0
    memory: int = 2 * GIB


@dataclass(frozen=True)
class Component:
    """A part of a chart's values with ``resources``; ``path`` leads to it.

    ``weight`` is its part of the share. ``gpus`` is what it must have, None for what the share gives. ``least_cpu``
    (CPUs) and ``least_memory`` (bytes) are what it cannot work without.
    """

    path: tuple[str, ...]
    weight: float = 1.0
    gpus: int | None = None
    least_cpu: float = 0.1
    least_memory: int = 128 * MIB

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Component:
        path = tuple(params["path"].split("."))
        if not all(path):
            raise fail("PLB-INPUT", f"path {params['path']!r}", "is no path in values", fix="Write it as a.b.c.")
        least = int(params["min_memory_gib"] * GIB)
        return cls(path, params["weight"], params["gpus"], params["min_cpu"], least)

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True)
class Resources:
    """Of one container, at most: millicores, MiB, whole GPUs."""

    millicores: int
    mebibytes: int
    gpus: int

    def to_values(self) -> dict[str, dict[str, t.Any]]:
        cards = {GPU: self.gpus} if self.gpus else {}
        firm_cpu, firm_memory = self.millicores // REQUESTED_CPU, self.mebibytes // REQUESTED_MEMORY
        return {
            "requests": {"cpu": cpu(max(firm_cpu, 1)), "memory": memory(firm_memory), **cards},
            "limits": {"cpu": cpu(self.millicores), "memory": memory(self.mebibytes), **cards},
        }


@dataclass(frozen=True)
class Plan:
    """``resources`` by component; ``notes`` say where the host gave less than the share promises."""

    resources: dict[Component, Resources]
    notes: tuple[str, ...] = ()

    @property
    def gpus(self) -> int:
        return sum(given.gpus for given in self.resources.values())

    @property
    def memory(self) -> int:
        return sum(given.mebibytes for given in self.resources.values()) * MIB


def plan_share(host: Host, share: float, components: t.Sequence[Component], room: Room | None = None) -> Plan:
    """``share`` of the host, divided by weight.

    Raises HarvisError: PLB-INPUT for what is no share, RES-SHARE for what the host cannot hold.
    """
    _check_input(host, share, components)
    room = room or Room()
    cpus, cpu_note = _part("CPU", host.cpu * share, host.cpu - room.cpu, "{:g}".format)
    held, memory_note = _part("memory", host.installed * share, host.usable - room.memory, gib)
    cards, gpu_note = deal(host, share, components)
    whole = sum(component.weight for component in components)
    resources = {
        component: Resources(
            int(cpus * 1000 * component.weight / whole), int(held / MIB * component.weight / whole), given
        )
        for component, given in zip(components, cards, strict=True)
    }
    for component, given in resources.items():
        _check_least(component, given, share, host)
    return Plan(resources, tuple(filter(None, (cpu_note, memory_note, gpu_note))))


def _part(what: str, wanted: float, free: float, shown: t.Callable[[float], str]) -> tuple[float, str]:
    """The share, or what is left beside the system if that is less."""
    if free <= 0:
        raise fail(
            "RES-SHARE",
            f"host: {what}",
            f"nothing is left beside the room for the system ({shown(free)})",
            fix="Use a larger host, or keep less room.",
        )
    if wanted <= free:
        return wanted, ""
    return free, f"the share asks for {shown(wanted)} of {what}; {shown(free)} is left beside the room for the system"


def _check_input(host: Host, share: float, components: t.Sequence[Component]) -> None:
    if not 0 < share <= 1:
        raise fail("PLB-INPUT", "share", f"{share:g} is no part of a host", fix="Give a number above 0 and up to 1.")
    for name, number in (("cpu", host.cpu), ("memory_gib", host.usable), ("gpu_replicas", host.gpu_replicas)):
        if number <= 0:
            raise fail("PLB-INPUT", name, f"{number:g} is no amount", fix="Give a number above 0.")
    if not components:
        raise fail("PLB-INPUT", "components", "there is nothing to divide the share among", fix="Name a path.")
    paths = [component.path for component in components]
    for component in components:
        if component.weight <= 0:
            raise fail("PLB-INPUT", component.name, f"a weight of {component.weight:g} is no part", fix="Give 1.")
        if paths.count(component.path) > 1:
            raise fail("PLB-INPUT", component.name, "is named twice", fix="Name each path once.")


def _check_least(component: Component, given: Resources, share: float, host: Host) -> None:
    wanting = []
    if given.millicores < round(component.least_cpu * 1000):
        wanting.append(f"{component.least_cpu:g} CPU, and its part of the share is {given.millicores / 1000:g}")
    if given.mebibytes * MIB < component.least_memory:
        wanting.append(
            f"{gib(component.least_memory)} of memory, and its part of the share is {memory(given.mebibytes)}"
        )
    if wanting:
        raise fail(
            "RES-SHARE",
            component.name,
            f"needs {'; '.join(wanting)}",
            evidence=f"a share of {share:g} of {host.cpu:g} CPUs and {gib(host.installed)} ({gib(host.usable)} usable)",
            fix="Raise the share or the component's weight, lower what it needs, or use a larger host.",
        )
