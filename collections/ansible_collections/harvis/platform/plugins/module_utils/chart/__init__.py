"""A chart's values: what the schema allows, and what an operator's values do to it."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.chart.schema import refused_values

__all__ = ["refused_values"]
