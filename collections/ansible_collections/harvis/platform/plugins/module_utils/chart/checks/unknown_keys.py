"""VAL-TYPO and VAL-NESTED for keys of the operator's that the chart does not know."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.depth import meant_elsewhere
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.wiring import (
    Wiring,
    is_free_form,
    leaves_of,
    said,
    top_unknown,
)
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.words import nearest_key
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.known import KnownValues
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding


def unknown_keys(wiring: Wiring) -> dict[ValuePath, Finding]:
    """The topmost unknown key of each block that does nothing, where it can be told what was meant."""
    found: dict[ValuePath, Finding] = {}
    given = wiring.subject.chart.override_values() if wiring.subject.chart else {}
    tops = {top: None for leaf in leaves_of(given) if (top := top_unknown(leaf, wiring.defaults))}
    for top in tops:
        if not _does_nothing(top, wiring) or is_free_form(top, wiring.defaults):
            continue
        finding = _nested(top, given, wiring) or _typo(top, wiring)
        if finding:
            found[top] = finding
    return found


def _does_nothing(top: ValuePath, wiring: Wiring) -> bool:
    """Without an effect map (rendering fails) nobody may read it, and it must be no switch of a subchart."""
    if wiring.subject.effects is not None and wiring.below(top):
        return wiring.all_dead(top)
    return top[0] != "tags" and not any(_overlap(ref.path, top) for ref in wiring.subject.references)


def _overlap(one: ValuePath, other: ValuePath) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter] and (len(one) >= len(other))


def _nested(top: ValuePath, given: dict[str, t.Any], wiring: Wiring) -> Finding | None:
    meant = meant_elsewhere(top, KnownValues(given).at(top), wiring.defaults)
    if not meant:
        return None
    deeper = len(meant[0]) > len(top)
    places = " or ".join(dotted(one) for one in meant)
    return Finding.at(
        "VAL-NESTED",
        wiring.place(top),
        f"{dotted(top)} lies one level too {'high' if deeper else 'deep'}; the chart knows {places}",
        evidence=f"{dotted(meant[0])} is declared at {said(wiring.place(meant[0]))}; nothing reads {dotted(top)}",
        fix=f"Move it to {places}.",
    )


def _typo(top: ValuePath, wiring: Wiring) -> Finding | None:
    siblings = wiring.defaults.at(top[:-1])
    near = nearest_key(str(top[-1]), siblings) if isinstance(siblings, dict) else ""
    if not near:
        return None
    right = (*top[:-1], near)
    return Finding.at(
        "VAL-TYPO",
        wiring.place(top),
        f"the chart does not know {dotted(top)}, and nothing reads it",
        evidence=f"{dotted(right)} is declared at {said(wiring.place(right))}",
        fix=f"Did you mean {dotted(right)}?",
    )
