"""What an expression can stand for, as far as it matters to know which values it reads."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath

ANY = -1
"""A part of a path that stands for each key or index."""


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()


@dataclass(frozen=True)
class Origin:
    """Where an expression stands."""

    file: str
    line: int
    expression: str


@dataclass(frozen=True)
class FromValues:
    """Something in values. ``guarded``: it may be missing; ``whole``: everything below it is taken;
    ``exact``: false when the rest of the path is computed; ``reached``: None when that depends on the cluster;
    ``waits_for``: what would have to be otherwise for it to be read; ``start``: where ``.Values`` itself is written."""

    path: ValuePath
    origin: Origin
    guarded: bool = False
    whole: bool = False
    exact: bool = True
    reached: bool | None = True
    waits_for: frozenset[ValuePath] = frozenset()
    start: Origin | None = None

    def below(self, *parts: str | int, origin: Origin | None = None) -> FromValues:
        origin = origin or self.origin
        return dataclasses.replace(self, path=(*self.path, *parts), origin=origin, start=self.start or origin)


@dataclass(frozen=True)
class Context:
    """The data that Helm starts a template with; ``scope`` is where the (sub)chart's values lie."""

    scope: ValuePath


@dataclass(frozen=True)
class Made:
    """Made from ``sources`` by a function; ``known`` is its value, where that can be told from the values.

    ``logical``: true or false as its sources are (``not``, ``and``, ``or``).
    """

    sources: tuple[Data, ...] = ()
    known: t.Any = UNKNOWN
    logical: bool = False


@dataclass(frozen=True)
class Choice:
    """One of them, or all of them merged."""

    options: tuple[Data, ...]


@dataclass(eq=False)
class Mapping:
    """A dict that the template makes and may change with ``set``."""

    entries: dict[str, Data] = field(default_factory=dict)
    others: list[Data] = field(default_factory=list)


@dataclass(eq=False)
class Sequence:
    """A list that the template makes."""

    items: list[Data]


Data = FromValues | Context | Made | Choice | Mapping | Sequence
NOTHING = Made(known=None)
OPAQUE = Made()
DEEPEST = 8


def choice(options: t.Iterable[Data]) -> Data:
    """Flat, without repetition."""
    flat: dict[t.Any, Data] = {}
    for option in options:
        for one in option.options if isinstance(option, Choice) else (option,):
            flat[one if not isinstance(one, Made) or _hashable(one) else id(one)] = one
    found = tuple(flat.values())
    return found[0] if len(found) == 1 else Choice(found) if found else NOTHING


def paths(data: Data, depth: int = 0) -> t.Iterator[FromValues]:
    """Everything in values that ``data`` stands for or was made from."""
    if isinstance(data, FromValues):
        yield data
    elif depth < DEEPEST:
        for part in _parts(data):
            yield from paths(part, depth + 1)


def tested(data: Data) -> t.Iterator[FromValues]:
    """What a condition takes for true or false itself; what it compares with something is not among it."""
    if isinstance(data, FromValues):
        yield data
    elif isinstance(data, Choice) or (isinstance(data, Made) and data.logical):
        for part in _parts(data):
            yield from tested(part)


def changed(data: Data, **changes: t.Any) -> Data:
    """The same with every path in it changed."""
    if isinstance(data, FromValues):
        return dataclasses.replace(data, **changes)
    if isinstance(data, Choice):
        return Choice(tuple(changed(one, **changes) for one in data.options))
    if isinstance(data, Made) and data.sources:
        return Made(tuple(changed(one, **changes) for one in data.sources), data.known, data.logical)
    return data


def key(data: Data, depth: int = 0) -> t.Hashable:
    """Equal for data that a named template reads in the same way."""
    if isinstance(data, FromValues | Context):
        return data
    if depth >= DEEPEST:
        return type(data).__name__
    if isinstance(data, Mapping):
        entries = tuple((name, key(value, depth + 1)) for name, value in sorted(data.entries.items()))
        return ("mapping", entries, tuple(key(value, depth + 1) for value in data.others))
    known = repr(data.known) if isinstance(data, Made) else ""
    return (type(data).__name__, known, tuple(key(part, depth + 1) for part in _parts(data)))


def _parts(data: Data) -> t.Iterable[Data]:
    if isinstance(data, Made):
        return data.sources
    if isinstance(data, Choice):
        return data.options
    if isinstance(data, Mapping):
        return (*data.entries.values(), *data.others)
    return data.items if isinstance(data, Sequence) else ()


def _hashable(made: Made) -> bool:
    try:
        hash(made)
    except TypeError:
        return False
    return True
