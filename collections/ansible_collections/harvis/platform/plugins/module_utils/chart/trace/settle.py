"""Group testing: which of many leaves changes which part of the objects.

Groups of leaves whose parts of the objects do not meet are changed in one render. What is seen in a group's part is the
group's; groups with an effect are halved, those without are done. The renders of one round run side by side, and a
round
costs about two of them however many groups there are: n leaves need about 2 log2 n.
"""

from __future__ import annotations

import dataclasses
import types
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.compare import Key
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.failures import render_together
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.laboratory import Laboratory
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import Observation, Trace
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.region import Region

Rivals = t.Mapping[int, frozenset[int]]
EMPTY: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Group:
    """Leaves with the region in which their effects must lie. ``files`` are the templates that mention any of them.

    ``expected`` keys are those that a single leaf's token has shown; when they do not come, another leaf of the render
    has kept them from coming. ``apart`` groups of different numbers do not share a render, ``alone`` ones with nobody.
    """

    leaves: tuple[int, ...]
    region: Region
    files: frozenset[str]
    expected: frozenset[Key] = frozenset()
    apart: int | None = None
    alone: bool = False


@dataclass
class Settled:
    """``effects`` by leaf, and those of them that are ``sure``: its token says so, or it was changed alone.
    ``added`` are
    the tokens of other leaves that came to light when a leaf was changed."""

    effects: dict[int, set[Key]] = field(default_factory=dict)
    sure: dict[int, set[Key]] = field(default_factory=dict)
    added: dict[int, set[Trace]] = field(default_factory=dict)


class Settling:
    """One run of group testing.

    ``ride`` are leaves that are changed in every render, known to have plain traces only. ``own`` are the fields in
    which
    a leaf's token was seen before, part of its region though they need no settling. ``rivals`` of a leaf are not
    changed
    beside it, when it is a group by itself.
    """

    def __init__(
        self,
        laboratory: Laboratory,
        ride: frozenset[int] = frozenset(),
        own: t.Mapping[int, t.Collection[Key]] = types.MappingProxyType({}),
        rivals: Rivals = types.MappingProxyType({}),
    ) -> None:
        self._laboratory, self._ride, self._own, self._rivals = laboratory, ride, own, rivals
        self.found = Settled()

    def run(self, groups: t.Iterable[Group]) -> Settled:
        waiting = [group for group in groups if group.leaves]
        while waiting:
            together = batches(waiting, self._rivals)
            rides = [EMPTY if batch[0].alone else self._ride for batch in together]
            sets = [ride.union(*(g.leaves for g in batch)) for ride, batch in zip(rides, together, strict=True)]
            waiting = []
            for batch, observation in zip(together, self._laboratory.observe_all(sets), strict=True):
                learn = self._failed if observation.error else self._learn
                waiting += learn(batch, observation)
        return self.found

    def _learn(self, batch: list[Group], observation: Observation) -> t.Iterator[Group]:
        mine: list[set[Key]] = [set() for _ in batch]
        traces = [{trace for trace in observation.traced if trace[0] in group.leaves} for group in batch]
        surprised: set[int] = set()
        for key in observation.changed:
            owners = [i for i, group in enumerate(batch) if group.region.touches(key)]
            if not owners:
                owners = self._guess(key, batch)
                surprised.update(owners if len(batch) > 1 else ())
            for index in owners:
                mine[index].add(key)
        for index, group in enumerate(batch):
            again = len(batch) > 1 and (not group.expected <= mine[index] or mine[index] & observation.renamed)
            if again and len(group.leaves) == 1:
                yield Group(group.leaves, group.region, group.files, alone=True)
            elif not mine[index]:
                self._keep(traces[index])
            elif len(group.leaves) > 1:
                yield from self._divide(group, mine[index] | {key for _, key in traces[index]})
            elif index in surprised:
                yield Group(group.leaves, Region(mine[index]), group.files, alone=True)
            else:
                self._keep(traces[index])
                self._settle(group.leaves[0], mine[index], observation)
                if group.alone:
                    self.found.sure.setdefault(group.leaves[0], set()).update(mine[index])

    def _guess(self, key: Key, batch: list[Group]) -> list[int]:
        """Who may have changed what nobody was expected to change: first those with a word of the key in a path."""
        mentioned = [index for index, group in enumerate(batch) if key[0] in group.files]
        words = set(key[2:])
        paths = self._laboratory.perturbed
        named = [i for i in mentioned if any(words.intersection(paths[leaf].path) for leaf in batch[i].leaves)]
        return named or mentioned or [*range(len(batch))]

    def _divide(self, group: Group, keys: set[Key]) -> t.Iterator[Group]:
        # Halving five and then the rest takes as many renders as one for each of them does.
        size = 1 if len(group.leaves) <= 5 else (len(group.leaves) + 1) // 2
        for start in range(0, len(group.leaves), size):
            part = group.leaves[start : start + size]
            own = (self._own.get(leaf, ()) for leaf in part)
            yield Group(part, Region(keys.union(*own)), group.files)

    def _keep(self, traces: set[Trace]) -> None:
        for leaf, key in traces:
            self.found.effects.setdefault(leaf, set()).add(key)
            self.found.sure.setdefault(leaf, set()).add(key)

    def _settle(self, leaf: int, keys: set[Key], observation: Observation) -> None:
        self.found.effects.setdefault(leaf, set()).update(keys)
        region = Region(keys)
        added = {trace for trace in observation.added if region.touches(trace[1])}
        self.found.added.setdefault(leaf, set()).update(added)

    def _failed(self, batch: list[Group], observation: Observation) -> list[Group]:
        """Rendering failed: find who breaks it, and learn from the rest of the batch without."""
        leaves = frozenset(leaf for group in batch for leaf in group.leaves)
        if len(leaves) == 1 and (batch[0].alone or not self._ride):
            (leaf,) = leaves
            return batch if self._laboratory.reject(leaf, observation.error) else []
        observation, left_out = render_together(self._laboratory, leaves | self._ride)
        if observation.error:
            return []
        self._ride -= left_out
        kept = [_without(group, left_out) for group in batch]
        # Left out though not broken: they fail only beside others, so they are tried by themselves.
        lonely = [
            Group((leaf,), group.region, group.files, alone=True)
            for group in batch
            for leaf in group.leaves
            if leaf in left_out and leaf not in self._laboratory.broken
        ]
        return [*self._learn([group for group in kept if group.leaves], observation), *lonely]


def _without(group: Group, left_out: frozenset[int]) -> Group:
    kept = tuple(leaf for leaf in group.leaves if leaf not in left_out)
    return dataclasses.replace(group, leaves=kept)


def batches(groups: list[Group], rivals: Rivals = types.MappingProxyType({})) -> list[list[Group]]:
    """Groups that may be changed together, as few batches as a greedy choice gives; the same every time."""
    batches: list[list[Group]] = []
    for group in sorted(groups, key=lambda each: (-len(each.region.keys), each.leaves)):
        for batch in batches:
            if not any(_conflict(group, other, rivals) for other in batch):
                batch.append(group)
                break
        else:
            batches.append([group])
    return batches


def _conflict(one: Group, other: Group, rivals: Rivals) -> bool:
    if one.alone or other.alone:
        return True
    both = ((one, other), (other, one))
    if one.apart is not None and other.apart is not None and one.apart != other.apart:
        return True
    if any(len(g.leaves) == 1 and not rivals.get(g.leaves[0], EMPTY).isdisjoint(o.leaves) for g, o in both):
        return True
    return one.region.meets(other.region)
