"""What the functions of Go, Sprig and Helm do with what they are given, as far as it matters for reads of values."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.data import (
    ANY,
    NOTHING,
    UNKNOWN,
    Choice,
    Context,
    Data,
    FromValues,
    Made,
    Mapping,
    Origin,
    Sequence,
    changed,
    choice,
    paths,
)

Known = t.Callable[[Data], t.Any]

SERIALIZERS = frozenset(
    ["toYaml", "toYamlPretty", "mustToYaml", "toJson", "mustToJson", "toPrettyJson", "toRawJson", "toToml"]
)
# They give back (a part of) the map or list that they are given.
_TRANSPARENT = frozenset(
    ["deepCopy", "mustDeepCopy", "fromYaml", "fromJson", "fromYamlArray", "fromJsonArray", "omit", "pick"]
)
_MERGES = frozenset(["merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"])
_LISTS = frozenset(
    [
        "append",
        "prepend",
        "concat",
        "mustAppend",
        "mustPrepend",
        "without",
        "compact",
        "uniq",
        "rest",
        "initial",
        "reverse",
    ]
)
_COMPARED = frozenset(["gt", "ge", "lt", "le", "until", "untilStep"])
# Reads of them take a missing value for what it is.
_TESTS = frozenset(["not", "empty", "eq", "ne", "kindIs", "kindOf", "typeIs", "typeOf", "isNil"]) | _COMPARED


def is_compared(function: str) -> bool:
    """Functions that fail, or count wrong, when they are given text instead of a number."""
    return function in _COMPARED


def apply(function: str, given: list[Data], origin: Origin, known: Known) -> Data:
    """What ``function`` gives back for ``given``. ``include`` and ``tpl`` are the reader's own affair."""
    special = _SPECIAL.get(function)
    if special is not None:
        return special(given, origin, known)
    if function in SERIALIZERS:
        return choice(changed(one, whole=True) for one in given)
    if function in _TRANSPARENT:
        return given[0] if given and function != "pick" else choice(given)
    if function in _MERGES:
        return _merge(given)
    if function in _LISTS:
        return Sequence([item for one in given for item in (one.items if isinstance(one, Sequence) else [one])])
    if function in _TESTS:
        sources = tuple(changed(one, guarded=True) for one in given)
        return Made(sources, _test(function, [known(x) for x in given]), function in ("not", "empty"))
    return Made(tuple(one for one in given if not _is_constant(one)))


def field(data: Data, name: str, origin: Origin) -> Data:
    """``data.name``"""
    if isinstance(data, FromValues):
        return data.below(name, origin=origin)
    if isinstance(data, Context):
        if name == "Values":
            return FromValues(data.scope, origin)
        return Made() if name != "Subcharts" else Made((), "subcharts")
    if isinstance(data, Mapping):
        found = ([data.entries[name]] if name in data.entries else []) + [
            changed(field(other, name, origin), guarded=True) for other in data.others
        ]
        return choice(found) if found else NOTHING
    if isinstance(data, Choice):
        found = [one for one in (field(option, name, origin) for option in data.options) if one != NOTHING]
        return choice(changed(one, guarded=True) if len(found) > 1 else one for one in found)
    if isinstance(data, Made) and data.known is UNKNOWN:
        return Made(data.sources)
    return NOTHING


def element(data: Data) -> Data:
    """What ``range`` hands out."""
    if isinstance(data, FromValues):
        return data.below(ANY)
    if isinstance(data, Mapping):
        return choice([*data.entries.values(), *(element(other) for other in data.others)])
    if isinstance(data, Sequence):
        return choice(data.items)
    if isinstance(data, Choice):
        return choice(element(option) for option in data.options)
    return Made(data.sources) if isinstance(data, Made) else Made()


def _is_constant(data: Data) -> bool:
    return isinstance(data, Context) or (isinstance(data, Made) and not data.sources)


def _step(data: Data, by: Data, origin: Origin, known: Known) -> Data:
    """``index data by``"""
    name = known(by)
    if isinstance(name, str):
        return field(data, name, origin)
    if isinstance(name, int) and isinstance(data, FromValues):
        return data.below(name, origin=origin)
    if isinstance(data, FromValues):
        return data.below(ANY, origin=origin)
    return element(data)


def _index(given: list[Data], origin: Origin, known: Known) -> Data:
    data = given[0] if given else NOTHING
    for by in given[1:]:
        data = _step(data, by, origin, known)
    return data


def _get(given: list[Data], origin: Origin, known: Known) -> Data:
    return changed(_index(given, origin, known), guarded=True)


def _dig(given: list[Data], origin: Origin, known: Known) -> Data:
    """``dig "a" "b" default map``"""
    if len(given) < 3:
        return Made(tuple(given))
    *names, default, data = given
    return choice([default, changed(_index([data, *names], origin, known), guarded=True)])


