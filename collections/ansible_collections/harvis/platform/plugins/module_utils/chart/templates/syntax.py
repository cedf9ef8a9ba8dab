"""What a Go template consists of."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


class TemplateSyntaxError(ValueError):
    """The text is no Go template; ``line`` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True)
class Dot:
    """``.``"""

    line: int


@dataclass(frozen=True)
class Variable:
    """``$name``; ``$`` alone is the data that the template was started with."""

    name: str
    line: int


@dataclass(frozen=True)
class Literal:
    """A string, number, boolean or nil."""

    value: t.Any
    line: int


@dataclass(frozen=True)
class Access:
    """``base.a.b``."""

    base: Expression
    names: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Call:
    """A function with its arguments; what is piped into it is the last one."""

    function: str
    arguments: tuple[Expression, ...]
    line: int


@dataclass(frozen=True)
class Method:
    """``.Files.Get "name"``: something of the context, called."""

    target: Expression
    arguments: tuple[Expression, ...]
    line: int


Expression = Dot | Variable | Literal | Access | Call | Method


@dataclass(frozen=True)
class Pipeline:
    """An expression, and the variables it is put into; ``declares`` says ``:=`` rather than ``=``."""

    expression: Expression
    variables: tuple[str, ...] = ()
    declares: bool = True


@dataclass(frozen=True)
class Text:
    text: str
    line: int


@dataclass(frozen=True)
class Output:
    """An action that prints, unless it sets a variable. ``source`` is its text, for people."""

    pipeline: Pipeline
    line: int
    source: str


@dataclass(frozen=True)
class Block:
    """``if``, ``with`` or ``range`` with its two bodies; ``else if`` is a block inside ``otherwise``."""

    kind: str
    pipeline: Pipeline
    body: Body
    otherwise: Body
    line: int


@dataclass(frozen=True)
class Template:
    """``{{ template "name" data }}``."""

    name: str
    data: Pipeline | None
    line: int


Node = Text | Output | Block | Template
Body = tuple[Node, ...]


@dataclass(frozen=True)
class Definition:
    """A named template."""

    name: str
    body: Body
    file: str
    line: int


@dataclass(frozen=True)
class TemplateTree:
    """A file: what it prints itself, and the templates it defines."""

    file: str
    body: Body
    definitions: tuple[Definition, ...]
