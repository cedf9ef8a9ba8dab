"""VAL-CROSSED: a component's template reads another component's values, and its own are read by nobody."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import PurePath

from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.targets import Target, container_of, file_of
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.wiring import Wiring, said
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.words import shared_words, words
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject

# Blocks that are there for every component: reading them instead of one's own is what they are for.
SHARED = frozenset(["global", "common", "shared", "defaults", "default", "base"])


@dataclass(frozen=True)
class Crossing:
    """``reference`` reads ``component.tail`` where ``owner.tail`` was meant."""

    reference: Reference
    component: ValuePath
    owner: ValuePath
    tail: ValuePath

    @property
    def line(self) -> tuple[str, int]:
        """The line to edit: a named template that serves several components is not the one at fault."""
        ref = self.reference
        return ref.start if ref.start[0] and ref.start[0] != ref.file else (ref.file, ref.line)

    @property
    def meant(self) -> ValuePath:
        return (*self.owner, *self.tail)

    @property
    def read(self) -> ValuePath:
        return (*self.component, *self.tail)


def crossings(wiring: Wiring) -> list[Crossing]:
    """One for each read and block that was meant; the largest block that nobody reads is named."""
    by_end: dict[str | int, list[Reference]] = {}
    for ref in wiring.subject.references:
        if _counts(ref, wiring):
            by_end.setdefault(ref.path[-1], []).append(ref)
    found: dict[tuple[Reference, ValuePath], Crossing] = {}
    for path in wiring.dead:
        for end in range(len(path), 1, -1):
            for ref in by_end.get(path[end - 1], ()):
                crossing = _crossing(ref, path[:end], whole_needed=end < len(path))
                if crossing and wiring.all_dead(crossing.meant) and _belongs_to_owner(crossing, wiring):
                    found.setdefault((ref, crossing.meant), crossing)
    return _most_telling(list(found.values()))


def finding(crossing: Crossing, wiring: Wiring) -> Finding:
    ref, mine = crossing.reference, dotted(crossing.meant)
    place = wiring.place(crossing.meant)
    cause = f"{dotted(crossing.owner)} is configured from {dotted(crossing.read)}; nothing reads {mine}"
    if not wiring.values.has(crossing.read):
        cause += f", and {dotted(crossing.read)} does not exist"
    return Finding.at(
        "VAL-CROSSED",
        Place(*crossing.line, mine),
        cause,
        evidence=f"{said(Place(ref.file, ref.line))} reads {ref.expression}; {mine} is set at {said(place)}",
        fix=f"Read .Values.{mine} there.",
    )


def _counts(ref: Reference, wiring: Wiring) -> bool:
    if not ref.exact or len(ref.path) < 2 or ref.path[0] in SHARED:
        return False
    if ref.reached is False:
        return False
    return ref.use in ("print", "pass", "range") or not wiring.values.at(ref.path)


def _crossing(ref: Reference, meant: ValuePath, *, whole_needed: bool) -> Crossing | None:
    # A `with` on a path that is not there would hand on the whole of it.
    if whole_needed and not ref.whole and ref.use != "look":
        return None
    same = 0
    while same < min(len(meant), len(ref.path)) - 1 and meant[-1 - same] == ref.path[-1 - same]:
        same += 1
    component, owner = ref.path[: len(ref.path) - same], meant[: len(meant) - same]
    if not same or component == owner or component[: len(owner)] == owner or owner[: len(component)] == component:
        return None
    if component[-1] in SHARED or isinstance(component[-1], int) or isinstance(owner[-1], int):
        return None
    return Crossing(ref, component, owner, meant[len(meant) - same :])


def _belongs_to_owner(crossing: Crossing, wiring: Wiring) -> bool:
    """Whether what the read configures is the owner's rather than the component's that is read."""
    targets = _targets(crossing, wiring)
    if not targets and not wiring.effects_below(crossing.read):
        targets = [(item, "") for item in _printed_by(crossing.line[0], wiring)]
    return any(_is_owners(target, crossing, wiring) for target in targets)


def _is_owners(target: Target, crossing: Crossing, wiring: Wiring) -> bool:
    owner = _score(crossing.owner, crossing, target, wiring)
    return owner >= 2 and owner > _score(crossing.component, crossing, target, wiring)


def _targets(crossing: Crossing, wiring: Wiring) -> list[Target]:
    """Objects, and containers in them, that the values which are read reach through this file."""
    effects = wiring.effects_below(crossing.read)
    by_address = {item.address: item for item in wiring.subject.objects}
    reached = {
        (effect.object, container_of(effect.field))
        for effect in effects
        if effect.object in by_address and effect.field
    }
    found = [(by_address[address], container) for address, container in sorted(reached)]
    here = [(item, container) for item, container in found if file_of(item) == crossing.line[0]]
    return here or found


def _score(component: ValuePath, crossing: Crossing, target: Target, wiring: Wiring) -> int:
    """How much speaks for the target being the component's: names, the image, and other values of it."""
    item, container = target
    stem = PurePath(crossing.line[0]).name.partition(".")[0]
    names = (stem, item.name, str(item.get(f"{container}/name", "")) if container else "")
    score = max(shared_words(words(str(component[-1])), name) for name in names)
    hits = 0
    for path in wiring.live_below(component):
        if path[: len(crossing.read)] == crossing.read:
            continue
        effects = [effect for effect in wiring.effects.effects[path] if effect.object == item.address]
        hits += bool(effects)
        score += 3 * any(container and effect.field == f"{container}/image" for effect in effects)
    return score + min(hits, 3)


def _printed_by(file: str, wiring: Wiring) -> list[KubernetesObject]:
    return [item for item in wiring.subject.objects if file_of(item) == file]


def _most_telling(found: list[Crossing]) -> list[Crossing]:
    """Of several blocks inside each other that one read could have meant, the largest."""
    kept: list[Crossing] = []
    for crossing in sorted(found, key=lambda one: len(one.meant)):
        line = crossing.line
        inside = any(crossing.meant[: len(one.meant)] == one.meant and line == one.line for one in kept)
        if not inside:
            kept.append(crossing)
    return sorted(kept, key=lambda one: (one.reference.file, one.reference.line, one.meant))


def explained(found: t.Iterable[Crossing], wiring: Wiring) -> set[ValuePath]:
    """Dead leaves of which the crossings tell why."""
    return {path for crossing in found for path in wiring.below(crossing.meant)}
