"""``Wiring``: a chart's leaves, effects and reads, asked the questions that detectors have."""

from __future__ import annotations

import dataclasses
import functools
import typing as t
from dataclasses import dataclass
from pathlib import PurePath

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject
from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Effect, EffectMap
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf, ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.chart.schema import merge
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.known import KnownValues
from ansible_collections.harvis.platform.plugins.module_utils.findings import Place

NOTES = "NOTES.txt"


@dataclass(frozen=True)
class Wiring:
    """Questions about one audited chart. Without an effect map nothing counts as dead."""

    subject: AuditSubject

    @functools.cached_property
    def effects(self) -> EffectMap:
        return self.subject.effects or EffectMap({})

    @functools.cached_property
    def values(self) -> KnownValues:
        return KnownValues(self.subject.values)

    @functools.cached_property
    def defaults(self) -> KnownValues:
        """What the chart and its subcharts declare themselves."""
        chart = self.subject.chart
        if chart is None:
            return KnownValues({})
        declared = dataclasses.replace(chart, overrides=()).values()
        for part in chart.tree():
            # A subchart's globals are set at the root.
            own = part.defaults.data.get("global")
            if isinstance(own, dict) and isinstance(declared.get("global", {}), dict):
                declared["global"] = merge(own, declared.get("global", {}))
        return KnownValues(declared)

    @functools.cached_property
    def dead(self) -> list[ValuePath]:
        """Leaves that nothing shows an effect of: not even a failing render, or the notes that Helm prints."""
        noted = {ref.path for ref in self.subject.references if PurePath(ref.file).name == NOTES}
        return [
            path
            for path in self.effects.dead()
            if path in self.subject.leaves
            and path not in self.effects.breaking
            and not any(path[:end] in noted for end in range(1, len(path) + 1))
            and not self.asleep(path)[0]
        ]

    def asleep(self, path: ValuePath) -> tuple[tuple[ValuePath, ...], str]:
        """What a leaf waits for that the audited values do not meet, and where that is said; nothing for most.

        Trying a condition's value takes knowing it: an effect map may not find what ``eq .type "LoadBalancer"`` needs.
        """
        read = next((ref for ref in self.reads_of(path) if ref.waits_for), None)
        if read:
            return read.waits_for, f"{read.file}:{read.line} reads {read.expression}, and is not reached"
        return self._switched_off(path)

    def _switched_off(self, path: ValuePath) -> tuple[tuple[ValuePath, ...], str]:
        """A subchart's condition, if that is off."""
        for part in self.subject.chart.tree() if self.subject.chart else ():
            for dependency in part.dependencies:
                below = (*part.at, dependency.key)
                told = [one for one in dependency.conditions if isinstance(self.values.at(one), bool)]
                # Helm takes the first condition that is there.
                if path[: len(below)] == below and told and not self.values.at(told[0]):
                    return (told[0],), f"{said(self.place(told[0]))} switches the subchart {dependency.key} off"
        return (), ""

    @functools.cached_property
    def dead_set(self) -> frozenset[ValuePath]:
        return frozenset(self.dead)

    def leaf(self, path: ValuePath) -> Leaf:
        return self.subject.leaves[path]

    def live_below(self, block: ValuePath) -> list[ValuePath]:
        """Leaves at or below a path that reach an object."""
        return [path for path in self.below(block) if self.effects.effects[path]]

    def effects_below(self, block: ValuePath) -> set[Effect]:
        return {effect for path in self.live_below(block) for effect in self.effects.effects[path]}

    def all_dead(self, block: ValuePath) -> bool:
        """Whether values have leaves at or below the path, and none of them does anything."""
        below = self.below(block)
        return bool(below) and all(path in self.dead_set for path in below)

    def below(self, block: ValuePath) -> list[ValuePath]:
        """Leaves at or below a path."""
        return self._below.get(block, [])

    @functools.cached_property
    def _below(self) -> dict[ValuePath, list[ValuePath]]:
        blocks: dict[ValuePath, list[ValuePath]] = {}
        for path in self.effects.effects:
            for end in range(1, len(path) + 1):
                blocks.setdefault(path[:end], []).append(path)
        return blocks

    def reads_of(self, path: ValuePath) -> list[Reference]:
        """Reads of the leaf itself or of a whole block around it, the closest first."""
        ends = range(len(path), 0, -1)
        found = [ref for end in ends for ref in self._reads.get(path[:end], ()) if ref.whole or end == len(path)]
        return sorted(found, key=lambda ref: ref.reached is False)

    @functools.cached_property
    def _reads(self) -> dict[ValuePath, list[Reference]]:
        by_path: dict[ValuePath, list[Reference]] = {}
        for ref in self.subject.references:
            by_path.setdefault(ref.path, []).append(ref)
        return by_path

    def place(self, path: ValuePath) -> Place:
        """Where values have the path: in the last file of the operator's that has it, else in the chart's own."""
        chart = self.subject.chart
        for file in reversed(chart.overrides if chart else ()):
            if path in file.lines:
                return Place(file.file, file.lines[path], dotted(path))
        for part in chart.tree() if chart else ():
            own = path[len(part.at) :]
            if path[: len(part.at)] == part.at and own in part.defaults.lines:
                return Place(part.defaults.file, part.defaults.lines[own], dotted(path))
        leaf = self.subject.leaves.get(path)
        return Place(leaf.file, leaf.line, dotted(path)) if leaf else Place(leaf=dotted(path))


def said(place: Place) -> str:
    """``file:line`` for evidence."""
    return f"{place.file}:{place.line}"


def top_unknown(path: ValuePath, known: KnownValues) -> ValuePath:
    """The shortest part of the path that the known values do not have; () when they have it all."""
    for end in range(1, len(path) + 1):
        if not known.has(path[:end]):
            return path[:end]
    return ()


def is_free_form(path: ValuePath, known: KnownValues) -> bool:
    """Whether the chart leaves what lies below to the operator: its default is an empty map or list, or null."""
    parent = known.at(path[:-1])
    return not parent or isinstance(parent, list)


def leaves_of(value: t.Any, path: ValuePath = ()) -> t.Iterator[ValuePath]:
    """Paths of everything in a tree of values that is no map."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves_of(inner, (*path, key))
    else:
        yield path
