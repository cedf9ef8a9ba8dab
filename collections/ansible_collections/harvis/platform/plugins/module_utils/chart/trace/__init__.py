"""The effect map: what every leaf of a chart's values does, found by changing it."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.effects import effect_map
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.naive import naive_effect_map

__all__ = ["effect_map", "naive_effect_map"]
