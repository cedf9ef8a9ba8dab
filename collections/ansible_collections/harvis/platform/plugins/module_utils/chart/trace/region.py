"""``Region``: a part of the rendered objects, as keys that each stand for everything below them."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.compare import Key


class Region:
    """Two regions meet where a key of one lies at or below a key of the other."""

    def __init__(self, keys: t.Iterable[Key]) -> None:
        self.keys = frozenset(keys)
        self._above = {key[:depth] for key in self.keys for depth in range(1, len(key))}

    def __bool__(self) -> bool:
        return bool(self.keys)

    def touches(self, key: Key) -> bool:
        return key in self._above or self.covers(key)

    def covers(self, key: Key) -> bool:
        return any(key[:depth] in self.keys for depth in range(1, len(key) + 1))

    def meets(self, other: Region) -> bool:
        small, large = (self, other) if len(self.keys) < len(other.keys) else (other, self)
        return any(large.touches(key) for key in small.keys)
