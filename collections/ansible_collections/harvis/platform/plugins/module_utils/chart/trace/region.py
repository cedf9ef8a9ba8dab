"""``Region``: a part of the rendered objects, as keys that each stand for everything below them."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.compare import Key


class Region:
    """Two regions meet where a key of one lies at or below a key of the other."""

    def __init__(self, keys: t.Iterable[Key]) -> None:
        self.keys = frozenset(keys)
        self._lengths = sorted({len(key) for key in self.keys})

    def __bool__(self) -> bool:
        return bool(self.keys)

    @functools.cached_property
    def _above(self) -> frozenset[Key]:
        return frozenset(key[:depth] for key in self.keys for depth in range(1, len(key)))

    @functools.cached_property
    def _sources(self) -> frozenset[str]:
        return frozenset(key[0] for key in self.keys)

    def covers(self, key: Key) -> bool:
        """Whether one of the keys is this one or lies above it."""
        return any(key[:length] in self.keys for length in self._lengths if length <= len(key))

    def touches(self, key: Key) -> bool:
        return key in self._above or self.covers(key)

    def meets(self, other: Region) -> bool:
        shared = self._sources & other._sources
        if not shared:
            return False
        small, large = (self, other) if len(self.keys) < len(other.keys) else (other, self)
        return any(large.touches(key) for key in small.keys if key[0] in shared)
