"""``Evidence``: what all renders together say about who changed a field.

A leaf that was changed in a render in which a field stayed as it is does not change that field: it is out. Where a
field changed and everybody but one leaf is out, it was that leaf. The rest is doubtful, and tried again.
"""

from __future__ import annotations

import functools
import itertools
import operator
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.compare import Key
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import Observation

_WORD = re.compile(r"[a-z0-9]{2,}")


@dataclass
class Explanation:
    """``proved`` keys of each leaf; ``needed`` are keys that one of several leaves must have changed, ``spare`` ones
    that a leaf may have changed though others did. ``unexplained`` keys changed where no leaf that was changed could
    have done it alone; the leaves are those beside which the key changed more often than not, the likeliest first."""

    proved: dict[int, set[Key]] = field(default_factory=dict)
    needed: dict[int, set[Key]] = field(default_factory=dict)
    spare: dict[int, set[Key]] = field(default_factory=dict)
    unexplained: dict[Key, list[int]] = field(default_factory=dict)


class Evidence:
    """``possible`` has the leaves that a template (Helm's name) mentions. Sets of renders are kept as bits."""

    def __init__(self, possible: t.Mapping[str, t.Collection[int]], words: t.Mapping[int, frozenset[str]]) -> None:
        self._possible, self._words = possible, words
        self._renders = 0
        self._on: dict[int, int] = {}
        self._changed: dict[Key, int] = {}
        # In which renders a leaf's token stood in what had changed.
        self._shown: dict[tuple[int, Key], int] = {}
        # What leaves that were changed alone do; they need no proof.
        self.alone: dict[int, frozenset[Key]] = {}
        # Leaves that break rendering: they may have done anything in a render that worked beside others.
        self.broken: set[int] = set()

    def add(self, leaves: t.Iterable[int], observation: Observation) -> None:
        """A render in which these leaves, and no others, were changed."""
        bit = 1 << self._renders
        self._renders += 1
        for leaf in leaves:
            self._on[leaf] = self._on.get(leaf, 0) | bit
        for key in observation.changed:
            self._changed[key] = self._changed.get(key, 0) | bit
        for leaf, place in observation.added:
            for depth in range(2, len(place) + 1):
                if place[:depth] in observation.changed:
                    shown = leaf, place[:depth]
                    self._shown[shown] = self._shown.get(shown, 0) | bit

    def explain(self) -> Explanation:
        found, known = Explanation(), self._known()
        for key in sorted(self._changed):
            self._explain(key, known, found)
        return found

    def _explain(self, key: Key, known: t.Mapping[Key, int], found: Explanation) -> None:
        changed, unseen = self._changed[key], self._hidden(key)
        same = ~(changed | unseen)
        waiting = changed
        for depth in range(2, len(key) + 1):
            waiting &= ~known.get(key[:depth], 0)
        mentioned = self._possible.get(key[0], ())
        for leaf in self.broken.intersection(mentioned):
            waiting &= ~self._on.get(leaf, 0)
        leaves = [leaf for leaf in mentioned if leaf not in self.alone and leaf not in self.broken]
        fitting = [leaf for leaf in leaves if self._on.get(leaf, 0) & changed and not self._on[leaf] & same]
        once = twice = 0
        for leaf in fitting:
            twice |= once & self._on[leaf]
            once |= self._on[leaf]
        only = once & ~twice & waiting
        proved = {leaf for leaf in fitting if self._on[leaf] & only or self._is_shown(leaf, key)}
        for leaf in proved:
            waiting &= ~self._on[leaf]
            found.proved.setdefault(leaf, set()).add(key)
        needed = self._needed(key, [leaf for leaf in fitting if leaf not in proved], waiting)
        for leaf in fitting:
            if leaf not in proved:
                (found.needed if leaf in needed else found.spare).setdefault(leaf, set()).add(key)
        left = waiting & ~once
        if left:
            # A template can read what its text does not mention.
            found.unexplained[key] = self._likely(key, leaves, left, same) or self._likely(key, self._on, left, same)

    def _needed(self, key: Key, leaves: list[int], waiting: int) -> list[int]:
        """Those of the leaves that may explain the renders that wait: if they can, those that share most words with the
        key."""
        leaves = sorted((leaf for leaf in leaves if self._on[leaf] & waiting), key=lambda leaf: -self._named(leaf, key))
        found: list[int] = []
        for _, alike in itertools.groupby(leaves, lambda leaf: self._named(leaf, key)):
            found += alike
            if not waiting & ~functools.reduce(operator.or_, (self._on[leaf] for leaf in found)):
                break
        return found

    def _named(self, leaf: int, key: Key) -> int:
        return len(self._words[leaf] & words_of(key))

    def _is_shown(self, leaf: int, key: Key) -> bool:
        """Whether the leaf's token stood there whenever the key changed beside the leaf, and not once by chance."""
        both = self._on[leaf] & self._changed[key]
        return both.bit_count() > 1 and not both & ~self._shown.get((leaf, key), 0)

    def _hidden(self, key: Key) -> int:
        """The renders in which something above the key changed, so that it could not be seen."""
        bits = 0
        for depth in range(2, len(key)):
            bits |= self._changed.get(key[:depth], 0)
        return bits & ~self._changed[key]

    def _known(self) -> dict[Key, int]:
        """The renders in which a leaf was changed that is known to change a key."""
        bits: dict[Key, int] = {}
        for leaf, keys in self.alone.items():
            for key in keys:
                bits[key] = bits.get(key, 0) | self._on.get(leaf, 0)
        return bits

    def _likely(self, key: Key, leaves: t.Iterable[int], left: int, same: int) -> list[int]:
        changed = self._changed[key]
        scores = {
            leaf: ((on & changed).bit_count() - (on & same).bit_count(), self._named(leaf, key))
            for leaf in leaves
            for on in [self._on.get(leaf, 0)]
            if on & left and leaf not in self.alone and leaf not in self.broken
        }
        likely = [leaf for leaf, score in scores.items() if score[0] > 0]
        return sorted(likely, key=lambda leaf: (scores[leaf], -leaf), reverse=True)


@functools.cache
def words_of(parts: t.Iterable[t.Any]) -> frozenset[str]:
    """The words in a key or in a path, small."""
    return frozenset(word for part in parts for word in _WORD.findall(str(part).lower()))
