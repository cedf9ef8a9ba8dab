"""Values against ``values.schema.json``, before a cluster or Helm is there to ask."""

from __future__ import annotations

import difflib
import json
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, fail

Values = dict[str, t.Any]


def refused_values(chart: Path, overrides: Values) -> list[Finding]:
    """VAL-SCHEMA for each value that the chart would refuse once ``overrides`` lie over its own values.

    Merged as Helm does: maps are merged, everything else replaces (https://helm.sh/docs/chart_template_guide/values_files/).
    Raises HarvisError (PLB-INPUT) when the folder is no chart with a schema.
    """
    import jsonschema
    import yaml

    try:
        schema = json.loads((chart / "values.schema.json").read_text())
        defaults: Values = yaml.safe_load((chart / "values.yaml").read_text()) or {}
    except (OSError, ValueError, yaml.YAMLError) as exc:
        raise fail("PLB-INPUT", str(chart), f"is no chart with values and a schema: {exc}") from exc
    errors = jsonschema.Draft7Validator(schema).iter_errors(merge(defaults, overrides))
    found = (_finding(chart, error, known) for error in errors for known in [_known_keys(error)])
    return sorted(found, key=lambda finding: finding.subject)


def merge(base: Values, over: Values) -> Values:
    """``over`` laid over ``base``; neither is changed."""
    merged = dict(base)
    for key, value in over.items():
        mine = merged.get(key)
        merged[key] = merge(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return merged


def _finding(chart: Path, error: t.Any, known: list[str]) -> Finding:
    path = ".".join(map(str, error.absolute_path)) or "(top)"
    unknown = _unknown_keys(error, known)
    nearest = [near for key in unknown for near in difflib.get_close_matches(key, known, n=1)]
    fix = f"Did you mean {', '.join(nearest)}?" if nearest else f"See {chart}/values.yaml."
    # The value itself may be a secret; only keys are shown.
    cause = f"unknown key {', '.join(unknown)}" if unknown else f"breaks the schema's rule {error.validator}"
    return Finding("VAL-SCHEMA", f"{chart.name}: {path}", cause, fix=fix)


def _known_keys(error: t.Any) -> list[str]:
    return sorted(error.schema.get("properties", {})) if isinstance(error.schema, dict) else []


def _unknown_keys(error: t.Any, known: list[str]) -> list[str]:
    if error.validator != "additionalProperties" or not isinstance(error.instance, dict):
        return []
    return sorted(key for key in error.instance if key not in known)
