"""What can be wrong with a chart's values: found in its leaves, their effects and the templates' reads."""
