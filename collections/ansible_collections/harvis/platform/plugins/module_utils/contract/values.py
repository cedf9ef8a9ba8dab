"""What an expression may be when sources are read without being run: known, a text of the environment, or unknown."""

from __future__ import annotations

import ast
import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.contract.sources import Module

Value = t.Any
Check = t.Callable[[str | None], str]
"""Says why the application rejects a text (None: the variable is not there); empty when it does not."""


class _Unknown:
    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = _Unknown()


class Text(str):
    """A string of the sources, which knows where it stands."""

    __slots__ = ("file", "line")
    file: str
    line: int

    @classmethod
    def at(cls, text: str, file: str, line: int) -> Text:
        made = cls(text)
        made.file, made.line = file, line
        return made


class Missing:
    """No default."""


MISSING = Missing()


@dataclass(eq=False)
class Access:
    """One setting as it is being found out: names in the order of trying, and what is done with the text."""

    names: list[str]
    file: str
    line: int
    required: bool
    default: Value = MISSING
    tests_empty: bool = False
    merged: bool = False
    ignores_case: bool = False
    checks: list[Check] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class EnvText:
    """The text of a variable, with what string methods made of it. ``filled``: surely neither absent nor empty here."""

    access: Access
    compute: t.Callable[[t.Any], t.Any]
    filled: bool = False
    present: bool = False

    def derived(self, step: t.Callable[[t.Any], t.Any]) -> EnvText:
        return EnvText(self.access, lambda text: step(self.compute(text)), self.filled, self.present)


@dataclass(frozen=True)
class EnvHas:
    """The outcome of ``NAME in os.environ``."""

    name: str
    negated: bool = False


@dataclass(frozen=True, eq=False)
class Absent:
    """A list of those names that the environment does not give: what ``if missing: raise`` is about."""

    accesses: tuple[Access, ...]


@dataclass(frozen=True, eq=False)
class Choice:
    """One of several values; which, depends on what is not known."""

    options: tuple[Value, ...]


@dataclass(frozen=True)
class External:
    """Something outside the sources, by its dotted name: ``os.environ``."""

    name: str


ENVIRON = External("os.environ")


@dataclass(frozen=True, eq=False)
class Function:
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    module: Module
    scope: Scope
    defaults: dict[str, Value]
    receiver: Value = MISSING

    @property
    def name(self) -> str:
        return getattr(self.node, "name", "lambda")


@dataclass(frozen=True, eq=False)
class Class:
    name: str
    module: Module
    bases: tuple[Value, ...]
    namespace: dict[str, Value]
    fields: tuple[str, ...]
    node: ast.ClassDef

    def ancestors(self) -> t.Iterator[Class | External]:
        yield self
        for base in self.bases:
            if isinstance(base, Class):
                yield from base.ancestors()
            elif isinstance(base, External):
                yield base

    def derives(self, *names: str) -> bool:
        """Whether a base outside the sources has one of these last names (``BaseSettings``)."""
        return any(isinstance(a, External) and a.name.rpartition(".")[2] in names for a in self.ancestors())

    def lookup(self, name: str) -> Value:
        for ancestor in self.ancestors():
            if isinstance(ancestor, Class) and name in ancestor.namespace:
                return ancestor.namespace[name]
        return MISSING

    def all_fields(self) -> list[str]:
        """Annotated fields, those of bases first."""
        found: dict[str, None] = {}
        for ancestor in reversed(list(self.ancestors())):
            if isinstance(ancestor, Class):
                found.update(dict.fromkeys(ancestor.fields))
        return list(found)


@dataclass(frozen=True, eq=False)
class Instance:
    cls: Class
    attributes: dict[str, Value]


@dataclass(frozen=True)
class ModuleValue:
    """A module of the sources."""

    name: str


@dataclass(frozen=True, eq=False)
class Bound:
    """A method of a value that is not of the sources: ``"text".strip``."""

    receiver: Value
    name: str


@dataclass(frozen=True, eq=False)
class ExternalCall:
    """What a call of something outside gave: unknown, but how it was called may tell (``Field(alias=…)``)."""

    name: str
    args: tuple[Value, ...]
    keywords: dict[str, Value]


@dataclass(frozen=True, eq=False)
class EnvironKey:
    """A name met while walking over the whole environment; ``prefixes`` collects what it is asked to begin with."""

    prefixes: set[str]


@dataclass(frozen=True, eq=False)
class Walk:
    """A sequence that cannot be listed; all that is known is what its elements are like."""

    element: Value


@dataclass(frozen=True, eq=False)
class Partial:
    function: Value
    args: tuple[Value, ...]
    keywords: dict[str, Value]


@dataclass(eq=False)
class Scope:
    names: dict[str, Value]
    parent: Scope | None = None

    def get(self, name: str) -> Value:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return MISSING


class Raised(Exception):
    """The interpreted code raises, surely."""

    def __init__(self, kind: str, reason: str = "") -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class Exhausted(Exception):
    """More steps than an analysis may take."""


_NATIVE = (str, int, float, bool, type(None), bytes)


def is_native(value: Value) -> bool:
    """Whether nothing about the value is unknown."""
    if isinstance(value, (tuple, list, set, frozenset)):
        return all(map(is_native, value))
    if isinstance(value, dict):
        return all(is_native(k) and is_native(v) for k, v in value.items())
    return isinstance(value, _NATIVE)


def options(value: Value) -> tuple[Value, ...]:
    return value.options if isinstance(value, Choice) else (value,)


def choose(*values: Value) -> Value:
    """One value for all of them; unknown where there would be too many."""
    found: list[Value] = []
    for value in values:
        for option in options(value):
            if not any(option is known or _same(option, known) for known in found):
                found.append(option)
    if len(found) > MOST_OPTIONS:
        return UNKNOWN
    return found[0] if len(found) == 1 else Choice(tuple(found))


MOST_OPTIONS = 8


def _same(one: Value, other: Value) -> bool:
    return isinstance(one, _NATIVE) and type(one) is type(other) and one == other


def truth(value: Value) -> bool | None:
    """What ``bool(value)`` is; None when that is not known."""
    if isinstance(value, Choice):
        found = {truth(option) for option in value.options}
        return found.pop() if len(found) == 1 else None
    if isinstance(value, EnvText):
        return True if value.filled else None
    if isinstance(value, (str, int, float, bool, type(None), bytes, tuple, list, dict, set, frozenset)):
        return bool(value)
    return True if isinstance(value, (Function, Class, ModuleValue, Partial)) else None
