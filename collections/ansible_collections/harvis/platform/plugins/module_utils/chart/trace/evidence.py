"""``Evidence``: what all renders together say about who changed a field.

A leaf that was changed in a render in which a field stayed as it is does not change that field: it is out. Where a
field
changed and everybody but one leaf is out, it was that leaf. Claims that are not proved so are tried again.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.compare import Key
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import Observation


@dataclass(frozen=True)
class _Render:
    leaves: int
    changed: frozenset[Key]

    def says(self, key: Key) -> bool | None:
        """Whether the field changed; None where something above it did, so that it cannot be seen."""
        if key in self.changed:
            return True
        return None if any(key[:depth] in self.changed for depth in range(2, len(key))) else False


class Evidence:
    """``possible`` gives the leaves (as bits) that may change anything in a template."""

    def __init__(self, possible: t.Mapping[str, int]) -> None:
        self._possible = possible
        self._renders: list[_Render] = []

    def add(self, leaves: t.Iterable[int], observation: Observation) -> None:
        if not observation.error:
            self._renders.append(_Render(bits(leaves), observation.changed))

    def candidates(self, key: Key) -> int:
        """The leaves that are not out."""
        out = 0
        for render in self._renders:
            if render.says(key) is False:
                out |= render.leaves
        return self._possible.get(key[0], 0) & ~out

    def is_proved(self, leaf: int, key: Key, candidates: int) -> bool:
        mine = 1 << leaf
        return any(
            render.leaves & mine and not render.leaves & candidates & ~mine and render.says(key)
            for render in self._renders
        )


def bits(leaves: t.Iterable[int]) -> int:
    found = 0
    for leaf in leaves:
        found |= 1 << leaf
    return found
