"""The groups with which group testing begins: leaves that the same templates mention."""

from __future__ import annotations

import math
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.perturb import Perturbation
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.region import Region
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.settle import Group, batches

Files = t.Mapping[int, frozenset[str]]
RegionOf = t.Callable[[t.Sequence[int]], Region]


def first_groups(leaves: t.Sequence[Perturbation], files: Files, region_of: RegionOf) -> list[Group]:
    """The way of grouping that promises the fewest renders: by templates, each class in 1, 2 or 4 parts or leaf by
    leaf,
    or all leaves in their order in 2 or 4 parts."""
    classes: dict[frozenset[str], list[int]] = {}
    for each in leaves:
        classes.setdefault(files[each.index], []).append(each.index)
    everything = [[each.index for each in leaves]] if leaves else []
    ways = [_parts([*classes.values()], files, region_of, parts) for parts in (1, 2, 4, len(leaves))]
    ways += [_parts(everything, files, region_of, parts) for parts in (2, 4)]
    return min(ways, key=_expected_renders)


def one_group(leaves: t.Sequence[int], files: Files, region_of: RegionOf) -> list[Group]:
    """For leaves of which few are expected to do anything."""
    return _parts([list(leaves)] if leaves else [], files, region_of, 1)


def _parts(classes: list[list[int]], files: Files, region_of: RegionOf, parts: int) -> list[Group]:
    found = []
    for leaves in classes:
        size = math.ceil(len(leaves) / parts)
        for start in range(0, len(leaves), size):
            part = tuple(leaves[start : start + size])
            found.append(Group(part, region_of(part), frozenset().union(*(files[leaf] for leaf in part))))
    return found


def _expected_renders(groups: list[Group]) -> int:
    if not groups:
        return 0
    return len(batches(groups)) + 2 * math.ceil(math.log2(max(len(group.leaves) for group in groups)))
