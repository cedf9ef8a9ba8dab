"""Finding the leaves whose change makes rendering fail, among many that were changed at once."""

from __future__ import annotations

import re

from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.laboratory import Laboratory, Leaves
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import Observation

MOST_ROUNDS = 200
# So many leaves that Helm's message points at are left out without asking which of them it is.
FEW = 4
_DOTTED = re.compile(r"(?:\.Values\.)?[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)+")
_TOKEN = re.compile(r"zq(\d{5})x|(?<!\d)(\d{5})(?!\d)", re.IGNORECASE)


def render_together(laboratory: Laboratory, leaves: Leaves) -> tuple[Observation, frozenset[int]]:
    """The leaves changed in one render that works, and those of them that are left out of it.

    A leaf that breaks rendering by itself gets its next value, and is given up when it has none left. Leaves that fail
    only together are left out one at a time, and are not broken; so are those that are only suspected, because Helm's
    message names them or because they are like one that is broken.
    """
    active = frozenset(leaves) - laboratory.broken.keys()
    left_out: set[int] = set()
    for _ in range(MOST_ROUNDS):
        left_out |= (active & laboratory.suspected) if len(active) > 1 else set()
        observation = laboratory.observe_all([active - left_out])[0]
        if not observation.error:
            return observation, frozenset(left_out)
        suspects = suspects_of(laboratory, active - left_out, observation.error)
        if 0 < len(suspects) <= FEW and suspects < active - left_out:
            left_out |= suspects
            continue
        culprit, error, alone = _culprit(laboratory, active - left_out, observation.error)
        if not alone or not laboratory.reject(culprit, error):
            left_out.add(culprit)
    return Observation(frozenset(), frozenset(), frozenset(), "too many leaves break rendering"), active


def _culprit(laboratory: Laboratory, leaves: frozenset[int], error: str) -> tuple[int, str, bool]:
    """A leaf that breaks what renders without it, Helm's message, and whether it does so by itself.

    Found by halving. What is known to render is kept changed, so that a failure for which two leaves are needed is
    found
    just the same.
    """
    kept: frozenset[int] = frozenset()
    while len(leaves) > 1:
        ordered = sorted(leaves)
        half = frozenset(ordered[: len(ordered) // 2])
        observed = laboratory.observe_all([kept | half])[0]
        if observed.error:
            leaves, error = half, observed.error
        else:
            kept, leaves = kept | half, leaves - half
    (culprit,) = leaves
    if not kept:
        return culprit, error, True
    alone = laboratory.observe_all([leaves])[0]
    return culprit, alone.error or error, bool(alone.error)


def suspects_of(laboratory: Laboratory, leaves: frozenset[int], error: str) -> frozenset[int]:
    """Leaves whose token or path is in Helm's message, or else the neighbours of a path in it."""
    numbers = {match[1] or match[2] for match in _TOKEN.finditer(error)}
    paths = [tuple(match[0].removeprefix(".Values.").split(".")) for match in _DOTTED.finditer(error)]
    named: dict[bool, set[int]] = {True: set(), False: set()}
    for index in leaves:
        each = laboratory.perturbed[index]
        own = tuple(part for part in each.path if isinstance(part, str))
        if each.number in numbers or any(own[-len(path) :] == path for path in paths):
            named[True].add(index)
        elif any(own[: len(path) - 1] == path[:-1] for path in paths):
            named[False].add(index)
    return frozenset(named[True] or named[False])
