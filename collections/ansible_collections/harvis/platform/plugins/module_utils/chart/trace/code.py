"""Which leaves to change in which of a few renders, so that a field's pattern of change tells its leaf.

A constant-weight code: every leaf is changed in ``w`` of ``m`` renders, and leaves that can meet in a template have
codewords of their own. The length grows with the logarithm of the leaves that meet (non-adaptive group testing, as in
D.-Z. Du and F. K. Hwang, Combinatorial Group Testing and Its Applications, 2nd ed. 2000, chapter 7). Low weights keep
most leaves as they are in each render, so that one seldom hides what another one does.
"""

from __future__ import annotations

import itertools
import math
import random
import typing as t

# Up to so many leaves that meet, one after the other is as cheap as a code, and nothing hides anything.
APART = 4
# (weight, longest length): beyond these lengths the next weight is shorter by more than it hides.
_WEIGHTS = ((2, 7), (3, 11), (4, 99))

Conflicts = t.Mapping[int, t.AbstractSet[t.Hashable]]


def code(leaves: t.Sequence[int], meets: Conflicts) -> list[frozenset[int]]:
    """The set of leaves to change in each render. Leaves meet that share an element of ``meets``."""
    colours = colouring(leaves, meets)
    words = codewords(max(colours.values(), default=-1) + 1)
    renders = 1 + max((number for word in words for number in word), default=-1)
    sets: list[set[int]] = [set() for _ in range(renders)]
    for leaf, colour in colours.items():
        for number in words[colour]:
            sets[number].add(leaf)
    return [frozenset(leaves) for leaves in sets]


def colouring(leaves: t.Sequence[int], meets: Conflicts) -> dict[int, int]:
    """A number for each leaf, as small as a greedy choice gives, different for leaves that meet."""
    taken: dict[t.Hashable, set[int]] = {}
    colours: dict[int, int] = {}
    for leaf in sorted(leaves, key=lambda each: (-len(meets[each]), each)):
        used = set().union(*(taken.setdefault(place, set()) for place in meets[leaf]))
        colours[leaf] = next(colour for colour in itertools.count() if colour not in used)
        for place in meets[leaf]:
            taken[place].add(colours[leaf])
    return colours


def codewords(count: int) -> list[tuple[int, ...]]:
    """So many different codewords, each the numbers of the renders in which a leaf is changed."""
    if count <= APART:
        return [(number,) for number in range(count)]
    weight, length = _shape(count)
    words = list(itertools.combinations(range(length), weight))
    # In their order neighbours, which often switch the same block, would share all renders but one.
    random.Random(length).shuffle(words)
    return words[:count]


def _shape(count: int) -> tuple[int, int]:
    for weight, longest in _WEIGHTS:
        for m in range(2 * weight, longest + 1):
            if math.comb(m, weight) >= count:
                return weight, m
    raise ValueError(f"no code for {count} leaves that meet")
