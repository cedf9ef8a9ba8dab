"""Rendering sets of changed leaves of which some make Helm fail."""

from __future__ import annotations

import functools
import operator
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.laboratory import Laboratory, Leaves
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import Observation

MOST_ROUNDS = 60
# So many leaves that may have made a render fail are all left out, without asking which of them it was.
FEW = 4
_DOTTED = re.compile(r"(?:\.Values\.)?[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)+")
_QUOTED = re.compile(r"['\"`]([A-Za-z_]\w*)['\"`]")
_PLACE = re.compile(r"(?P<source>[^\s():]+):(?P<line>\d+)")
LINES_BEFORE = 4
_TOKEN = re.compile(r"zq(\d{5})x|(?<!\d)(\d{5})(?!\d)", re.IGNORECASE)


@dataclass(frozen=True)
class Together:
    """What each set showed, without the leaves that had to be left out; of a set that fails all the same, nothing."""

    observed: tuple[tuple[frozenset[int], Observation], ...]
    left_out: frozenset[int]


def observe_together(laboratory: Laboratory, sets: t.Sequence[Leaves], rounds: int = MOST_ROUNDS) -> Together:
    """Each set of leaves changed in a render of its own. Leaves that seem to break rendering are left out of all, in
    so many ``rounds`` at most."""
    wanted = [frozenset(leaves) - laboratory.broken.keys() for leaves in sets]
    found: dict[int, tuple[frozenset[int], Observation]] = {}
    left_out: frozenset[int] = frozenset()
    fine: frozenset[int] = frozenset()
    for _ in range(rounds):
        waiting = [number for number in range(len(wanted)) if number not in found]
        tried = {number: wanted[number] - left_out for number in waiting}
        observed = dict(zip(tried, laboratory.observe_all([*tried.values()]), strict=True))
        found |= {n: (tried[n], each) for n, each in observed.items() if not each.error}
        fine = fine.union(*(tried[n] for n in observed if n in found))
        failed = [
            (tried[n], f"{each.error}\n{each.invalid}") for n, each in observed.items() if each.error and tried[n]
        ]
        if not failed:
            break
        left_out |= _suspects(laboratory, failed, fine, left_out)
    return Together(tuple(found[number] for number in sorted(found)), left_out)


def _suspects(
    laboratory: Laboratory, failed: list[tuple[frozenset[int], str]], fine: frozenset[int], left_out: frozenset[int]
) -> frozenset[int]:
    """Leaves of the sets that failed, by Helm's message, or else by what has not been seen to render."""
    found: frozenset[int] = frozenset()
    for leaves, error in failed:
        found |= suspects_of(laboratory, leaves, error)
    if found:
        # Where a second one of a kind fails, all of them probably do.
        kinds = [kind for kind in map(laboratory.alike, found) if kind & left_out]
        everybody = frozenset().union(*(leaves for leaves, _ in failed))
        return found | (everybody & frozenset().union(*kinds))
    strange = functools.reduce(operator.and_, (leaves for leaves, _ in failed)) - fine
    if 0 < len(strange) <= FEW:
        return strange
    leaves = failed[0][0]
    unproved = leaves - fine or leaves
    return frozenset({_culprit(laboratory, unproved, leaves - unproved)})


def _culprit(laboratory: Laboratory, leaves: frozenset[int], kept: frozenset[int]) -> int:
    """A leaf that breaks what renders without it, found by halving. What is known to render is kept changed, so that a
    failure for which two leaves are needed is found just the same."""
    while len(leaves) > 1:
        ordered = sorted(leaves)
        half = frozenset(ordered[: len(ordered) // 2])
        if laboratory.observe_all([kept | half])[0].error:
            leaves = half
        else:
            kept, leaves = kept | half, leaves - half
    (culprit,) = leaves
    return culprit


def suspects_of(laboratory: Laboratory, leaves: frozenset[int], error: str) -> frozenset[int]:
    """Leaves whose token or path is in Helm's message; or that are mentioned where it failed; or neighbours of a path
    in the message: the first of these that are not too many."""
    near = _words_near(laboratory, error)
    numbers = {match[1] or match[2] for match in _TOKEN.finditer(error)}
    paths = {tuple(match[0].removeprefix(".Values.").split(".")) for match in _DOTTED.finditer(error)}
    paths |= {(match[1],) for match in _QUOTED.finditer(error)}
    own = {leaf: tuple(_words(laboratory.perturbed[leaf].path)) for leaf in leaves}
    ways: tuple[t.Callable[[int], bool], ...] = (
        lambda leaf: laboratory.perturbed[leaf].number in numbers or own[leaf] in paths,
        lambda leaf: any(own[leaf][-len(path) :] == path for path in paths),
        lambda leaf: near.issuperset(own[leaf]),
        lambda leaf: any(own[leaf][: len(path) - 1] == path[:-1] for path in paths),
    )
    for way in ways:
        found = frozenset(leaf for leaf in leaves if way(leaf))
        if 0 < len(found) <= FEW:
            return found
    return frozenset()


def _words_near(laboratory: Laboratory, error: str) -> set[str]:
    """The words where rendering failed, and of the few lines before: what was asked there."""
    templates = laboratory.renderer.chart.all_templates()
    found: set[str] = set()
    for match in _PLACE.finditer(error):
        if match["source"] in templates:
            end = int(match["line"])
            lines = templates[match["source"]].text.splitlines()[max(0, end - LINES_BEFORE) : end]
            found = set(re.findall(r"\w+", "\n".join(lines)))
    return found


def _words(path: ValuePath) -> list[str]:
    return [part for part in path if isinstance(part, str)]
