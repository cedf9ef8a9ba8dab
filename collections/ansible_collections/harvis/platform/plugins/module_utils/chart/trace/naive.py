"""``naive_effect_map``: one render for each leaf. It is what an effect is, and what the fast way is measured
against."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Effect, EffectMap
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf, ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Renderer
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import Observation, effect_of
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.prepare import prepare


def naive_effect_map(
    renderer: Renderer, leaves: t.Mapping[ValuePath, Leaf], only: t.Collection[ValuePath] | None = None
) -> EffectMap:
    """The effects of every leaf, or of those in ``only``, each changed alone. Dormant leaves are not looked for."""
    started, before = time.monotonic(), renderer.count
    laboratory, not_checked = prepare(renderer, leaves)
    chosen = [each.index for each in laboratory.perturbed if only is None or each.path in only]
    observed = laboratory.observe_each(chosen)
    effects = {laboratory.perturbed[i].path: _effects(observed[i]) if i in observed else frozenset() for i in chosen}
    breaking = {laboratory.perturbed[index].path: error for index, error in laboratory.broken.items()}
    renders = renderer.count - before
    return EffectMap(effects, {}, breaking, tuple(not_checked), renders, time.monotonic() - started)


def _effects(observation: Observation) -> frozenset[Effect]:
    keys = observation.changed | {key for _, key in observation.traced}
    return frozenset(effect_of(key) for key in keys)
