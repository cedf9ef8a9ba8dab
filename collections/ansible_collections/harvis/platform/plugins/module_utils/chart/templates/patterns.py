"""The lines that a template can print, in order, each with the place it comes from."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.syntax import (
    Block,
    Body,
    Call,
    Definition,
    Expression,
    Literal,
    Output,
    Template,
    Text,
)

DEEPEST = 8
MOST_LINES = 4000
_DASHES = re.compile(r"^\s*(?:-(?:\s+|$))*")
_BLOCKS = frozenset(["toYaml", "toYamlPretty", "nindent", "indent", "tpl", "Get", "range", "join"])


@dataclass(frozen=True)
class LinePattern:
    """``literals`` are the parts that are printed as they stand, with anything between them.

    ``open`` patterns stand for any number of lines that are not known (``toYaml``). ``loop`` is the number of the
    first line of the innermost ``range`` around the line, or -1.
    """

    literals: tuple[str, ...]
    file: str
    line: int
    open: bool = False
    loop: int = -1

    def weight(self, text: str) -> float:
        """How well a rendered line, stripped, fits; 0: not at all."""
        if self.open:
            return 0.01
        if len(self.literals) == 1:
            return 4.0 if text == self.literals[0] else 0.0
        known = sum(map(len, self.literals))
        fits = known > 1 and re.fullmatch(".*".join(map(re.escape, self.literals)), text, re.DOTALL)
        return 2.0 + min(known, 40) / 40 if fits else 0.0


def line_patterns(body: Body, file: str, definitions: t.Mapping[str, Definition]) -> list[LinePattern]:
    """Of a template file, with the named templates that it includes in their places."""
    writer = _Writer(definitions)
    writer.body(body, file, 0)
    writer.end_line()
    return writer.lines


def item_text(line: str) -> str:
    """A line without its indentation and without the dashes of the lists that begin on it."""
    return _DASHES.sub("", line)


class _Writer:
    """Puts lines together from text and actions."""

    def __init__(self, definitions: t.Mapping[str, Definition]) -> None:
        self._definitions = definitions
        self.lines: list[LinePattern] = []
        self._literals: list[str] = [""]
        self._place: tuple[str, int] | None = None
        self._loops: list[int] = []

    def body(self, body: Body, file: str, depth: int) -> None:
        for node in body:
            if len(self.lines) > MOST_LINES:
                return
            if isinstance(node, Text):
                self._text(node, file)
            elif isinstance(node, Output):
                self._output(node, file, depth)
            elif isinstance(node, Template):
                self._included(node.name, file, node.line, depth, block=False)
            elif isinstance(node, Block):
                self._block(node, file, depth)

    def end_line(self) -> None:
        literals = (item_text(self._literals[0]), *self._literals[1:])
        literals = (*literals[:-1], literals[-1].rstrip())
        if self._place and any(literal.strip() for literal in literals):
            self._add(LinePattern(tuple(literals), *self._place))
        self._literals, self._place = [""], None

    def _add(self, pattern: LinePattern) -> None:
        loop = self._loops[-1] if self._loops else -1
        self.lines.append(LinePattern(pattern.literals, pattern.file, pattern.line, pattern.open, loop))

    def _text(self, node: Text, file: str) -> None:
        for number, part in enumerate(node.text.split("\n")):
            if number:
                self.end_line()
            if part.strip() and self._place is None:
                self._place = (file, node.line + number)
            self._literals[-1] += part

    def _output(self, node: Output, file: str, depth: int) -> None:
        if node.pipeline.variables:
            return
        calls = list(_chain(node.pipeline.expression))
        block = any(call.function in _BLOCKS for call in calls)
        name = next((_name(call) for call in calls if call.function == "include"), "")
        if name:
            self._included(name, file, node.line, depth, block=block)
        elif block:
            self._open_line(file, node.line)
        else:
            self._hole(file, node.line)

    def _included(self, name: str, file: str, line: int, depth: int, *, block: bool) -> None:
        found = self._definitions.get(name)
        if found is None or depth >= DEEPEST:
            self._open_line(file, line) if block else self._hole(file, line)
        elif block or _spans_lines(found.body):
            # "- {{ include … }}": the dash and the first line that is included are one line; nindent begins a new one.
            if block or item_text("".join(self._literals)).strip():
                self.end_line()
            self.body(found.body, found.file, depth + 1)
            self.end_line()
        else:
            self._hole(file, line)

    def _block(self, node: Block, file: str, depth: int) -> None:
        if node.kind == "range":
            self.end_line()
            self._loops.append(len(self.lines))
            self.body(node.body, file, depth)
            self.end_line()
            self._loops.pop()
        else:
            self.body(node.body, file, depth)
        self.body(node.otherwise, file, depth)

    def _open_line(self, file: str, line: int) -> None:
        self.end_line()
        self._add(LinePattern((), file, line, open=True))

    def _hole(self, file: str, line: int) -> None:
        self._place = self._place or (file, line)
        self._literals.append("")


def _chain(expression: Expression) -> t.Iterator[Call]:
    """The calls of a pipeline, the last one first."""
    while isinstance(expression, Call):
        yield expression
        if not expression.arguments:
            return
        expression = expression.arguments[0 if expression.function in ("include", "tpl") else -1]


def _name(call: Call) -> str:
    first = call.arguments[0] if call.arguments else None
    return first.value if isinstance(first, Literal) and isinstance(first.value, str) else ""


def _spans_lines(body: Body) -> bool:
    return "\n" in _sketch(body).strip()


def _sketch(body: Body) -> str:
    """What the body could print, with a letter for each action."""
    text = ""
    for node in body:
        if isinstance(node, Text):
            text += node.text
        elif isinstance(node, Block):
            text += _sketch(node.body) + _sketch(node.otherwise)
        elif isinstance(node, Template) or not node.pipeline.variables:
            text += "x"
    return text
