"""A chart's values: what the schema allows, and what an operator's values do to it."""
