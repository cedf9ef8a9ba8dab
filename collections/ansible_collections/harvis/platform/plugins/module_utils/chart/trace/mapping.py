"""``Mapping``: the steps by which the leaves' effects are found."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.code import code, colouring
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.compare import Key
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.doubts import Doubts
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.evidence import Evidence, words_of
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.failures import observe_together
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.laboratory import Laboratory
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import Observation
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.perturb import Perturbation

Files = t.Mapping[int, frozenset[str]]
# Rounds of trying again what is doubtful: each one takes most of what the one before left.
MOST_ROUNDS = 6
# What charts call the values that give all their objects another name; nothing can be recognised beside them.
RENAMING = ("nameOverride", "fullnameOverride", "namespaceOverride")


class Mapping:
    """What is known of the leaves' effects; it grows with every render.

    ``files`` are the templates (Helm's names) that mention a leaf. ``seen`` are the renders in which many leaves were
    changed.
    """

    def __init__(self, laboratory: Laboratory, files: Files) -> None:
        self.laboratory, self.files = laboratory, files
        possible: dict[str, list[int]] = {}
        for leaf, sources in files.items():
            for source in sources:
                possible.setdefault(source, []).append(leaf)
        self.evidence = Evidence(possible, {each.index: words_of(each.path) for each in laboratory.perturbed})
        self.seen: list[tuple[frozenset[int], Observation]] = []
        self._traced: dict[int, set[Key]] = {}
        # What opens something, as far as it can be rendered together.
        self.together: frozenset[int] = frozenset()

    def map_everything(self) -> None:
        """First all plain leaves at once: where a field is as before but for the tokens in it, these are its leaves.

        Plain leaves of templates in which more has changed, and those that open something, are told apart by a code.
        Those that close something are few, and take so much away that each is changed alone.
        """
        every = self.laboratory.perturbed
        plain = frozenset(each.index for each in every if not each.switch)
        self.observe([plain])
        suspects = self._suspects(plain)
        quiet = plain - suspects - self._traced.keys()
        opening = frozenset(each.index for each in every if each.switch and each.opens)
        self.observe_alone(sorted(leaf for leaf in opening if renames(every[leaf])))
        self.observe([self._open(quiet | opening)])
        self.together = self.seen[-1][0] if self.seen else frozenset()
        self.observe_coded(self._open(suspects | opening), quiet)
        self.observe_alone([each.index for each in every if each.switch and not each.opens])
        self.settle_doubts()

    def settle_doubts(self, rounds: int = MOST_ROUNDS) -> None:
        doubts = Doubts(self.evidence)
        for _ in range(rounds):
            alone, sets = doubts.next_renders(self.effects, [observation for _, observation in self.seen])
            if not alone and not sets:
                break
            self.observe_alone(alone)
            self.observe(sets)

    @property
    def effects(self) -> dict[int, frozenset[Key]]:
        """What is known of each leaf by now."""
        proved = self.evidence.explain().proved
        found = {leaf: frozenset(keys | proved.get(leaf, set())) for leaf, keys in self._traced.items()}
        found |= {leaf: frozenset(keys) for leaf, keys in proved.items() if leaf not in found}
        return found | self.evidence.alone

    def observe_coded(self, leaves: frozenset[int], riding: frozenset[int] = frozenset()) -> None:
        """The leaves by a code, with ``riding`` ones changed in every render."""
        mentioned = [leaf for leaf in sorted(leaves) if self.files[leaf]]
        self.observe([each | riding for each in code(mentioned, self.files)])

    def observe(self, sets: t.Sequence[frozenset[int]]) -> None:
        """A render for each set of leaves; those that break rendering are left out, and changed alone."""
        together = observe_together(self.laboratory, [each for each in sets if each])
        for leaves, observation in together.observed:
            self.seen.append((leaves, observation))
            self.evidence.add(leaves, observation)
            if len(leaves) == 1:
                self.evidence.alone |= dict.fromkeys(leaves, _keys(observation))
            for leaf, key in observation.traced:
                self._traced.setdefault(leaf, set()).add(key)
        self.observe_alone(sorted(together.left_out))

    def observe_alone(self, leaves: t.Sequence[int]) -> None:
        """Leaves changed one by one; in one render, where no template mentions two of them."""
        batches: dict[int, list[int]] = {}
        for leaf, colour in colouring(leaves, {leaf: self.files[leaf] or {leaf} for leaf in leaves}).items():
            batches.setdefault(colour, []).append(leaf)
        lonely = [batch[0] for batch in batches.values() if len(batch) == 1]
        together = [batch for batch in batches.values() if len(batch) > 1]
        for batch, observation in zip(together, self.laboratory.observe_all(together), strict=True):
            if self._can_be_told_apart(batch, observation):
                for leaf in batch:
                    own = (key for key in _keys(observation) if key[0] in self.files[leaf])
                    self.evidence.alone[leaf] = frozenset(own)
            else:
                lonely += batch
        for leaf, observation in self.laboratory.observe_each(sorted(lonely)).items():
            self.evidence.alone[leaf] = _keys(observation)
        self.evidence.broken |= self.laboratory.broken.keys()

    def _can_be_told_apart(self, batch: list[int], observation: Observation) -> bool:
        sources = frozenset().union(*(self.files[leaf] for leaf in batch))
        expected = all(key[0] in sources for key in _keys(observation))
        return expected and not observation.error and not observation.renamed

    def _suspects(self, plain: frozenset[int]) -> frozenset[int]:
        """Plain leaves that may do more than show their token: they share a template with what changed otherwise."""
        sources = {key[0] for _, observation in self.seen for key in observation.changed}
        return frozenset(leaf for leaf in plain if self.files[leaf] & sources)

    def _open(self, leaves: frozenset[int]) -> frozenset[int]:
        """Those of which nothing is known for certain yet."""
        return leaves - self.evidence.alone.keys() - self.evidence.broken


def renames(leaf: Perturbation) -> bool:
    return leaf.path[-1] in RENAMING


def _keys(observation: Observation) -> frozenset[Key]:
    return observation.changed | {key for _, key in observation.traced}