def _pluck(given: list[Data], origin: Origin, known: Known) -> Data:
    return Sequence([changed(_index([data, given[0]], origin, known), guarded=True) for data in given[1:]])


def _has_key(given: list[Data], origin: Origin, known: Known) -> Data:
    found = _get(given[:2], origin, known)
    inside, name = (known(one) for one in (*given, NOTHING, NOTHING)[:2])
    there = name in inside if isinstance(inside, dict) else UNKNOWN
    return Made((found,), there)


def _default(given: list[Data], _origin: Origin, known: Known) -> Data:
    if len(given) != 2:
        return choice(changed(one, guarded=True) for one in given)
    wanted, instead = given[1], given[0]
    value = known(wanted)
    if value is UNKNOWN:
        return choice([changed(wanted, guarded=True), changed(instead, guarded=True)])
    # What is not taken is still read: it must be seen, and may be missing.
    other = changed(instead, guarded=True, reached=None) if value else instead
    return choice([changed(wanted, guarded=True), other])


def _coalesce(given: list[Data], _origin: Origin, _known: Known) -> Data:
    return choice(changed(one, guarded=True) for one in given if not _is_constant(one))


def _required(given: list[Data], _origin: Origin, _known: Known) -> Data:
    return changed(given[-1], guarded=True) if given else NOTHING


def _ternary(given: list[Data], _origin: Origin, known: Known) -> Data:
    if len(given) != 3:
        return Made(tuple(given))
    value = known(given[2])
    if not isinstance(value, bool):
        return choice(changed(one, guarded=True, reached=None) for one in given[:2])
    taken, left = given[:2] if value else (given[1], given[0])
    waits_for = frozenset(found.path for found in paths(given[2]))
    return choice([taken, changed(left, guarded=True, reached=False, waits_for=waits_for)])


def _logic(stops_at: bool) -> t.Callable[[list[Data], Origin, Known], Data]:
    def run(given: list[Data], _origin: Origin, known: Known) -> Data:
        values = [known(one) for one in given]
        sources = tuple(changed(one, guarded=True) for one in given)
        for value in values:
            if value is not UNKNOWN and bool(value) is stops_at:
                # An unknown one before it can only decide the same way.
                return Made(sources, value, logical=True)
        return Made(sources, UNKNOWN if UNKNOWN in values or not values else values[-1], logical=True)

    return run


def _dict(given: list[Data], _origin: Origin, known: Known) -> Data:
    made = Mapping()
    for name, value in zip(given[::2], given[1::2], strict=False):
        _put(made, known(name), value)
    return made


def _set(given: list[Data], _origin: Origin, known: Known) -> Data:
    if len(given) == 3 and isinstance(given[0], Mapping):
        _put(given[0], known(given[1]), given[2])
    return given[0] if given else NOTHING


def _put(made: Mapping, name: t.Any, value: Data) -> None:
    if isinstance(name, str):
        # Set twice, maybe in two branches: it can be either.
        made.entries[name] = choice([made.entries[name], value]) if name in made.entries else value
    elif len(made.others) < 50:
        made.others.append(Sequence([value]))


def _merge(given: list[Data]) -> Data:
    made = Mapping()
    for one in given:
        if not isinstance(one, Mapping):
            made.others.append(one)
            continue
        for name, value in one.entries.items():
            made.entries.setdefault(name, value)
        made.others += one.others
    return made if len(given) > 1 else given[0] if given else NOTHING


def _list(given: list[Data], _origin: Origin, _known: Known) -> Data:
    return Sequence(given)


def _first(given: list[Data], _origin: Origin, _known: Known) -> Data:
    return element(given[0]) if given else NOTHING


def _values(given: list[Data], _origin: Origin, _known: Known) -> Data:
    return Sequence([element(one) for one in given])


def _test(function: str, values: list[t.Any]) -> t.Any:
    if UNKNOWN in values or not values:
        return UNKNOWN
    first = values[0]
    if function in ("not", "empty"):
        return not first
    if function in ("eq", "ne") and len(values) > 1:
        same = any(type(first) is type(other) and first == other for other in values[1:])
        return same if function == "eq" else not same
    return UNKNOWN


_SPECIAL: dict[str, t.Callable[[list[Data], Origin, Known], Data]] = {
    "index": _index,
    "get": _get,
    "dig": _dig,
    "pluck": _pluck,
    "hasKey": _has_key,
    "default": _default,
    "coalesce": _coalesce,
    "required": _required,
    "ternary": _ternary,
    "and": _logic(stops_at=False),
    "or": _logic(stops_at=True),
    "dict": _dict,
    "set": _set,
    "list": _list,
    "tuple": _list,
    "first": _first,
    "last": _first,
    "values": _values,
}
