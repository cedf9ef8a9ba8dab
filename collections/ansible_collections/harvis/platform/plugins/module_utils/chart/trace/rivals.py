"""Which leaves should not be changed in one render, because one can hide what the other does."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.files import Chart
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.hints import read_together
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.perturb import Perturbation

# Settings of one block (`service.type`, `service.nodePort`); larger blocks are lists of unrelated ones.
MOST_SIBLINGS = 8


def rivals_of(chart: Chart, perturbed: t.Sequence[Perturbation]) -> dict[int, frozenset[int]]:
    """For each leaf those that an action reads beside it, and its siblings in a small block."""
    index = {each.path: each.index for each in perturbed}
    found: dict[int, set[int]] = {}
    for leaf, others in read_together(chart, index).items():
        found.setdefault(index[leaf], set()).update(index[other] for other in others)
    blocks: dict[ValuePath, list[int]] = {}
    for each in perturbed:
        blocks.setdefault(each.path[:-1], []).append(each.index)
    for parent, block in blocks.items():
        if parent and len(block) <= MOST_SIBLINGS:
            for leaf in block:
                found.setdefault(leaf, set()).update(other for other in block if other != leaf)
    return {leaf: frozenset(others) for leaf, others in found.items()}
