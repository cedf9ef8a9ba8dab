"""Driver versions: ``535.261.03`` in a package's ``535.261.03-1``; the branch is the number before the first dot."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

_UPSTREAM = re.compile(r"(?:\d+:)?(\d{3,}(?:\.\d+)+)")


@functools.total_ordering
@dataclass(frozen=True)
class DriverVersion:
    """Ordered as numbers: 535.98 is older than 535.261."""

    text: str

    @classmethod
    def of_package(cls, version: str) -> DriverVersion | None:
        """None for a package that is not numbered as the driver is."""
        found = _UPSTREAM.match(version)
        return cls(found[1]) if found else None

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(map(int, self.text.split(".")))

    @property
    def branch(self) -> int:
        return self.numbers[0]

    def __lt__(self, other: DriverVersion) -> bool:
        return self.numbers < other.numbers

    def __str__(self) -> str:
        return self.text
