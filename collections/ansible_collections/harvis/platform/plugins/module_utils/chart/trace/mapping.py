"""``Mapping``: the steps by which the leaves' effects are found."""

from __future__ import annotations

import collections
import functools
import operator
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.compare import Key
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.evidence import Evidence
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.failures import render_together
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.grouping import Files, first_groups, one_group
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.laboratory import Laboratory
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import Observation
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.region import Region
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.settle import Group, Settled, Settling

# Rounds of looking again: each takes up what was hidden by what the round before found.
MOST_ROUNDS = 5
# So many leaves that most templates mention are tried one by one, before their changes of every object blur the rest.
MOST_WIDE = 8
# Neighbours in values are often read together (`if and .user .password`); each is tried without the next three.
APART = 4
# Text that Helm renders in about five seconds.
SMALL = 10 * 1024 * 1024


@dataclass(frozen=True)
class Kind:
    """Leaves that were changed in one render, what that changed beside the fields of their tokens, and the tokens in
    what it changed."""

    leaves: frozenset[int]
    changed: frozenset[Key]
    shown: t.Mapping[int, frozenset[Key]]


class Mapping:
    """``found`` grows from step to step. ``small`` is how much text may be rendered to try leaves one by one."""

    def __init__(
        self,
        laboratory: Laboratory,
        files: Files,
        rivals: t.Mapping[int, frozenset[int]],
        small: int,
    ) -> None:
        self.laboratory, self.files, self._rivals, self.small = laboratory, files, rivals, small
        self.found = Settled()
        self.lost: list[int] = []
        possible: dict[str, int] = collections.defaultdict(int)
        for leaf, sources in files.items():
            for source in sources:
                possible[source] |= 1 << leaf
        self._evidence = laboratory.evidence = Evidence(possible)
        self._own: dict[int, set[Key]] = {}
        self._settled_alone: set[int] = set()

    def dead(self) -> list[int]:
        """Leaves without any effect so far."""
        gone = self.laboratory.broken.keys() | set(self.lost)
        every = (each.index for each in self.laboratory.perturbed)
        return [index for index in every if not self.found.effects.get(index) and index not in gone]

    def settle_everything(self) -> None:
        """First all leaves of a kind at once.

        Where a field is as before but for the tokens in it, these are its leaves. What else changed compares, counts or
        switches: a token in it says whose it probably is, and the rest is settled by group testing. Afterwards what a
        kind has changed together must be what its leaves change one by one; what is not is settled again.
        """
        if self._is_small():
            self._settle_one_by_one()
            return
        self._settle_wide()
        kinds = [self._together(leaves) for leaves in self._kinds() if leaves]
        quiet = frozenset().union(*(kind.leaves for kind in kinds[:1] if not kind.changed))
        self._settle([group for kind in kinds for group in self._groups(kind)], quiet)
        self._keep_traces(kinds)
        for _ in range(MOST_ROUNDS):
            before = {leaf: frozenset(keys) for leaf, keys in self.found.effects.items()}
            for kind in kinds:
                self._settle_rest(kind)
            self._confirm()
            if before == self.found.effects:
                break

    def look_again_at_the_dead(self) -> None:
        """All leaves without an effect are changed at once. One may have been hidden by another one's change."""
        for _ in range(MOST_ROUNDS):
            dead = [leaf for leaf in self.dead() if leaf not in self._settled_alone]
            if not self._settle(one_group(dead, self.files, self._region_of_files)):
                return

    def _is_small(self) -> bool:
        """Whether all leaves can be tried one by one, many in one run of Helm."""
        return len(self.laboratory.perturbed) * self.laboratory.observer.size <= self.small

    def _settle_one_by_one(self) -> None:
        """Plain leaves together, as far as their tokens say everything; all others by themselves."""
        plain = self._together(self._kinds()[0])
        sources = {key[0] for key in plain.changed}
        suspects = {leaf for leaf in plain.leaves if self.files[leaf] & sources}
        suspects |= {each.index for each in self.laboratory.perturbed if each.switch}
        observed = self.laboratory.observe_each(sorted(suspects - self._settled_alone))
        for leaf, observation in observed.items():
            keys = observation.changed | {key for _, key in observation.traced}
            self.found.effects.setdefault(leaf, set()).update(keys)
        self._settled_alone |= suspects
        rest = plain.leaves - suspects
        if plain.changed and rest:
            traced = render_together(self.laboratory, rest)[0].traced
        else:
            traced = frozenset((leaf, key) for leaf in rest for key in self._own.get(leaf, ()))
        for leaf, key in traced:
            self.found.effects.setdefault(leaf, set()).add(key)

    def _settle_wide(self) -> None:
        sources = {document.source for document in self.laboratory.observer.documents}
        wide = [
            each.index
            for each in self.laboratory.perturbed
            if each.base == "" and 2 * len(self.files[each.index] & sources) > len(sources) > 3
        ]
        if len(wide) <= MOST_WIDE:
            self._settle([self._alone(leaf) for leaf in wide])
            self._settled_alone.update(wide)

    def _kinds(self) -> list[frozenset[int]]:
        """Plain leaves; those that open something and have a token, or have none; those that close something."""
        every = [each for each in self.laboratory.perturbed if each.index not in self._settled_alone]
        opening = [each for each in every if each.switch and each.opens]
        return [
            frozenset(each.index for each in every if not each.switch),
            frozenset(each.index for each in opening if each.has_token),
            frozenset(each.index for each in opening if not each.has_token),
            frozenset(each.index for each in every if each.switch and not each.opens),
        ]

    def _together(self, leaves: frozenset[int]) -> Kind:
        observation, left_out = render_together(self.laboratory, leaves)
        leaves -= left_out
        if observation.error:
            self.lost += sorted(leaves - self.laboratory.broken.keys())
            leaves = frozenset()
        for leaf, key in observation.traced:
            self._own.setdefault(leaf, set()).add(key)
        lonely = left_out - self.laboratory.broken.keys()
        self._settle([self._alone(leaf) for leaf in sorted(lonely)])
        self._settled_alone |= lonely
        return Kind(leaves, observation.changed, _shown(observation, leaves))

    def _groups(self, kind: Kind) -> list[Group]:
        """A leaf whose token stands in something new is a group by itself; the others share what shows no token."""
        shown = sorted(kind.shown)
        groups = [
            Group((leaf,), self._region(kind.shown[leaf], [leaf]), self.files[leaf], kind.shown[leaf], number % APART)
            for number, leaf in enumerate(shown)
        ]
        unexplained = kind.changed.difference(*kind.shown.values())
        if not unexplained:
            return groups
        sources = {key[0] for key in unexplained}
        rest = sorted(leaf for leaf in kind.leaves - kind.shown.keys() if self.files[leaf] & sources)
        return groups + self._unexplained_groups(rest, unexplained)

    def _unexplained_groups(self, leaves: t.Sequence[int], unexplained: frozenset[Key]) -> list[Group]:
        """Leaves whose token was seen nowhere are the likelier ones, and fewer: they are grouped by themselves."""

        def region_of(part: t.Sequence[int]) -> Region:
            files = frozenset().union(*(self.files[leaf] for leaf in part))
            return self._region((key for key in unexplained if key[0] in files), part)

        quiet = [self.laboratory.perturbed[leaf] for leaf in leaves if leaf not in self._own]
        traced = [self.laboratory.perturbed[leaf] for leaf in leaves if leaf in self._own]
        return first_groups(quiet, self.files, region_of) + one_group(
            [each.index for each in traced], self.files, region_of
        )

    def _keep_traces(self, kinds: t.Sequence[Kind]) -> None:
        """The tokens of leaves that do nothing else, seen where nothing else happens."""
        quiet = frozenset(leaf for kind in kinds for leaf in kind.leaves if leaf in self._own)
        quiet -= {leaf for leaf in quiet if self._does_more(leaf)}
        if not any(kind.changed for kind in kinds if kind.leaves & quiet) and len(kinds) == 1:
            for leaf in quiet:
                self.found.effects.setdefault(leaf, set()).update(self._own[leaf])
            return
        for _ in range(MOST_ROUNDS):
            observation, left_out = render_together(self.laboratory, quiet)
            quiet -= left_out
            if not observation.changed:
                break
            more = self._settle(self._unexplained_groups(sorted(quiet), observation.changed))
            if not more:
                break
            quiet -= more
        for leaf, key in observation.traced:
            if leaf in quiet:
                self.found.effects.setdefault(leaf, set()).add(key)

    def _settle_rest(self, kind: Kind) -> None:
        explained = Region(key for leaf in kind.leaves for key in self.found.effects.get(leaf, ()))
        rest = frozenset(key for key in kind.changed if not explained.covers(key))
        if rest:
            sources = {key[0] for key in rest}
            leaves = sorted(leaf for leaf in kind.leaves if self.files[leaf] & sources)
            self._settle(self._unexplained_groups(leaves, rest))

    def _confirm(self) -> None:
        """Claims that another leaf of the same renders could have as well are tried again, apart from that leaf."""
        for _ in range(MOST_ROUNDS):
            doubtful: dict[int, dict[Key, int]] = collections.defaultdict(dict)
            candidates: dict[Key, int] = {}
            for leaf, keys in self.found.effects.items():
                for key in keys - self._own.get(leaf, set()) - self.found.sure.get(leaf, set()):
                    if key not in candidates:
                        candidates[key] = self._evidence.candidates(key)
                    if not self._evidence.is_proved(leaf, key, candidates[key]):
                        doubtful[leaf][key] = candidates[key]
            if not doubtful:
                return
            self._try_apart(doubtful)

    def _try_apart(self, doubtful: t.Mapping[int, t.Mapping[Key, int]]) -> None:
        batches: list[list[int]] = []
        rivals = {leaf: functools.reduce(operator.or_, keys.values()) for leaf, keys in doubtful.items()}
        for leaf in sorted(doubtful):
            for batch in batches:
                if not any(rivals[leaf] >> other & 1 or rivals[other] >> leaf & 1 for other in batch):
                    batch.append(leaf)
                    break
            else:
                batches.append([leaf])
        for batch, observation in zip(batches, self.laboratory.observe_all(batches), strict=True):
            for leaf in batch:
                here = Region(observation.changed | {key for other, key in observation.traced if other == leaf})
                self.found.effects[leaf] -= {key for key in doubtful[leaf] if not here.covers(key)}
                if len(batch) == 1:
                    self.found.effects[leaf] |= here.keys
                    self.found.sure.setdefault(leaf, set()).update(here.keys)

    def _does_more(self, leaf: int) -> bool:
        """It changes a field in which its token is not all that is new."""
        return bool(self.found.effects.get(leaf, set()) - self._own.get(leaf, set()))

    def _alone(self, leaf: int) -> Group:
        return Group((leaf,), Region(()), self.files[leaf], alone=True)

    def _region(self, keys: t.Iterable[Key], leaves: t.Iterable[int]) -> Region:
        return Region({*keys}.union(*(self._own.get(leaf, ()) for leaf in leaves)))

    def _region_of_files(self, leaves: t.Sequence[int]) -> Region:
        return Region((file,) for leaf in leaves for file in self.files[leaf])

    def _settle(self, groups: list[Group], ride: frozenset[int] = frozenset()) -> set[int]:
        """Settle and keep; the leaves that do more than show their token."""
        found = Settling(self.laboratory, ride, self._own, self._rivals).run(groups)
        for leaf, keys in found.effects.items():
            self.found.effects.setdefault(leaf, set()).update(keys)
        for leaf, traces in found.added.items():
            self.found.added.setdefault(leaf, set()).update(traces)
        for leaf, keys in found.sure.items():
            self.found.sure.setdefault(leaf, set()).update(keys)
        return {leaf for leaf in found.effects if self._does_more(leaf)}


def _shown(observation: Observation, leaves: frozenset[int]) -> dict[int, frozenset[Key]]:
    """For each leaf what changed and has its token in it, and what went when that came in the same place."""
    changed = observation.changed
    shown: dict[int, set[Key]] = collections.defaultdict(set)
    places: dict[Key, set[int]] = collections.defaultdict(set)
    for leaf, key in observation.added:
        held = next((key[:depth] for depth in range(len(key), 1, -1) if key[:depth] in changed), None)
        if held is not None and leaf in leaves:
            shown[leaf].add(held)
            places[held[:-1]].add(leaf)
    for key in changed.difference(*shown.values()):
        if len(key) > 2 and len(places.get(key[:-1], ())) == 1:
            (leaf,) = places[key[:-1]]
            shown[leaf].add(key)
    return {leaf: frozenset(keys) for leaf, keys in shown.items()}
