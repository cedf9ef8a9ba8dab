"""``effect_map``: which leaf changes which field, with far fewer renders than leaves."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import EffectMap
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf, ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Renderer
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.comparisons import compared_with
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.dormant import find_dormant
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.hints import mentioning
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.mapping import Mapping
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import effect_of
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.prepare import prepare
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.transparent import transparent


def effect_map(renderer: Renderer, leaves: t.Mapping[ValuePath, Leaf]) -> EffectMap:
    """The effect of every leaf, as changing it alone would show it; the same every time.

    Raises HarvisError (VAL-RENDER) when the chart cannot be rendered as it is.
    """
    started, before = time.monotonic(), renderer.count
    hints = mentioning(renderer.chart, leaves)
    templates = "\n".join(template.text for template in renderer.chart.all_templates().values())
    with transparent(renderer) as readable:
        laboratory, not_checked = prepare(readable, leaves)
        mapping = Mapping(laboratory, {each.index: hints[each.path] for each in laboratory.perturbed})
        mapping.map_everything()
        dormant = find_dormant(mapping, compared_with(templates))
    effects = mapping.effects
    paths = [each.path for each in laboratory.perturbed]
    for index, error in sorted(laboratory.broken.items()):
        message = error.partition("\n")[0]
        not_checked.append(
            f"the effect of {dotted(paths[index])}: rendering fails when it alone is changed ({message})"
        )
    return EffectMap(
        effects={path: frozenset(map(effect_of, effects.get(i, ()))) for i, path in enumerate(paths)},
        dormant={paths[index]: guard for index, guard in dormant.items()},
        breaking={paths[index]: error for index, error in sorted(laboratory.broken.items())},
        not_checked=tuple(not_checked),
        renders=renderer.count - before,
        seconds=time.monotonic() - started,
    )
