"""The effect map: what every leaf of a chart's values does, found by changing it."""
