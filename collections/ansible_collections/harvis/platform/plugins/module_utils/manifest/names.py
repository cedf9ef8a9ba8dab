"""Names as people write and miswrite them: the words in one, and the one that was meant."""

from __future__ import annotations

import re
import typing as t

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SHORTEST = 4


def words(name: str) -> list[str]:
    """[KAFKA, BOOTSTRAP] of ``KAFKA_BOOTSTRAP``, ``kafka.bootstrap``, ``--kafka-bootstrap`` and ``kafkaBootstrap``."""
    return [w for w in re.split(r"[^A-Z0-9]+", _CAMEL.sub("_", name).upper()) if w]


def meant(name: str, known: t.Iterable[str]) -> str:
    """The known name that ``name`` is most likely a slip of, or nothing.

    A slip is one edit, in long names two. Names that differ in digits alone are siblings, not slips.
    """
    if len(name) < _SHORTEST:
        return ""
    allowed = 1 if len(name) < 8 else 2
    near = [(distance(name, other, allowed), other) for other in sorted(set(known)) if not _siblings(name, other)]
    found = min(near, default=(allowed + 1, ""))
    return found[1] if 0 < found[0] <= allowed else ""


def distance(one: str, other: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps from one to the other; beyond ``limit``: limit + 1."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if last and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return min(row[-1], limit + 1)


def _siblings(one: str, other: str) -> bool:
    return one != other and re.sub(r"\d+", "", one) == re.sub(r"\d+", "", other)
