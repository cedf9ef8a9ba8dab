"""VAL-CROSSED where no value is dead: two components that each read the other's block of the same name."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import typing as t
from dataclasses import dataclass
from pathlib import PurePath

from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.crossed import SHARED, Crossing
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.targets import container_of, file_of
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.wiring import Wiring, said
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.words import shared_words, words
from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Effect
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, pointer_parts
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import TEMPLATES

# Address of an object, and the container in it or "".
Spot = tuple[str, str]
# Objects that are one component's own, with what it is made of.
OWN = frozenset([*TEMPLATES, "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "PersistentVolumeClaim"])
# What a component is told about others lies here: reading their values is what these fields are for.
TOLD = frozenset(["env", "envFrom", "args", "command", "annotations", "labels", "volumes", "affinity", "selector"])
_LABEL = "/metadata/labels/app.kubernetes.io~1component"


@dataclass(frozen=True)
class Block:
    """``component.tail``, the reads of it, everything that it reaches, and which fields of it there."""

    component: ValuePath
    tail: ValuePath
    reads: tuple[Reference, ...]
    spots: frozenset[Spot]
    fields: frozenset[str]

    @property
    def path(self) -> ValuePath:
        return (*self.component, *self.tail)


def swapped(wiring: Wiring) -> list[Crossing]:
    """Both sides of each swap, one crossing for each line that has to be edited."""
    return _Swaps(wiring).crossings()


def finding(crossing: Crossing, wiring: Wiring) -> Finding:
    ref, read, meant = crossing.reference, dotted(crossing.read), dotted(crossing.meant)
    return Finding.at(
        "VAL-CROSSED",
        Place(*crossing.line, meant),
        f"{dotted(crossing.owner)} is configured from {read}, and {dotted(crossing.component)} from {meant}: "
        "the two are swapped",
        evidence=f"{said(Place(ref.file, ref.line))} reads {ref.expression}; "
        f"{meant} is set at {said(wiring.place(crossing.meant))}",
        fix=f"Read .Values.{meant} there.",
    )


@dataclass(frozen=True)
class _Swaps:
    wiring: Wiring

    def crossings(self) -> list[Crossing]:
        found: dict[tuple[tuple[str, int], ValuePath], Crossing] = {}
        for blocks in self._blocks.values():
            for one in blocks.values():
                for component in sorted(self._owners(min(one.spots)) & blocks.keys(), key=dotted):
                    other = blocks[component]
                    if self._are_swapped(one, other):
                        for crossing in (*self._crossings(one, other), *self._crossings(other, one)):
                            found.setdefault((crossing.line, crossing.meant), crossing)
        return sorted(_merged(found.values()), key=lambda one: (*one.line, dotted(one.meant)))

    def _owners(self, spot: Spot) -> set[ValuePath]:
        """Components that the spot could belong to, by name or by what else reaches it: few of many."""
        if spot[0] not in self._objects:
            return set()
        container, owner = self._names(spot)
        found = self._reaching.get(spot, set()) | self._reaching.get((spot[0], ""), set())
        return found.union(*(self._called.get(run, ()) for name in (container, *owner) for run in _runs(words(name))))

    @functools.cached_property
    def _components(self) -> set[ValuePath]:
        return {component for blocks in self._blocks.values() for component in blocks}

    @functools.cached_property
    def _called(self) -> dict[tuple[str, ...], set[ValuePath]]:
        """Components by the words of their names."""
        called: dict[tuple[str, ...], set[ValuePath]] = {}
        for component in self._components:
            called.setdefault(words(str(component[-1])), set()).add(component)
        return called

    @functools.cached_property
    def _reaching(self) -> dict[Spot, set[ValuePath]]:
        """Components of which some value lands in the spot."""
        reaching: dict[Spot, set[ValuePath]] = {}
        for leaf, effects in self.wiring.effects.effects.items():
            components = self._components.intersection(leaf[:end] for end in range(1, len(leaf)))
            for effect in effects:
                reaching.setdefault((effect.object, container_of(effect.field)), set()).update(components)
        return reaching

    @functools.cached_property
    def _blocks(self) -> dict[ValuePath, dict[ValuePath, Block]]:
        """By what the blocks of several components have in common, the end of their paths; then by component."""
        reads: dict[ValuePath, list[Reference]] = {}
        for ref in self.wiring.subject.references:
            if ref.exact and not ref.each and ref.reached is not False and ref.use in ("print", "pass", "range"):
                reads.setdefault(ref.path, []).append(ref)
        found: dict[ValuePath, dict[ValuePath, Block]] = {}
        for path, refs in reads.items():
            for cut in range(1, len(path)):
                component, tail = path[:cut], path[cut:]
                if isinstance(component[-1], int) or component[0] in SHARED or component[-1] in SHARED:
                    continue
                block = self._block(component, tail, tuple(refs))
                if block:
                    found.setdefault(tail, {})[component] = block
        return found

    def _block(self, component: ValuePath, tail: ValuePath, reads: tuple[Reference, ...]) -> Block | None:
        spots: set[Spot] = set()
        fields: set[str] = set()
        path = (*component, *tail)
        for leaf in self.wiring.live_below(path):
            for effect in self._effects(leaf):
                if not effect.field:
                    return None  # it brings whole objects: whose they are is not said by where they land
                spots.add((effect.object, container_of(effect.field)))
                fields.add(self._field(effect, leaf[len(component) :]))
        fields.discard("")
        return Block(component, tail, reads, frozenset(spots), frozenset(fields)) if fields else None

    def _effects(self, leaf: ValuePath) -> list[Effect]:
        """Without those through a checksum of what the value changes."""
        return [effect for effect in self.wiring.effects.effects[leaf] if "checksum" not in effect.field]

    def _field(self, effect: Effect, rest: ValuePath) -> str:
        """Where in its component's own objects a value lands, told alike for every kind; else ""."""
        item = self._objects.get(effect.object)
        names = [str(part) for part in rest]
        parts = pointer_parts(effect.field)
        if item is None or item.kind not in OWN or any(part in TOLD and part not in names for part in parts):
            return ""
        container = container_of(effect.field)
        template = TEMPLATES.get(item.kind, ())
        if container:
            kind, parts = "container", parts[len(pointer_parts(container)) :]
        elif template and tuple(parts[: len(template)]) == template:
            kind, parts = "pod", parts[len(template) :]
        else:
            kind = "workload" if item.kind in TEMPLATES else item.kind
        while parts and names and parts[-1] == names[-1]:
            parts, names = parts[:-1], names[:-1]
        return "/".join([kind, *parts])

    def _are_swapped(self, one: Block, other: Block) -> bool:
        if not one.spots.isdisjoint(other.spots) or one.fields.isdisjoint(other.fields):
            return False
        return all(self._belongs(spot, other, one) for spot in one.spots) and all(
            self._belongs(spot, one, other) for spot in other.spots
        )

    def _belongs(self, spot: Spot, owner: Block, reader: Block) -> bool:
        """Whether ``spot`` is the owner's rather than that of the component whose block lands there."""
        if spot[0] not in self._objects:
            return False
        mine, other = self._fit(owner.component, spot), self._fit(reader.component, spot)
        if mine != other:
            return mine > other
        # Names do not tell; the components' other values may.
        return self._reaches(owner, reader, spot) and not self._reaches(reader, owner, spot)

    def _fit(self, component: ValuePath, spot: Spot) -> tuple[int, int]:
        """How well a component's name fits a container's, and its object's."""
        container, owner = self._names(spot)
        wanted = words(str(component[-1]))
        return shared_words(wanted, container), max(shared_words(wanted, name) for name in owner)

    @functools.cached_property
    def _known_names(self) -> dict[Spot, tuple[str, tuple[str, ...]]]:
        return {}

    def _names(self, spot: Spot) -> tuple[str, tuple[str, ...]]:
        if spot not in self._known_names:
            item, container = self._objects[spot[0]], spot[1]
            stem = PurePath(file_of(item)).name.partition(".")[0]
            inner = str(item.get(f"{container}/name", "")) if container else ""
            self._known_names[spot] = inner, (item.name, stem, str(item.get(_LABEL, "")))
        return self._known_names[spot]

    def _reaches(self, block: Block, than: Block, spot: Spot) -> bool:
        """Whether other values of the block's component configure the container, or the object around it."""
        nested = len(than.component) > len(block.component)
        for leaf in self.wiring.live_below(block.component):
            if _below(leaf, block.path) or (nested and _below(leaf, than.component)):
                continue
            for effect in self._effects(leaf):
                near = effect.object == spot[0] and container_of(effect.field) in ("", spot[1])
                if near and self._field(effect, leaf[len(block.component) :]):
                    return True
        return False

    @functools.cached_property
    def _objects(self) -> dict[str, KubernetesObject]:
        return {item.address: item for item in self.wiring.subject.objects}

    def _crossings(self, block: Block, owner: Block) -> list[Crossing]:
        """The reads of ``block`` where ``owner``'s was meant: those in the templates that print what it reaches."""
        found = [Crossing(ref, block.component, owner.component, block.tail) for ref in block.reads]
        files = {file_of(self._objects[address]) for address, _ in block.spots}
        return [crossing for crossing in found if crossing.line[0] in files] or found


def _merged(found: t.Iterable[Crossing]) -> list[Crossing]:
    """One for each line and pair of components: a template that hands on a whole component is one mistake."""
    groups: dict[tuple[tuple[str, int], ValuePath, ValuePath], list[Crossing]] = {}
    for crossing in found:
        groups.setdefault((crossing.line, crossing.component, crossing.owner), []).append(crossing)
    return [dataclasses.replace(group[0], tail=_common([one.tail for one in group])) for group in groups.values()]


def _runs(name: tuple[str, ...]) -> t.Iterator[tuple[str, ...]]:
    """Every run of words in a name."""
    return (name[start:end] for start in range(len(name)) for end in range(start + 1, len(name) + 1))


def _common(tails: list[ValuePath]) -> ValuePath:
    same = itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*tails, strict=False))
    return tuple(parts[0] for parts in same)


def _below(leaf: ValuePath, block: ValuePath) -> bool:
    return leaf[: len(block)] == block
