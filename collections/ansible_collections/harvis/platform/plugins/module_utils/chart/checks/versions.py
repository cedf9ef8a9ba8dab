"""Version ranges as Chart.yaml has them (github.com/Masterminds/semver).

None of the Python libraries for semantic versions that the platform already needs reads these ranges.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Numbers = tuple[int, int, int]
_PART = r"(?:\d+|[xX*])"
_VERSION = re.compile(rf"v?({_PART})(?:\.({_PART}))?(?:\.({_PART}))?(?:-([0-9A-Za-z.-]+))?(?:\+\S+)?")
_TERM = re.compile(rf"\s*(?P<sign>[<>]=?|!=|=|~>?|\^)?\s*(?P<version>{_VERSION.pattern})\s*,?")
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")


@dataclass(frozen=True)
class _Bound:
    """``known`` counts the numbers that are given; the others stand for any."""

    numbers: Numbers
    known: int
    before: str

    def after(self, position: int) -> Numbers:
        """The first version past those that share the numbers up to ``position``."""
        if position < 0:
            return (1 << 60, 0, 0)
        raised = [*self.numbers[:position], self.numbers[position] + 1, 0, 0][:3]
        return (raised[0], raised[1], raised[2])


def satisfies(version: str, wanted: str) -> bool | None:
    """Whether the version lies in the range; None where either is not understood."""
    found = _bound(version)
    if found is None or found.known < 3:
        return None
    if not wanted.strip():
        return True
    results = [_all_of(found, part) for part in wanted.split("||")]
    if any(results):
        return True
    return None if None in results else False


def _all_of(found: _Bound, text: str) -> bool | None:
    text = _HYPHEN.sub(r">=\1 <=\2", text.strip())
    at, fits = 0, True
    while at < len(text):
        term = _TERM.match(text, at)
        bound = _bound(term["version"]) if term else None
        if term is None or bound is None:
            return None
        fits = fits and _term(found, term["sign"] or "=", bound)
        at = term.end()
    return fits


def _term(found: _Bound, sign: str, bound: _Bound) -> bool:
    low, high = bound.numbers, bound.after(bound.known - 1)
    # A pre-release comes before its release, and is in a range only where that names one too.
    if found.before and not bound.before:
        return False
    mine, least = (found.numbers, _rank(found.before)), (low, _rank(bound.before))
    if sign == "^":
        position = next((at for at, number in enumerate(low[: bound.known]) if number), bound.known - 1)
        return least <= mine and found.numbers < bound.after(position)
    if sign in ("~", "~>"):
        return least <= mine and found.numbers < bound.after(min(bound.known - 1, 1))
    inside = mine == least if bound.known == 3 else low <= found.numbers < high
    results = {
        "=": inside,
        "!=": not inside,
        ">=": mine >= least,
        "<": mine < least,
        ">": mine > least and not (inside and bound.known < 3),
        "<=": mine <= least or inside,
    }
    return results[sign]


def _rank(before: str) -> tuple[int, str]:
    return (0, before) if before else (1, "")


def _bound(text: str) -> _Bound | None:
    match = _VERSION.fullmatch(text.strip())
    if match is None:
        return None
    parts = list(match.groups()[:3])
    known = next((at for at, part in enumerate(parts) if part is None or not part.isdigit()), 3)
    numbers = [int(part or 0) if at < known else 0 for at, part in enumerate(parts)]
    return _Bound((numbers[0], numbers[1], numbers[2]), known, match[4] or "")
