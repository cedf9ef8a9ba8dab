"""Waking leaves without an effect: they may have one when another leaf switches it on."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Guard
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.compare import Key
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.failures import render_together
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.grouping import Files, one_group
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.laboratory import Laboratory
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import Observer, effect_of
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.region import Region
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.settle import Settled, Settling
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.tokens import Tokens

# A guard may itself wait for a guard; deeper than this nobody nests.
MOST_ROUNDS = 3


def find_dormant(
    laboratory: Laboratory, found: Settled, files: Files, dead: t.Sequence[int], guards: t.Sequence[ValuePath]
) -> dict[int, Guard]:
    """The guard of each leaf in ``dead`` that one wakes."""
    waking = _Waking(laboratory, found, files, dead)
    waking.from_tokens()
    paths = {each.path: each.index for each in laboratory.perturbed}
    waking.in_the_open([paths[path] for path in guards if path in paths])
    return waking.dormant


class _Waking:
    def __init__(self, laboratory: Laboratory, found: Settled, files: Files, dead: t.Sequence[int]) -> None:
        self.laboratory, self.found, self.files = laboratory, found, files
        # What no template mentions can't be woken by any guard.
        self.asleep = {leaf for leaf in dead if files[leaf]}
        self.dormant: dict[int, Guard] = {}

    def from_tokens(self) -> None:
        """Plain leaves were changed in every render: where a switch brought their tokens to light, it is their
        guard."""
        seen: dict[int, dict[int, set[Key]]] = {}
        for guard, traces in self.found.added.items():
            for leaf, key in traces:
                if leaf in self.asleep and leaf != guard:
                    seen.setdefault(leaf, {}).setdefault(guard, set()).add(key)
        for leaf, by_guard in seen.items():
            guard = min(by_guard, key=lambda each: (self._distance(leaf, each), each))
            self._wake(leaf, guard, by_guard[guard])

    def in_the_open(self, extra: t.Sequence[int]) -> None:
        """Switch on everything that can be, and look which of the sleeping leaves has an effect then."""
        opened: frozenset[int] = frozenset()  # or tried to be
        for _ in range(MOST_ROUNDS):
            guards = self._guards(extra) if self.asleep else frozenset()
            if guards <= opened:
                return
            self._open(guards)
            opened |= guards

    def _guards(self, extra: t.Sequence[int]) -> frozenset[int]:
        wanted = frozenset().union(*(self.files[leaf] for leaf in self.asleep))
        effective = {leaf for leaf, keys in self.found.effects.items() if keys} | self.dormant.keys() | set(extra)
        return frozenset(
            leaf
            for leaf in effective
            if leaf not in self.laboratory.broken
            and (self.laboratory.perturbed[leaf].opens or leaf in extra)
            and self.files[leaf] & wanted
        )

    def _open(self, guards: frozenset[int]) -> None:
        """One round."""
        observation, left_out = render_together(self.laboratory, guards)
        guards -= left_out
        if observation.rendered is None:
            return
        observer = Observer(observation.rendered, Tokens(self.laboratory.perturbed), self.laboratory.observer.namespace)
        open_laboratory = Laboratory(
            self.laboratory.renderer,
            observer,
            self.laboratory.perturbed,
            dict(self.laboratory.tried),
            dict(self.laboratory.broken),
        )
        self._wake_by_tokens(open_laboratory, guards)
        sleeping = [leaf for leaf in sorted(self.asleep - guards) if not self.laboratory.perturbed[leaf].has_token]
        found = Settling(open_laboratory, guards).run(one_group(sleeping, self.files, self._region_of))
        for leaf, keys in found.effects.items():
            if leaf in self.asleep and keys:
                self._wake(leaf, self._guard_of(leaf, keys, guards), keys)

    def _wake_by_tokens(self, laboratory: Laboratory, guards: frozenset[int]) -> None:
        sleeping = frozenset(leaf for leaf in self.asleep - guards if self.laboratory.perturbed[leaf].has_token)
        if not sleeping:
            return
        observation, _ = render_together(laboratory, guards | sleeping)
        seen: dict[int, set[Key]] = {}
        for leaf, key in observation.traced | observation.added:
            if leaf in sleeping:
                seen.setdefault(leaf, set()).add(key)
        for leaf, keys in sorted(seen.items()):
            self._wake(leaf, self._guard_of(leaf, keys, guards), keys)

    def _region_of(self, leaves: t.Sequence[int]) -> Region:
        return Region((file,) for leaf in leaves for file in self.files[leaf])

    def _guard_of(self, leaf: int, keys: set[Key], guards: frozenset[int]) -> int:
        """The guard in whose effects the leaf's lie; among several the one whose path is nearest."""
        owners = [g for g in guards if any(Region(self.found.effects.get(g, ())).touches(key) for key in keys)]
        return min(owners or guards, key=lambda each: (self._distance(leaf, each), each))

    def _distance(self, leaf: int, guard: int) -> int:
        one, other = self.laboratory.perturbed[leaf].path, self.laboratory.perturbed[guard].path
        shared = 0
        while shared < min(len(one), len(other)) and one[shared] == other[shared]:
            shared += 1
        return len(one) + len(other) - 2 * shared

    def _wake(self, leaf: int, guard: int, keys: set[Key]) -> None:
        each = self.laboratory.perturbed[guard]
        value = each.values[self.laboratory.tried.get(guard, 0)]
        self.dormant[leaf] = Guard(each.path, value, frozenset(map(effect_of, keys)))
        self.asleep.discard(leaf)
