"""``Doubts``: which leaves to change next, so that what is doubtful is settled."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.code import code
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.compare import Key
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.evidence import Evidence
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import Observation

Effects = t.Mapping[int, frozenset[Key]]
# So many leaves of each key that nobody explains are tried alone.
MOST_LIKELY = 3
EMPTY: frozenset[Key] = frozenset()


class Doubts:
    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._rounds = 0
        self._given_up: set[Key] = set()

    def next_renders(self, effects: Effects, seen: t.Iterable[Observation]) -> tuple[list[int], list[frozenset[int]]]:
        """Leaves to change alone, and sets of leaves to change together; nothing when there is no doubt left."""
        self._rounds += 1
        explained = self._evidence.explain()
        renamed = EMPTY.union(*(each.renamed for each in seen))
        alone = {leaf for leaf, keys in explained.proved.items() if keys & renamed}
        for key in explained.unexplained.keys() - self._given_up:
            alone.update(explained.unexplained[key][:MOST_LIKELY])
        self._given_up |= explained.unexplained.keys()
        if self._rounds > 1:
            alone |= explained.needed.keys()
        alone -= self._evidence.alone.keys() | self._evidence.broken
        needed = {leaf: keys for leaf, keys in explained.needed.items() if leaf not in alone}
        spare = {leaf: keys for leaf, keys in explained.spare.items() if leaf not in alone}
        # What is needed is told apart by a code.
        return sorted(alone), [*code(sorted(needed), needed), *_together(spare, effects)]


def _together(spare: t.Mapping[int, set[Key]], effects: Effects) -> list[frozenset[int]]:
    """What is spare is probably innocent: all of it is changed at once, as far as no leaf that is known to change a key
    hides whether another one changes it as well."""
    sets: list[set[int]] = []
    for leaf, keys in sorted(spare.items()):
        mine = effects.get(leaf, EMPTY)
        for each in sets:
            if not any(_hides(effects.get(other, EMPTY), keys) or _hides(mine, spare[other]) for other in each):
                each.add(leaf)
                break
        else:
            sets.append({leaf})
    return [frozenset(each) for each in sets]


def _hides(known: t.Collection[Key], keys: t.Collection[Key]) -> bool:
    return any(key[:depth] in known for key in keys for depth in range(2, len(key) + 1))
