"""What each leaf of a chart's values does: the (object, field) pairs that change when it does."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted


@dataclass(frozen=True, order=True)
class Effect:
    """``object`` is ``namespace/Kind/name`` and ``field`` a JSON pointer in it (RFC 6901).

    A whole object that comes or goes has the field ``""``.
    """

    object: str
    field: str

    def __str__(self) -> str:
        return f"{self.object}:{self.field}"


@dataclass(frozen=True)
class Guard:
    """What wakes a dormant leaf: another leaf set to ``value``, and the effects it has then."""

    path: ValuePath
    value: t.Any
    effects: frozenset[Effect]


@dataclass(frozen=True)
class EffectMap:
    """``effects`` has every leaf of the merged values; a leaf with an empty set is dead, unless ``dormant`` has it.

    ``breaking`` holds leaves of which a change of the same type makes rendering fail, with Helm's message.
    ``renders`` counts the runs of Helm, exactly. ``not_checked`` says what could not be settled, a sentence each.
    """

    effects: dict[ValuePath, frozenset[Effect]]
    dormant: dict[ValuePath, Guard] = field(default_factory=dict)
    breaking: dict[ValuePath, str] = field(default_factory=dict)
    not_checked: tuple[str, ...] = ()
    renders: int = 0
    seconds: float = 0.0

    def dead(self) -> list[ValuePath]:
        """Leaves with no effect under any condition tried, in order. One that breaks rendering is not dead."""
        return [
            p for p, found in self.effects.items() if not found and p not in self.dormant and p not in self.breaking
        ]

    def to_result(self) -> dict[str, list[str]]:
        return {dotted(path): sorted(map(str, found)) for path, found in self.effects.items()}
