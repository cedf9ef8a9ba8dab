"""Figures as a table: median, least and most of each case and way, and how the medians compare."""

from __future__ import annotations

import json
import statistics
import typing as t
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured run. ``ready`` is when the first new pod was Ready, for cases in which one is awaited."""

    case: str
    way: str
    round: int
    command: float
    ready: float | None = None
    proven: bool = True
    note: str = ""

    @property
    def seconds(self) -> float:
        return self.command if self.ready is None else self.ready


def load(place: Path) -> list[Figure]:
    if not place.is_file():
        return []
    return [Figure(**entry) for entry in json.loads(place.read_text(encoding="utf-8"))["runs"]]


def save(place: Path, figures: Sequence[Figure], more: t.Mapping[str, t.Any]) -> None:
    runs = [asdict(figure) for figure in figures]
    place.write_text(json.dumps({**more, "runs": runs}, indent=2) + "\n", encoding="utf-8")


def spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def rows(figures: Sequence[Figure], ways: Sequence[str]) -> list[list[str]]:
    """A row for each case; the last columns are our median as a part of each other way's."""
    made = []
    for case in dict.fromkeys(figure.case for figure in figures):
        of_way = {way: [f for f in figures if f.case == case and f.way == way and f.proven] for way in ways}
        cells = [_cell(of_way[way]) for way in ways]
        ours = of_way[ways[0]]
        parts = [_part(ours, of_way[way]) for way in ways[1:]]
        count = min((len(found) for found in of_way.values() if found), default=0)
        made.append([case, *cells, *parts, str(count)])
    return made


def _cell(found: Sequence[Figure]) -> str:
    if not found:
        return "-"
    text = spread([figure.seconds for figure in found])
    if found[0].ready is None:
        return text
    return f"{text}; ends {statistics.median(figure.command for figure in found):.1f}"


def _part(ours: Sequence[Figure], theirs: Sequence[Figure]) -> str:
    if not ours or not theirs:
        return "-"
    parts = [statistics.median(figure.seconds for figure in found) for found in (ours, theirs)]
    return f"{parts[0] / parts[1]:.2f}"


def markdown(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plain(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in [head, *body]) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [head, *body]
    )
