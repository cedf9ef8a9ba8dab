"""Values that the last upgrade lost or kept: the mark of ``--reuse-values``, and what this run no longer gives."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text
from ansible_collections.harvis.platform.plugins.module_utils.release.compare import MISSING, differences
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import Revision
from ansible_collections.harvis.platform.plugins.module_utils.release.values import Values, without_nulls

_SHOWN = 12


def lost_values(recorded: Revision, wanted: Values) -> list[str]:
    """Paths that the deployed revision was given and this run is not: set by hand, or dropped from the inventory."""
    found = differences(without_nulls(recorded.values), without_nulls(wanted))
    return [item.path for item in found if item.after is MISSING]


def reused_values(recorded: Revision, spec: ReleaseSpec) -> list[Finding]:
    """The deployed revision was made with ``--reuse-values``: defaults of the chart never reached it.

    With that flag Helm merges what was given before into the chart's own values, and records those as the chart's.
    """
    defaults = _defaults(spec)
    if defaults is None or not recorded.values or not _carries_given(recorded, defaults):
        return []
    given = {item.path for item in differences({}, recorded.values)}
    never = [
        item.path
        for item in differences(without_nulls(recorded.chart_values), without_nulls(defaults))
        if item.path not in given and item.after is not MISSING
    ]
    if not never:
        return []
    more = f" and {len(never) - _SHOWN} more" if len(never) > _SHOWN else ""
    cause = f"revision {recorded.number} was made with --reuse-values, so new defaults of the chart never reached it"
    evidence = f"not the chart's own: {', '.join(never[:_SHOWN])}{more}"
    fix = "Nothing to do: this module gives all values anew. Elsewhere use --reset-then-reuse-values."
    return [Finding("REL-REUSED", f"release {recorded.namespace}/{recorded.name}", cause, evidence, fix)]


def _carries_given(recorded: Revision, defaults: Values) -> bool:
    """Whether a value that was given stands among the chart's own, where the chart has another."""
    return any(
        _at(recorded.chart_values, path) == value and _at(defaults, path) != value
        for path, value in _leaves(recorded.values)
    )


def _leaves(values: t.Any, path: tuple[str, ...] = ()) -> t.Iterator[tuple[tuple[str, ...], t.Any]]:
    if isinstance(values, dict):
        for key, item in values.items():
            yield from _leaves(item, (*path, key))
    else:
        yield path, values


def _at(values: t.Any, path: tuple[str, ...]) -> t.Any:
    for key in path:
        values = values.get(key, MISSING) if isinstance(values, dict) else MISSING
    return values


def _defaults(spec: ReleaseSpec) -> Values | None:
    try:
        loaded = yaml_text.load((spec.chart / "values.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return loaded if isinstance(loaded, dict) else None
