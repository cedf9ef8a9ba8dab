"""Waking leaves without an effect: they may have one when another leaf switches it on."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Guard
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.compare import Key
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.failures import suspects_of
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.grouping import Files
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.guards import GuardValue, apart
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.laboratory import Laboratory
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import (
    Observation,
    Observer,
    effect_of,
)
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.tokens import Tokens

# A guard may itself wait for a guard; deeper than this nobody nests.
MOST_ROUNDS = 3
# Leaves without a token are tried under so many guards, the nearest first.
MOST_GUARDS = 2
# After so many leaves that break rendering under a guard, the rest stays asleep.
MOST_WAVES = 6


def find_dormant(
    laboratory: Laboratory, files: Files, dead: t.Sequence[int], guards: t.Sequence[GuardValue]
) -> dict[int, Guard]:
    """The guard of each leaf in ``dead`` that one wakes. ``guards`` are the values worth trying."""
    waking = _Waking(laboratory, files, dead)
    for _ in range(MOST_ROUNDS):
        known = [guard for guard in guards if guard.leaf not in waking.asleep]
        before = len(waking.asleep)
        waking.by_tokens(known)
        waking.by_context(known)
        if len(waking.asleep) in (0, before):
            break
        # What is awake may be a guard itself, together with its own.
        guards = [*guards, *(waking.as_guard(leaf) for leaf in waking.dormant)]
        guards = list({(guard.leaf, str(guard.value)): guard for guard in guards}.values())
    return waking.dormant


class _Waking:
    def __init__(self, laboratory: Laboratory, files: Files, dead: t.Sequence[int]) -> None:
        self.laboratory, self.files = laboratory, files
        # What no template mentions can't be woken by any guard.
        self.asleep = {leaf for leaf in dead if files[leaf]}
        self.dormant: dict[int, Guard] = {}
        self._woken_by: dict[int, GuardValue] = {}
        self._tried: set[tuple[int, str]] = set()
        self._fragile: frozenset[int] = frozenset()

    def as_guard(self, leaf: int) -> GuardValue:
        return GuardValue(leaf, self.laboratory.value(leaf), self._woken_by.get(leaf))

    def by_tokens(self, guards: t.Sequence[GuardValue]) -> None:
        """Under each guard all sleeping leaves are changed at once; whose token comes to light is awake."""
        fresh = [guard for guard in guards if (guard.leaf, str(guard.value)) not in self._tried]
        self._tried |= {(guard.leaf, str(guard.value)) for guard in fresh}
        sleeping = frozenset(leaf for leaf in self.asleep if self.laboratory.perturbed[leaf].has_token) - self._fragile
        useful = [guard for guard in fresh if any(self.files[guard.leaf] & self.files[leaf] for leaf in sleeping)]
        seen: dict[int, list[tuple[int, int, GuardValue, set[Key]]]] = {}
        waiting = apart(useful, self.files)
        for _ in range(MOST_WAVES):
            leaves = sleeping - self._fragile
            if not waiting or not leaves:
                break
            observed = self.laboratory.observe_changes([self._changes(guards, leaves) for guards in waiting])
            failed: list[tuple[GuardValue, ...]] = []
            errors: list[str] = []
            for together, observation in zip(waiting, observed, strict=True):
                failed += [together] if observation.error else []
                errors += [observation.error] if observation.error else []
                for leaf, guard, keys in self._lit(together, leaves, observation):
                    seen.setdefault(leaf, []).append((self._distance(leaf, guard.leaf), guard.leaf, guard, keys))
            if failed:
                self._find_fragile(failed[0], leaves, errors[0])
            waiting = failed
        for leaf, found in sorted(seen.items()):
            _, _, guard, keys = min(found, key=lambda each: each[:2])
            self._wake(leaf, guard, keys)

    def by_context(self, guards: t.Sequence[GuardValue]) -> None:
        """A leaf without a token is changed under the nearest guards, and what it changes there is looked for."""
        for rank in range(MOST_GUARDS):
            pairs: list[tuple[GuardValue, int]] = []
            for leaf in sorted(self.asleep):
                near = [guard for guard in guards if self.files[guard.leaf] & self.files[leaf]]
                near.sort(key=lambda guard: (self._distance(leaf, guard.leaf), guard.leaf))
                by_itself = leaf in self._fragile or not self.laboratory.perturbed[leaf].has_token
                if by_itself and rank < len(near):
                    pairs.append((near[rank], leaf))
            self._try_pairs(pairs)

    def _try_pairs(self, pairs: t.Sequence[tuple[GuardValue, int]]) -> None:
        guards = list(dict.fromkeys(guard for guard, _ in pairs))
        contexts = self.laboratory.observe_changes([self._changes((guard,), frozenset()) for guard in guards])
        rendered = {guard: each.rendered for guard, each in zip(guards, contexts, strict=True) if not each.error}
        chosen = [(guard, leaf) for guard, leaf in pairs if rendered.get(guard) is not None]
        results = self.laboratory.render_changes([self._changes((g,), frozenset([leaf])) for g, leaf in chosen])
        tokens = Tokens(self.laboratory.perturbed)
        observers: dict[GuardValue, Observer] = {}
        for (guard, leaf), result in zip(chosen, results, strict=True):
            context = rendered[guard]
            if guard not in observers and context is not None:
                observers[guard] = Observer(context, tokens, self.laboratory.observer.namespace)
            seen = observers[guard].observe(result)
            keys = seen.changed | {key for _, key in seen.traced}
            if keys:
                self._wake(leaf, guard, set(keys))

    def _changes(self, guards: tuple[GuardValue, ...], leaves: frozenset[int]) -> dict[ValuePath, t.Any]:
        wanted: dict[ValuePath, t.Any] = self.laboratory.changes(leaves)
        for guard in guards:
            each: GuardValue | None = guard
            while each is not None:
                wanted[self.laboratory.perturbed[each.leaf].path] = each.value
                each = each.under
        return wanted

    def _find_fragile(self, guards: tuple[GuardValue, ...], leaves: frozenset[int], error: str) -> None:
        """The leaf that breaks rendering under these guards, by Helm's message or by halving: it is tried by itself."""
        named = suspects_of(self.laboratory, leaves, error)
        if named and named != leaves:
            self._fragile |= named
            return
        kept: frozenset[int] = frozenset()
        observed = self.laboratory.observe_changes([self._changes(guards, frozenset())])[0]
        if observed.error:  # the guards themselves
            self._tried |= {(guard.leaf, str(guard.value)) for guard in guards}
            return
        while len(leaves) > 1:
            ordered = sorted(leaves)
            half = frozenset(ordered[: len(ordered) // 2])
            if self.laboratory.observe_changes([self._changes(guards, kept | half)])[0].error:
                leaves = half
            else:
                kept, leaves = kept | half, leaves - half
        self._fragile |= leaves

    def _lit(
        self, guards: tuple[GuardValue, ...], leaves: frozenset[int], observation: Observation
    ) -> t.Iterator[tuple[int, GuardValue, set[Key]]]:
        """Each leaf whose token came to light, with the guard of that template."""
        found: dict[tuple[int, GuardValue], set[Key]] = {}
        for leaf, key in observation.traced | observation.added:
            owners = [guard for guard in guards if key[0] in self.files[guard.leaf]]
            if leaf in leaves and owners:
                found.setdefault((leaf, owners[0]), set()).add(key)
        for (leaf, guard), keys in found.items():
            yield leaf, guard, keys

    def _distance(self, leaf: int, guard: int) -> int:
        one, other = self.laboratory.perturbed[leaf].path, self.laboratory.perturbed[guard].path
        shared = 0
        while shared < min(len(one), len(other)) and one[shared] == other[shared]:
            shared += 1
        return len(one) + len(other) - 2 * shared

    def _wake(self, leaf: int, guard: GuardValue, keys: set[Key]) -> None:
        if leaf in self.asleep:
            path = self.laboratory.perturbed[guard.leaf].path
            self.dormant[leaf] = Guard(path, guard.value, frozenset(map(effect_of, keys)))
            self._woken_by[leaf] = guard
            self.asleep.discard(leaf)
