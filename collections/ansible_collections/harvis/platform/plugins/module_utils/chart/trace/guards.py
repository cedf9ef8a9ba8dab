"""``GuardValue``: values that may switch something on."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.chart.files import Chart
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.laboratory import Laboratory

MOST_LITERALS = 4
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_COMPARES = re.compile(r"\b(?:eq|ne|has|contains|hasPrefix|hasSuffix)\b")
_LITERAL = re.compile(r'"([^"\\]*)"')
_FIELD = re.compile(r"\.(\w+)(?![\w.])")


@dataclass(frozen=True)
class GuardValue:
    """A leaf set to a value; ``under`` is the guard that this one needs itself."""

    leaf: int
    value: t.Any
    under: GuardValue | None = None

    def __hash__(self) -> int:
        return hash((self.leaf, str(self.value)))


def guard_values(
    laboratory: Laboratory, chart: Chart, effective: t.Collection[int], extra: t.Sequence[ValuePath]
) -> list[GuardValue]:
    """Switches that have an effect, in their other position; texts that templates compare, as what they compare with;
    and the leaves in ``extra``."""
    compared = _compared(chart)
    found: list[GuardValue] = []
    for each in laboratory.perturbed:
        if each.index in laboratory.broken:
            continue
        if (each.switch and each.index in effective) or each.path in extra:
            found.append(GuardValue(each.index, laboratory.value(each.index)))
        if isinstance(each.base, str) and each.path:
            literals = sorted(compared.get(str(each.path[-1]), set()) - {each.base, ""})
            found += [GuardValue(each.index, literal) for literal in literals[:MOST_LITERALS]]
    return found


def apart(guards: t.Sequence[GuardValue], files: t.Mapping[int, frozenset[str]]) -> list[tuple[GuardValue, ...]]:
    """Guards of different templates may be tried together."""
    batches: list[tuple[list[GuardValue], set[str]]] = []
    for guard in guards:
        for batch, taken in batches:
            if not taken & files[guard.leaf]:
                batch.append(guard)
                taken |= files[guard.leaf]
                break
        else:
            batches.append(([guard], set(files[guard.leaf])))
    return [tuple(batch) for batch, _ in batches]


def _compared(chart: Chart) -> dict[str, set[str]]:
    """The last word of a path → the texts that stand beside it in a comparison."""
    found: dict[str, set[str]] = {}
    for template in chart.all_templates().values():
        for action in _ACTION.findall(template.text):
            if _COMPARES.search(action):
                literals = set(_LITERAL.findall(action))
                for word in _FIELD.findall(action):
                    found.setdefault(word, set()).update(literals)
    return found
