"""``Laboratory``: renders sets of changed leaves and remembers what every single render taught."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Rendered, Renderer
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.copies import Copies
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.evidence import Evidence
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import Observation, Observer
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.perturb import Perturbation

Leaves = t.Collection[int]
LARGEST_GROWTH = 10
LARGEST_TOKENS = 2 * 1024 * 1024


@dataclass
class Laboratory:
    """``tried`` says how many of a leaf's values have made rendering fail; a leaf with none left is ``broken``."""

    renderer: Renderer | Copies
    observer: Observer
    perturbed: list[Perturbation]
    tried: dict[int, int] = field(default_factory=dict)
    broken: dict[int, str] = field(default_factory=dict)
    # Leaves that are like one that broke rendering, and have not been tried by themselves yet.
    suspected: set[int] = field(default_factory=set)
    evidence: Evidence | None = None

    def changes(self, leaves: Leaves) -> dict[ValuePath, t.Any]:
        return {self.perturbed[leaf].path: self.value(leaf) for leaf in sorted(leaves) if leaf not in self.broken}

    def value(self, leaf: int) -> t.Any:
        """What the leaf is changed to."""
        values = self.perturbed[leaf].values
        return values[min(self.tried.get(leaf, 0), len(values) - 1)]

    def render_changes(self, changes: t.Sequence[t.Mapping[ValuePath, t.Any]]) -> list[Rendered]:
        return [self._bounded(each) for each in self.renderer.render_all(changes)]

    def observe_changes(self, changes: t.Sequence[t.Mapping[ValuePath, t.Any]]) -> list[Observation]:
        """One observation for each set of values, which need not be the leaves' own ones."""
        return [self.observer.observe(each, single=False) for each in self.render_changes(changes)]

    def observe_all(self, sets: t.Sequence[Leaves]) -> list[Observation]:
        """One observation for each set of changed leaves."""
        rendered = self.render_changes([self.changes(leaves) for leaves in sets])
        observed = [
            self.observer.observe(each, single=len(leaves) == 1) for leaves, each in zip(sets, rendered, strict=True)
        ]
        if self.evidence:
            for leaves, observation in zip(sets, observed, strict=True):
                self.evidence.add((leaf for leaf in leaves if leaf not in self.broken), observation)
        return observed

    def _bounded(self, rendered: Rendered) -> Rendered:
        """A number that says how often something is repeated makes endless text: that counts as a failure."""
        if rendered.size < LARGEST_GROWTH * self.observer.size + LARGEST_TOKENS:
            return rendered
        return Rendered("", f"the rendered text grows to {rendered.size >> 20} MiB")

    def observe_each(self, leaves: t.Iterable[int]) -> dict[int, Observation]:
        """Every leaf changed alone, with the first of its values that renders; without those that have none."""
        found: dict[int, Observation] = {}
        waiting = [leaf for leaf in leaves if leaf not in self.broken]
        while waiting:
            observed = dict(zip(waiting, self.observe_all([(leaf,) for leaf in waiting]), strict=True))
            found |= {leaf: each for leaf, each in observed.items() if not each.error}
            waiting = [leaf for leaf, each in observed.items() if each.error and self.reject(leaf, each.error)]
        return found

    def reject(self, leaf: int, error: str) -> bool:
        """The leaf's value breaks rendering: take its next one, or give the leaf up. True when there is a next one."""
        self.tried[leaf] = self.tried.get(leaf, 0) + 1
        if self.tried[leaf] < len(self.perturbed[leaf].values):
            return True
        self.broken[leaf] = error
        self.suspected |= {each.index for each in self.perturbed if _alike(each, self.perturbed[leaf])}
        self.suspected -= self.broken.keys()
        return False


def _alike(one: Perturbation, other: Perturbation) -> bool:
    """The same setting of two neighbours: their paths differ in one part that is not the last."""
    if len(one.path) != len(other.path) or one.path[-1] != other.path[-1] or one.base != other.base:
        return False
    return sum(mine != theirs for mine, theirs in zip(one.path, other.path, strict=True)) == 1
