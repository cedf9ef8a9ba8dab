"""Which values somebody wrote down, and where: the leaves, and how a change of one is handed to Helm."""

from __future__ import annotations

import copy
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.chart.coalesce import get
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf, ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.values_file import Values, ValuesFile

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.chart.files import Chart

_ABSENT = object()


@dataclass(frozen=True)
class _Layer:
    """A file of values and where its content begins in the root chart's values; the strongest comes first."""

    at: ValuePath
    file: ValuesFile
    override: bool

    def line(self, path: ValuePath) -> int | None:
        return self.file.lines.get(path[len(self.at) :]) if path[: len(self.at)] == self.at else None


def written_leaves(chart: Chart) -> dict[ValuePath, Leaf]:
    """Leaves of the merged values that a file sets.

    Not among them are the copies that Helm makes: of ``global`` in each subchart, and of imported values in the parent.
    """
    layers = _layers(chart)
    shadowed = _shadowed_globals(chart)
    found: dict[ValuePath, Leaf] = {}
    for path, value in walk(chart.values(), ()):
        if any(path[: len(at)] == at and get(above, path[len(at) :], _ABSENT) is not _ABSENT for at, above in shadowed):
            continue
        for layer in layers:
            line = layer.line(path)
            if line is not None:
                found[path] = Leaf(path, value, layer.file.file, line, layer.override)
                break
    return found


def walk(value: t.Any, path: ValuePath) -> t.Iterator[tuple[ValuePath, t.Any]]:
    """Scalars, empty maps and empty lists, with their paths."""
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from walk(below, (*path, key))
    elif isinstance(value, list) and value:
        for index, below in enumerate(value):
            yield from walk(below, (*path, index))
    elif path:
        yield path, value


def lay_over(chart: Chart, merged: Values, changes: t.Mapping[ValuePath, t.Any]) -> Values:
    """The operator's values with ``changes`` laid over them.

    Only what differs is handed to Helm: a complete set of values would bring back what a null has deleted.
    """
    laid = copy.deepcopy(chart.override_values())
    targets = _import_targets(chart)
    for path, value in changes.items():
        _set(laid, merged, path, value)
        for child, parent in targets:
            # Helm imports a subchart's default, never what the operator sets; this is as if the default were edited.
            below = (*parent, *path[len(child) :])
            if path[: len(child)] == child and get(merged, below, _ABSENT) == get(merged, path):
                _set(laid, merged, below, value)
    return laid


def _set(laid: Values, merged: Values, path: ValuePath, value: t.Any) -> None:
    place: t.Any = laid
    for depth, part in enumerate(path[:-1], 1):
        after = path[depth]
        below = place.get(part) if isinstance(place, dict) else place[int(part)]
        if isinstance(after, int) and not isinstance(below, list):
            below = copy.deepcopy(get(merged, path[:depth]))  # a list is replaced as a whole
        elif isinstance(after, str) and not isinstance(below, dict):
            below = {}
        place[part] = below
        place = below
    place[path[-1]] = copy.deepcopy(value)


def _layers(chart: Chart) -> list[_Layer]:
    own = [_Layer((), file, True) for file in reversed(chart.overrides)]
    # A parent's file is stronger than its subchart's, and stands before it in the tree.
    return own + [_Layer(each.at, each.defaults, False) for each in chart.tree()]


def _shadowed_globals(chart: Chart) -> list[tuple[ValuePath, t.Any]]:
    """Where a subchart's ``global`` begins, with the parent's ``global`` that wins over it."""
    merged = chart.values()
    return [((*sub.at, "global"), get(merged, (*sub.at[:-1], "global"), {})) for sub in chart.tree() if sub.at]


def _import_targets(chart: Chart) -> list[tuple[ValuePath, ValuePath]]:
    return [
        ((*each.at, dependency.key, *entry.child), (*each.at, *entry.parent))
        for each in chart.tree()
        for dependency in each.dependencies
        for entry in dependency.imports
    ]
