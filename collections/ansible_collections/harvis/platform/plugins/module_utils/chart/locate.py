"""``TemplateLines``: from a field of a rendered object back to the line of the template that printed it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.patterns import (
    LinePattern,
    item_text,
    line_patterns,
)
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.syntax import Definition, TemplateTree
from ansible_collections.harvis.platform.plugins.module_utils.manifest.read import node_lines

LONGEST = 20_000


@dataclass
class TemplateIndex:
    """The parsed templates of a chart. ``trees`` are by the name that Helm prints in ``# Source:``."""

    trees: t.Mapping[str, TemplateTree]
    _patterns: dict[str, list[LinePattern]] = field(default_factory=dict)

    def lines_of(self, source: str, document: str, _body: t.Any) -> TemplateLines:
        """For ``read_rendered``."""
        return TemplateLines(self, source, document)

    def file(self, source: str) -> str:
        tree = self.trees.get(source)
        return tree.file if tree else source

    def patterns(self, source: str) -> list[LinePattern]:
        tree = self.trees.get(source)
        if tree is None:
            return []
        if source not in self._patterns:
            definitions: dict[str, Definition] = {d.name: d for one in self.trees.values() for d in one.definitions}
            self._patterns[source] = line_patterns(tree.body, tree.file, definitions)
        return self._patterns[source]


@dataclass
class TemplateLines:
    """Lines of one rendered object. The work is done when somebody asks: most objects have no finding."""

    index: TemplateIndex
    source: str
    document: str
    _known: dict[str, tuple[str, int]] | None = None
    _places: dict[int, tuple[str, int]] = field(default_factory=dict)

    def place_of_line(self, line: int) -> tuple[str, int] | None:
        """Where a line (from 1) of the rendered document was printed."""
        self.find("")
        return self._places.get(line)

    def find(self, pointer: str) -> tuple[str, int]:
        if self._known is None:
            self._known = self._locate()
        while pointer and pointer not in self._known:
            pointer = pointer.rpartition("/")[0]
        return self._known.get(pointer, (self.index.file(self.source), 1))

    def _locate(self) -> dict[str, tuple[str, int]]:
        try:
            rendered = node_lines(self.document)
        except ValueError:
            return {}
        self._places = align(self.document.split("\n"), self.index.patterns(self.source))
        return {pointer: self._places[line] for pointer, line in rendered.items() if line in self._places}


def align(rendered: list[str], patterns: list[LinePattern]) -> dict[int, tuple[str, int]]:
    """Number of a rendered line (from 1) to the place it was printed by, for those of which that can be told.

    The chain of matches with the greatest weight wins: rendered lines and patterns both go forward, but a loop's
    first line may follow its last, and an open pattern prints many.
    """
    if not patterns or len(rendered) > LONGEST:
        return {}
    best = _Chains(patterns)
    for number, line in enumerate(rendered, 1):
        text = item_text(line).strip()
        if text and not text.startswith("#"):
            best.add(number, text)
    return best.places()


@dataclass(frozen=True)
class _Link:
    """A match, and the chain that it ends."""

    weight: float
    number: int
    pattern: int
    before: _Link | None


class _Chains:
    """The best chain of matches that ends at each pattern."""

    def __init__(self, patterns: list[LinePattern]) -> None:
        self._patterns = patterns
        self._ends: list[_Link | None] = [None] * len(patterns)
        self._loop_ends = _loop_ends(patterns)
        self._weights: dict[str, list[tuple[int, float]]] = {}

    def add(self, number: int, text: str) -> None:
        new: list[_Link] = []
        for at, weight in self._matches(text):
            before = self._before(at)
            new.append(_Link(weight + (before.weight if before else 0.0), number, at, before))
        for link in new:
            end = self._ends[link.pattern]
            if end is None or link.weight >= end.weight:
                self._ends[link.pattern] = link

    def places(self) -> dict[int, tuple[str, int]]:
        link = max((end for end in self._ends if end), key=lambda end: end.weight, default=None)
        found: dict[int, tuple[str, int]] = {}
        while link:
            pattern = self._patterns[link.pattern]
            found[link.number] = (pattern.file, pattern.line)
            link = link.before
        return found

    def _matches(self, text: str) -> list[tuple[int, float]]:
        if text not in self._weights:
            weights = ((at, pattern.weight(text)) for at, pattern in enumerate(self._patterns))
            self._weights[text] = [(at, weight) for at, weight in weights if weight]
        return self._weights[text]

    def _before(self, at: int) -> _Link | None:
        """The best chain that a match at ``at`` can follow."""
        last = at + 1 if self._patterns[at].open else at
        last = max(last, self._loop_ends[at])
        return max((end for end in self._ends[:last] if end), key=lambda end: end.weight, default=None)


def _loop_ends(patterns: list[LinePattern]) -> list[int]:
    """For each pattern the end of the loop around it (one past its last line), or 0."""
    ends: dict[int, int] = {}
    for at, pattern in enumerate(patterns):
        if pattern.loop >= 0:
            ends[pattern.loop] = at + 1
    return [ends.get(pattern.loop, 0) if pattern.loop >= 0 else 0 for pattern in patterns]
