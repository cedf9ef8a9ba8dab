"""``effect_map``: which leaf changes which field, with far fewer renders than leaves."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import EffectMap
from ansible_collections.harvis.platform.plugins.module_utils.chart.files import Chart
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf, ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Renderer
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.copies import Copies, copies_of
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.dormant import find_dormant
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.guards import guard_values
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.hints import mentioning
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.mapping import SMALL, Mapping
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import effect_of
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.prepare import prepare
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.rivals import rivals_of


def effect_map(
    renderer: Renderer,
    leaves: t.Mapping[ValuePath, Leaf],
    guards: t.Sequence[ValuePath] = (),
    *,
    small: int = SMALL,
) -> EffectMap:
    """The effect of every leaf, as changing it alone would show it; the same every time.

    ``guards`` are leaves that are known to stand in conditions, tried as well to wake dormant ones. Where changing
    every leaf alone makes no more than ``small`` bytes of text, that is done, many variants in one run of Helm; else
    leaves are tested in groups. Raises HarvisError (VAL-RENDER) when the chart cannot be rendered as it is.
    """
    started = time.monotonic()
    with copies_of(renderer, len(leaves)) as copies:
        try:
            found = _effect_map(copies, renderer.chart, leaves, guards, small)
        finally:
            renderer.count += copies.count
    return dataclasses.replace(found, seconds=time.monotonic() - started)


def _effect_map(
    copies: Copies, chart: Chart, leaves: t.Mapping[ValuePath, Leaf], guards: t.Sequence[ValuePath], small: int
) -> EffectMap:
    laboratory, not_checked = prepare(copies, leaves)
    hints = mentioning(chart, leaves)
    files = {each.index: hints[each.path] for each in laboratory.perturbed}
    mapping = Mapping(laboratory, files, rivals_of(chart, laboratory.perturbed), small)
    mapping.settle_everything()
    mapping.look_again_at_the_dead()
    paths = [each.path for each in laboratory.perturbed]
    effective = [leaf for leaf, keys in mapping.found.effects.items() if keys]
    worth_trying = guard_values(laboratory, chart, effective, guards)
    dormant = find_dormant(laboratory, mapping.files, mapping.dead(), worth_trying)
    not_checked += [f"{dotted(paths[index])}: rendering fails with too many other leaves" for index in mapping.lost]
    return EffectMap(
        effects={path: frozenset(map(effect_of, mapping.found.effects.get(i, ()))) for i, path in enumerate(paths)},
        dormant={paths[index]: guard for index, guard in sorted(dormant.items())},
        breaking={paths[index]: error for index, error in sorted(laboratory.broken.items())},
        not_checked=tuple(not_checked),
        renders=copies.count,
        copies=copies.copies,
    )
