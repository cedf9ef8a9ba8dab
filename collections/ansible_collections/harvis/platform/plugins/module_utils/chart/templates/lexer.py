"""Go template text in pieces: plain text, and actions cut into tokens."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.syntax import TemplateSyntaxError

_COMMENT = re.compile(r"\{\{(?:-\s+)?\s*/\*.*?\*/(?:\s+-)?\s*\}\}", re.DOTALL)
_OPEN = re.compile(r"\{\{(?P<trim>-(?=\s))?")
_CLOSE = re.compile(r"(?P<trim>(?<=\s)-)?\}\}")
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<string>"(?:\\.|[^"\\\n])*"|`[^`]*`)
    | (?P<char>'(?:\\.|[^'\\\n])+')
    | (?P<number>[+-]?(?:0[xXbBoO][0-9a-fA-F_]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)i?)
    | (?P<variable>\$\w*)
    | (?P<field>\.\w+)
    | (?P<dot>\.)
    | (?P<word>\w+)
    | (?P<sign>:=|[=|(),])""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """``glued`` tokens follow the one before with no space between: ``.b`` in ``.a.b``, but not in ``.a .b``."""

    kind: str
    text: str
    line: int
    glued: bool


@dataclass(frozen=True)
class TextPiece:
    """Text between actions, trimmed as the markers beside it say."""

    text: str
    line: int


@dataclass(frozen=True)
class ActionPiece:
    """``source`` is what stands between the braces."""

    tokens: tuple[Token, ...]
    source: str
    line: int


Piece = TextPiece | ActionPiece


def pieces(text: str) -> t.Iterator[Piece]:
    """The template in order; comments are left out. Raises TemplateSyntaxError."""
    lines = _LineCounter(text)
    at, trim_left = 0, False
    while True:
        found = _OPEN.search(text, at)
        trim_right = bool(found and found["trim"])
        yield from _text(text, at, found.start() if found else len(text), trim_left, trim_right, lines)
        if found is None:
            return
        if comment := _COMMENT.match(text, found.start()):
            at, trim_left = comment.end(), comment.group().removesuffix("}}").rstrip().endswith("-")
            continue
        tokens, close = _action(text, found.end(), lines)
        yield ActionPiece(tokens, text[found.end() : close.start()].strip(), lines.at(found.start()))
        at, trim_left = close.end(), bool(close["trim"])


class _LineCounter:
    """Line of an offset, asked for in rising order: counts each line once."""

    def __init__(self, text: str) -> None:
        self._text, self._seen, self._line = text, 0, 1

    def at(self, offset: int) -> int:
        if offset < self._seen:
            self._seen, self._line = 0, 1
        self._line += self._text.count("\n", self._seen, offset)
        self._seen = offset
        return self._line


def _text(text: str, start: int, end: int, left: bool, right: bool, lines: _LineCounter) -> t.Iterator[TextPiece]:
    while left and start < end and text[start].isspace():
        start += 1
    while right and start < end and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield TextPiece(text[start:end], lines.at(start))


def _action(text: str, at: int, lines: _LineCounter) -> tuple[tuple[Token, ...], re.Match[str]]:
    tokens: list[Token] = []
    glued = False
    while not (close := _CLOSE.match(text, at)):
        found = _TOKEN.match(text, at)
        if found is None:
            # A trim marker's own dash, which _CLOSE sees once its space is behind us.
            raise TemplateSyntaxError(lines.at(at), "the action is not closed or holds a character Go does not know")
        kind = t.cast(str, found.lastgroup)
        if kind != "space":
            tokens.append(Token(kind, found.group(), lines.at(at), glued))
        glued = kind != "space"
        at = found.end()
    return tuple(tokens), close
