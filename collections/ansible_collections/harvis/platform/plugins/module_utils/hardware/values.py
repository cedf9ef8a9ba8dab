"""A host's share laid over a user's values file."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.hardware.amounts import GIB, gib
from ansible_collections.harvis.platform.plugins.module_utils.hardware.facts import read_hardware
from ansible_collections.harvis.platform.plugins.module_utils.hardware.gpus import GPU
from ansible_collections.harvis.platform.plugins.module_utils.hardware.merge import ValuesFile
from ansible_collections.harvis.platform.plugins.module_utils.hardware.share import (
    Component,
    Host,
    Plan,
    Room,
    plan_share,
)
from ansible_collections.harvis.platform.plugins.module_utils.hardware.vram import Model, Vram, compare
from ansible_collections.harvis.platform.plugins.module_utils.manifest.quantity import quantity_or_none

RESOURCES = "resources"
Values = dict[str, t.Any]


@dataclass(frozen=True)
class Wanted:
    """``models`` are all that shall be held on the GPU at the same time."""

    host: Host
    share: float
    components: tuple[Component, ...]
    models: tuple[Model, ...] = ()
    room: Room = field(default_factory=Room)

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Wanted:
        """Without a host, the machine this runs on. Raises HarvisError (PLB-INPUT)."""
        replicas = params["gpu_replicas"]
        given = params["host"]
        return cls(
            Host.from_params(given, replicas) if given else Host.from_hardware(read_hardware(), replicas),
            params["share"],
            tuple(map(Component.from_params, params["components"])),
            tuple(map(Model.from_params, params["models"])),
            Room(params["room_cpu"], int(params["room_memory_gib"] * GIB)),
        )


def chart_values(wanted: Wanted, path: Path | None, *, check_mode: bool) -> dict[str, t.Any]:
    """What the module returns; with a ``path`` its file is brought up to date, unless in check mode.

    Raises HarvisError: RES-SHARE and GPU-VRAM for what the host cannot hold, PLB-INPUT for a file that cannot be used.
    """
    file = ValuesFile.read(path) if path else ValuesFile.empty()
    components = tuple(_with_asked_gpus(component, file) for component in wanted.components)
    plan = plan_share(wanted.host, wanted.share, components, wanted.room)
    vram, not_checked = _fit_models(wanted, plan)
    resources = {component.path: given.to_values() for component, given in plan.resources.items()}
    after = _laid_over(file, plan)
    if path and after.changed and not check_mode:
        after.write(path)
    return {
        "changed": bool(path) and after.changed,
        "reasons": list(after.reasons),
        "values": _nested(resources),
        RESOURCES: {".".join(key): value for key, value in resources.items()},
        "vram": vram.to_result(),
        "notes": list(plan.notes),
        "not_checked": not_checked,
        "diff": {**file.diff(after), "before_header": str(path or ""), "after_header": str(path or "")},
    }


def _laid_over(file: ValuesFile, plan: Plan) -> ValuesFile:
    for component, given in plan.resources.items():
        for kind, amounts in given.to_values().items():
            place = (*resources_path(component.path), kind)
            for name, amount in amounts.items():
                file = file.set((*place, name), amount)
            if not given.gpus:
                file = file.without((*place, GPU))
    return file


def resources_path(path: tuple[str, ...]) -> tuple[str, ...]:
    """The component's ``resources``; a path that leads there already is taken as it is."""
    return path if path[-1] == RESOURCES else (*path, RESOURCES)


def _with_asked_gpus(component: Component, file: ValuesFile) -> Component:
    """A number of GPUs in the user's file counts as asked for, unless the component says otherwise."""
    if component.gpus is not None:
        return component
    block = file.get(resources_path(component.path))
    for kind in ("limits", "requests"):
        amounts = block.get(kind) if isinstance(block, dict) else None
        asked = quantity_or_none(amounts.get(GPU)) if isinstance(amounts, dict) and GPU in amounts else None
        if asked is not None:
            return replace(component, gpus=int(asked))
    return component


def _fit_models(wanted: Wanted, plan: Plan) -> tuple[Vram, list[str]]:
    """On the GPUs that the plan gives; without one, models lie in the components' memory."""
    if not plan.gpus:
        vram = Vram(wanted.models, sum(model.needed or 0 for model in wanted.models), 0)
        if vram.needed > plan.memory:
            raise fail(
                "RES-SHARE",
                ", ".join(model.name for model in wanted.models),
                f"needs {gib(vram.needed)} of memory without a GPU, and the share has {gib(plan.memory)}",
                fix="Choose smaller models, raise the share, or use a host with a GPU.",
            )
        return vram, []
    # Slices of a card have its memory in common.
    cards = min(-(-plan.gpus // wanted.host.gpu_replicas), wanted.host.gpus)
    return compare(wanted.models, cards=cards, card_memory=wanted.host.gpu_memory)


def _nested(resources: t.Mapping[tuple[str, ...], Values]) -> Values:
    """As an override file for Helm has it."""
    values: Values = {}
    for path, block in resources.items():
        place = values
        for key in resources_path(path):
            place = place.setdefault(key, {})
        place.update(block)
    return values
