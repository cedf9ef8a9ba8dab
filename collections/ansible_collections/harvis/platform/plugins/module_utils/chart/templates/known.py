"""The audited values, looked up: which way a condition goes, and what a path with open parts stands for."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.data import (
    ANY,
    UNKNOWN,
    Choice,
    Data,
    FromValues,
    Made,
    Mapping,
    Sequence,
)

MOST_ELEMENTS = 500


@dataclass(frozen=True)
class KnownValues:
    """The merged values of the root chart, its subcharts' among them."""

    values: t.Mapping[str, t.Any]

    def at(self, path: t.Iterable[str | int]) -> t.Any:
        """What lies there; None where nothing does, as in a template."""
        value: t.Any = self.values
        for part in path:
            value = _child(value, part)
        return value

    def has(self, path: ValuePath) -> bool:
        """Whether values have the path, be it with null."""
        parent = self.at(path[:-1])
        if isinstance(parent, dict):
            return bool(path) and path[-1] in parent
        return isinstance(parent, list) and isinstance(path[-1], int) and path[-1] < len(parent)

    def of(self, data: Data) -> t.Any:
        """The value of an expression, or UNKNOWN."""
        if isinstance(data, FromValues):
            return self.at(data.path) if data.exact and ANY not in data.path else UNKNOWN
        if isinstance(data, Made):
            return data.known
        if isinstance(data, Choice):
            return self._same(data.options)
        if isinstance(data, Sequence):
            return UNKNOWN
        return {} if isinstance(data, Mapping) and not data.entries and not data.others else UNKNOWN

    def truth(self, data: Data) -> bool | None:
        """Which way ``if`` goes; None where that can't be told."""
        if isinstance(data, Choice):
            found = {self.truth(option) for option in data.options}
            return found.pop() if len(found) == 1 else None
        if isinstance(data, Sequence | Mapping):
            return True if _filled(data) else None
        value = self.of(data)
        return None if value is UNKNOWN else bool(value)

    def expand(self, path: ValuePath) -> list[ValuePath]:
        """The path with its open parts filled in, from the values as they are."""
        if ANY not in path:
            return [path]
        at = path.index(ANY)
        inside = self.at(path[:at])
        if isinstance(inside, dict):
            names: list[t.Any] = list(inside)
        else:
            names = list(range(len(inside))) if isinstance(inside, list) else []
        return [found for name in names[:MOST_ELEMENTS] for found in self.expand((*path[:at], name, *path[at + 1 :]))]

    def _same(self, options: tuple[Data, ...]) -> t.Any:
        found = [self.of(option) for option in options]
        return found[0] if found and all(type(x) is type(found[0]) and x == found[0] for x in found) else UNKNOWN


def _filled(data: Sequence | Mapping) -> bool:
    return bool(data.items if isinstance(data, Sequence) else data.entries)


def _child(value: t.Any, part: str | int) -> t.Any:
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
        return value[part]
    return None
