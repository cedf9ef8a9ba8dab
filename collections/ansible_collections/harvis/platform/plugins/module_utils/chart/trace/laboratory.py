"""``Laboratory``: renders sets of changed leaves and says what that changed."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Rendered, Renderer
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import Observation, Observer
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.perturb import Perturbation

Leaves = t.Collection[int]
LARGEST_GROWTH = 10
LARGEST_TOKENS = 2 * 1024 * 1024


@dataclass
class Laboratory:
    """``tried`` says how many of a leaf's values have made rendering fail; a leaf with none left is ``broken``.

    ``context`` are values that hold in every render beside the changed ones.
    """

    renderer: Renderer
    observer: Observer
    perturbed: list[Perturbation]
    tried: dict[int, int] = field(default_factory=dict)
    broken: dict[int, str] = field(default_factory=dict)
    context: dict[ValuePath, t.Any] = field(default_factory=dict)

    def changes(self, leaves: Leaves) -> dict[ValuePath, t.Any]:
        own = {self.perturbed[leaf].path: self.value(leaf) for leaf in sorted(leaves) if leaf not in self.broken}
        return self.context | own

    def value(self, leaf: int) -> t.Any:
        """What the leaf is changed to."""
        values = self.perturbed[leaf].values
        return values[min(self.tried.get(leaf, 0), len(values) - 1)]

    def observe_all(self, sets: t.Sequence[Leaves]) -> list[Observation]:
        """One observation for each set of changed leaves."""
        rendered = self.renderer.render_all([self.changes(leaves) for leaves in sets])
        return [
            self.observer.observe(self._bounded(each), single=len(leaves) == 1)
            for leaves, each in zip(sets, rendered, strict=True)
        ]

    def observe_each(self, leaves: t.Iterable[int]) -> dict[int, Observation]:
        """Every leaf changed alone, with the first of its values that renders; without those that have none."""
        found: dict[int, Observation] = {}
        waiting = [leaf for leaf in leaves if leaf not in self.broken]
        while waiting:
            observed = dict(zip(waiting, self.observe_all([(leaf,) for leaf in waiting]), strict=True))
            found |= {leaf: each for leaf, each in observed.items() if not each.error}
            waiting = [leaf for leaf, each in observed.items() if each.error and self._reject(leaf, each.error)]
        return found

    def alike(self, leaf: int) -> set[int]:
        """The same setting of neighbours: paths that differ in one part that is not the last."""
        return {each.index for each in self.perturbed if _alike(each, self.perturbed[leaf])}

    def _reject(self, leaf: int, error: str) -> bool:
        """The leaf's value breaks rendering: take its next one, or give the leaf up. True when there is a next one."""
        self.tried[leaf] = self.tried.get(leaf, 0) + 1
        if self.tried[leaf] < len(self.perturbed[leaf].values):
            return True
        self.broken[leaf] = error
        return False

    def _bounded(self, rendered: Rendered) -> Rendered:
        """A number that says how often something is repeated makes endless text: that counts as a failure."""
        if rendered.size < LARGEST_GROWTH * self.observer.size + LARGEST_TOKENS:
            return rendered
        return Rendered("", f"the rendered text grows to {rendered.size >> 20} MiB")


def _alike(one: Perturbation, other: Perturbation) -> bool:
    if len(one.path) != len(other.path) or one.path[-1] != other.path[-1] or one.base != other.base:
        return False
    return sum(mine != theirs for mine, theirs in zip(one.path, other.path, strict=True)) == 1
