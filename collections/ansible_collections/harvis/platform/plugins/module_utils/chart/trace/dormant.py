"""Waking leaves without an effect: they may have one when another leaf switches it on.

Three ways, the cheapest first. A sleeping leaf's token may have come to light in a render that was made anyway, in
something that another leaf opens. It may come to light under a text that a template compares a value with. And leaves
without a token are mapped once more where everything is open that opens something.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Guard
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.compare import Key
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.failures import observe_together
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.laboratory import Laboratory
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.mapping import Mapping, renames
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import (
    Observation,
    Observer,
    effect_of,
)
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.tokens import Tokens

# So many texts that one value is compared with are tried.
MOST_LITERALS = 4
# What was woken may be a guard itself: that deep.
MOST_NESTED = 2
# So many leaves that open something but fail beside others are tried by themselves.
MOST_ALONE = 4
# So often what breaks rendering beside a guard is left out and the rest tried again.
MOST_FAILURES = 3


@dataclasses.dataclass(frozen=True)
class Waking:
    """A leaf set to a value, and the keys that another leaf has then."""

    leaf: int
    value: t.Any
    keys: frozenset[Key]


def find_dormant(mapping: Mapping, literals: t.Mapping[str, t.Collection[str]]) -> dict[int, Guard]:
    """The guard of each leaf without an effect that one wakes.

    ``literals`` are the texts that templates compare values with, by the last word of the value's path.
    """
    found = _Waking(mapping)
    found.by_tokens(mapping.seen)
    for _ in range(MOST_NESTED):
        flags = found.flags()
        found.where_all_is_open()
        if found.flags() == flags:
            break
    found.by_literals(literals)
    found.refine()
    paths = [each.path for each in mapping.laboratory.perturbed]
    return {
        leaf: Guard(paths[waking.leaf], waking.value, frozenset(map(effect_of, waking.keys)))
        for leaf, waking in sorted(found.awake.items())
    }


class _Waking:
    def __init__(self, mapping: Mapping) -> None:
        self._mapping, self._laboratory, self._files = mapping, mapping.laboratory, mapping.files
        self._effects = mapping.effects
        self.awake: dict[int, Waking] = {}

    @property
    def _asleep(self) -> list[int]:
        """What no template mentions can't be woken by any guard."""
        awake = (
            {leaf for leaf, keys in self._effects.items() if keys} | self.awake.keys() | self._laboratory.broken.keys()
        )
        return [
            each.index for each in self._laboratory.perturbed if each.index not in awake and self._files[each.index]
        ]

    def flags(self) -> set[int]:
        """What was woken and may be a guard itself."""
        every = self._laboratory.perturbed
        return {leaf for leaf in self.awake if isinstance(every[leaf].base, bool) and every[leaf].opens}

    def by_tokens(self, seen: t.Iterable[tuple[frozenset[int], Observation]]) -> None:
        """Whose token came to light in what another leaf of the same render opens."""
        asleep = set(self._asleep)
        shown: dict[int, set[tuple[int, Key]]] = {}
        for leaves, observation in seen:
            for leaf, key in observation.added:
                if leaf in asleep:
                    opening = self._opening(leaf, key, leaves & self._effects.keys())
                    shown.setdefault(leaf, set()).update((guard, key) for guard in opening)
        for leaf, pairs in shown.items():
            if pairs:
                self._wake_by_nearest(leaf, pairs)

    def by_literals(self, literals: t.Mapping[str, t.Collection[str]]) -> None:
        """What does something when a value is what a template compares it with."""
        guards = [
            (each.index, literal)
            for each in self._laboratory.perturbed
            if isinstance(each.base, str)
            for literal in sorted(set(literals.get(str(each.path[-1]), ())) - {each.base, ""})[:MOST_LITERALS]
        ]
        sources = frozenset().union(*(self._files[leaf] for leaf in self._asleep))
        for batch in self._apart([guard for guard in guards if self._files[guard[0]] & sources]):
            if self._show_beside(batch):
                self._map_beside(batch, self._tokens())

    def where_all_is_open(self) -> None:
        """What does something beside everything that opens something, as far as that can be rendered together; what
        cannot, one by one."""
        every, together = self._laboratory.perturbed, self._mapping.together
        opening = {each.index for each in every if each.switch and each.opens and self._effects.get(each.index)}
        opening |= self.flags()
        opening -= {leaf for leaf in opening if renames(every[leaf])}
        sources = frozenset().union(*(self._files[leaf] for leaf in self._asleep))
        near = {leaf: self._laboratory.value(leaf) for leaf in sorted(opening) if self._files[leaf] & sources}
        self._map_beside({leaf: value for leaf, value in near.items() if leaf in together}, together)
        for leaf in sorted(near.keys() - together)[:MOST_ALONE]:
            if self._show_beside({leaf: near[leaf]}):
                self._map_beside({leaf: near[leaf]}, self._tokens())

    def refine(self) -> None:
        """Where what wakes a leaf has to be woken itself, the nearer one is the guard."""
        switches = {leaf: self.awake[leaf].keys for leaf in self.flags()}
        for leaf, waking in sorted(self.awake.items()):
            near = [other for other, keys in switches.items() if other != leaf and _all_below(waking.keys, keys)]
            nearest = min([waking.leaf, *near], key=lambda other: self._distance(leaf, other))
            if nearest != waking.leaf:
                self.awake[leaf] = Waking(nearest, self._laboratory.value(nearest), waking.keys)

    def _show_beside(self, guards: t.Mapping[int, t.Any]) -> bool:
        """Whether tokens come to light where the guards have these values; their leaves are awake then."""
        opening = {each.index for each in self._laboratory.perturbed if each.opens}
        asleep = (self._tokens() | opening).intersection(self._asleep).difference(guards)
        before = len(self.awake)
        beside = self._beside(guards)
        for leaves, observation in observe_together(beside, [asleep] if asleep else [], MOST_FAILURES).observed:
            shown: dict[int, set[tuple[int, Key]]] = {}
            for leaf, key in observation.added | observation.traced:
                if leaf in leaves:
                    shown.setdefault(leaf, set()).update((guard, key) for guard in self._opening(leaf, key, guards))
            for leaf, pairs in shown.items():
                self._wake_by_nearest(leaf, pairs, guards)
        return len(self.awake) > before

    def _map_beside(self, guards: t.Mapping[int, t.Any], shown: frozenset[int]) -> None:
        """Map the sleeping leaves where the guards have these values; the tokens of ``shown`` ones would have been
        seen already."""
        every = self._laboratory.perturbed
        asleep = [leaf for leaf in self._asleep if leaf not in guards and self._shares(leaf, guards)]
        asleep = [leaf for leaf in asleep if not (every[leaf].has_token and leaf in shown)]
        if not asleep:
            return
        beside = self._beside(guards)
        (base,) = beside.observe_all([frozenset()])
        if base.rendered is None:
            return
        beside.observer = Observer(base.rendered, Tokens(every), self._laboratory.observer.namespace)
        mapping = Mapping(beside, self._files)
        mapping.observe_coded(frozenset(asleep))
        mapping.settle_doubts(1)
        for leaf, keys in mapping.effects.items():
            if leaf in asleep:
                pairs = {(guard, key) for key in keys for guard in self._opening(leaf, key, guards)}
                self._wake_by_nearest(leaf, pairs, guards)

    def _beside(self, guards: t.Mapping[int, t.Any]) -> Laboratory:
        """Where the guards have these values; what breaks rendering there need not break it elsewhere."""
        changed = {self._laboratory.perturbed[leaf].path: value for leaf, value in guards.items()}
        known = self._laboratory
        return dataclasses.replace(known, context=changed, tried=dict(known.tried), broken=dict(known.broken))

    def _tokens(self) -> frozenset[int]:
        return frozenset(each.index for each in self._laboratory.perturbed if each.has_token)

    def _shares(self, leaf: int, others: t.Iterable[int]) -> bool:
        return any(self._files[leaf] & self._files[other] for other in others)

    def _opening(self, leaf: int, key: Key, leaves: t.Iterable[int]) -> list[int]:
        """Which of the leaves have an effect at the key or above it, or else share a template with the leaf."""
        above = {key[:depth] for depth in range(2, len(key) + 1)}
        near = [other for other in leaves if other != leaf and self._files[other] & self._files[leaf]]
        return [other for other in near if above & self._effects.get(other, frozenset())] or near

    def _wake_by_nearest(
        self, leaf: int, pairs: set[tuple[int, Key]], values: t.Mapping[int, t.Any] | None = None
    ) -> None:
        guard = min({guard for guard, _ in pairs}, key=lambda other: (self._distance(leaf, other), other), default=None)
        if guard is not None:
            keys = frozenset(key for other, key in pairs if other == guard)
            value = values[guard] if values else self._laboratory.value(guard)
            self.awake[leaf] = Waking(guard, value, keys)

    def _distance(self, leaf: int, guard: int) -> int:
        one, other = self._laboratory.perturbed[leaf].path, self._laboratory.perturbed[guard].path
        shared = 0
        while shared < min(len(one), len(other)) and one[shared] == other[shared]:
            shared += 1
        return len(one) + len(other) - 2 * shared

    def _apart(self, guards: list[tuple[int, str]]) -> list[dict[int, str]]:
        """Guards of different templates may be tried together."""
        batches: list[tuple[dict[int, str], set[str]]] = []
        for leaf, value in guards:
            for batch, taken in batches:
                if not taken & self._files[leaf]:
                    batch[leaf] = value
                    taken |= self._files[leaf]
                    break
            else:
                batches.append(({leaf: value}, set(self._files[leaf])))
        return [batch for batch, _ in batches]


def _all_below(keys: t.Iterable[Key], above: frozenset[Key]) -> bool:
    return all(any(key[:depth] in above for depth in range(2, len(key) + 1)) for key in keys)
