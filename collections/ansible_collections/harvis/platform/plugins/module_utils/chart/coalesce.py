"""Helm's way of laying values over each other, as far as nulls, subcharts and ``global`` matter.

It follows pkg/chart/common/util/coalesce.go and pkg/chart/v2/util/dependencies.go of Helm 4.0, name by name, because
its
treatment of null is nowhere else defined. A test renders ``.Values`` with Helm and compares.
"""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.values_file import Values

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.chart.files import Chart


def coalesced(chart: Chart, overrides: Values) -> Values:
    """What the templates of ``chart`` see as ``.Values``, every subchart being switched on."""
    return _coalesce(chart, _with_imports(chart), copy.deepcopy(overrides), merge=False)


def get(values: t.Any, path: ValuePath, default: t.Any = None) -> t.Any:
    """What lies at ``path``."""
    for part in path:
        if (isinstance(values, dict) and part in values) or (
            isinstance(values, list) and isinstance(part, int) and part < len(values)
        ):
            values = values[part]
        else:
            return default
    return values


def _with_imports(chart: Chart) -> dict[ValuePath, Values]:
    """Each chart's default values (by where they begin), with what ``import-values`` takes from its subcharts."""
    defaults: dict[ValuePath, Values] = {}
    for sub in chart.subcharts:
        defaults |= _with_imports(sub)
    defaults[chart.at] = copy.deepcopy(chart.defaults.data)
    if not any(dependency.imports for dependency in chart.dependencies):
        return defaults
    merged = _coalesce(chart, defaults, {}, merge=True)
    imported: Values = {}
    for dependency in chart.dependencies:
        for entry in dependency.imports:
            table = get(merged, (dependency.key, *entry.child))
            if isinstance(table, dict):
                for part in reversed(entry.parent):
                    table = {part: table}
                _coalesce_tables(imported, copy.deepcopy(table), merge=True)
    defaults[chart.at] = _coalesce_tables(copy.deepcopy(merged), imported, merge=True)
    return defaults


def _coalesce(chart: Chart, defaults: dict[ValuePath, Values], dest: Values, *, merge: bool) -> Values:
    keys = {str(sub.at[-1]) for sub in chart.subcharts}
    for key, value in copy.deepcopy(defaults[chart.at]).items():
        if key not in dest:
            dest[key] = value
        elif dest[key] is None and not merge:
            del dest[key]
        elif isinstance(dest[key], dict) and isinstance(value, dict):
            _coalesce_tables(dest[key], value, merge=merge or key in keys)
    for sub in chart.subcharts:
        below = dest.setdefault(str(sub.at[-1]), {})
        if isinstance(below, dict):
            _coalesce_globals(below, dest)
            _coalesce(sub, defaults, below, merge=merge)
    return dest


def _coalesce_globals(dest: Values, source: Values) -> None:
    mine, theirs = dest.get("global", {}), source.get("global", {})
    if not isinstance(mine, dict) or not isinstance(theirs, dict):
        return
    for key, value in theirs.items():
        if isinstance(value, dict):
            if key not in mine:
                mine[key] = dict(value)
            elif isinstance(mine[key], dict):
                mine[key] = _coalesce_tables(dict(value), mine[key], merge=True)
        elif not isinstance(mine.get(key), dict):
            mine[key] = value
    dest["global"] = mine


def _coalesce_tables(dest: Values, source: Values, *, merge: bool) -> Values:
    source |= {key: None for key, value in dest.items() if value is None}
    for key, value in source.items():
        if key not in dest:
            dest[key] = value
        elif dest[key] is None and not merge:
            del dest[key]
        elif isinstance(value, dict) and isinstance(dest[key], dict):
            _coalesce_tables(dest[key], value, merge=merge)
    return dest
