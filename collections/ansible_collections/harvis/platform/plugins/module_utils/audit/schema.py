"""VAL-SCHEMA as Helm says it: the schemas of the chart and of its subcharts against the audited values."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Renderer
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place

_CHART = re.compile(r"^(?P<name>[^\s:]+):$")
_REFUSED = re.compile(r"^\s*- at '(?P<at>[^']*)': (?P<why>.+)$")
_SUMMARY = "validation failed"


def schema_findings(renderer: Renderer) -> t.Iterator[Finding]:
    """Costs one more run of Helm, and none where no chart has a schema."""
    if not any(chart.schema for chart in renderer.chart.tree()):
        return
    strict = Renderer(renderer.chart, renderer.runner, dataclasses.replace(renderer.options, check_schema=True))
    error = strict.render().error
    renderer.count += strict.count
    if "specifications of the schema" not in error:
        return  # other failures are found by the rendering without schemas
    scopes = {chart.name: chart.at for chart in renderer.chart.tree()}
    leaves = renderer.chart.leaves()
    overrides = renderer.chart.overrides
    fallback = overrides[-1].file if overrides else renderer.chart.defaults.file
    at: ValuePath = ()
    for line in error.splitlines():
        if match := _CHART.match(line):
            at = scopes.get(match["name"], ())
        elif (match := _REFUSED.match(line)) and match["why"] != _SUMMARY:
            path = (*at, *_parts(match["at"]))
            near = [leaf for found, leaf in leaves.items() if found[: len(path)] == path]
            leaf = next((leaf for leaf in near if leaf.override), near[0] if near else None)
            place = Place(leaf.file, leaf.line, dotted(path)) if leaf and path else Place(fallback, 1, dotted(path))
            fix = "Give a value that values.schema.json allows."
            yield Finding.at("VAL-SCHEMA", place, f"the chart's schema refuses it: {match['why']}", fix=fix)


def _parts(text: str) -> list[str | int]:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]
    return [int(part) if part.isdigit() else part for part in parts]
