"""TOML edited value by value: what is not named stays as it is, byte for byte, comments included."""

from __future__ import annotations

import copy
import json
import re
import tomllib
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail

Keys = tuple[str, ...]
BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Assignment:
    """One value and the keys that lead to it."""

    keys: Keys
    value: t.Any


def parse(text: str, file: str) -> dict[str, t.Any]:
    """Raises HarvisError (RUN-CONFIG) with the parser's own line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise fail(
            "RUN-CONFIG", file, "is not TOML", evidence=str(exc), fix="Mend the file; nothing was changed."
        ) from exc


def lookup(data: t.Any, keys: Keys) -> t.Any:
    """The value at ``keys``; None where the path ends early."""
    for key in keys:
        if not isinstance(data, dict) or key not in data:
            return None
        data = data[key]
    return data


def assign(text: str, wanted: t.Sequence[Assignment], file: str) -> str:
    """``text`` with every value set. Raises HarvisError (RUN-CONFIG) when the text cannot be edited faithfully."""
    missing = [a for a in wanted if lookup(parse(text, file), a.keys) != a.value]
    if not missing:
        return text
    data = parse(text, file)
    inside = [a for a in missing if isinstance(lookup(data, a.keys[:-1]), dict) and _has_own_lines(text, a.keys[:-1])]
    appended = [a for a in missing if a not in inside]
    edited = _set_in_place(text, inside) if inside else text
    edited += _tables(appended, after=edited) if appended else ""
    return _proven(edited, _assigned(data, missing), file)


def remove(text: str, paths: t.Sequence[Keys], file: str) -> str:
    """``text`` without what lies at ``paths``."""
    import tomlkit

    data = parse(text, file)
    present = [keys for keys in paths if lookup(data, keys) is not None]
    if not present:
        return text
    document = tomlkit.parse(text)
    expected = copy.deepcopy(data)
    for keys in present:
        for root in (document, expected):
            _parent(root, keys).pop(keys[-1])
    return _proven(tomlkit.dumps(document), expected, file)


def _has_own_lines(text: str, keys: Keys) -> bool:
    """Whether a table has a header: one that exists only through its children takes no value in place."""
    import tomlkit

    table: t.Any = tomlkit.parse(text)
    for key in keys:
        table = table[key]
    return bool(keys) and not getattr(table, "is_super_table", lambda: False)()


def _set_in_place(text: str, wanted: t.Sequence[Assignment]) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    for assignment in wanted:
        _parent(document, assignment.keys)[assignment.keys[-1]] = assignment.value
    return tomlkit.dumps(document)


def _parent(data: t.Any, keys: Keys) -> t.Any:
    for key in keys[:-1]:
        data = data[key]
    return data


def _tables(wanted: t.Sequence[Assignment], *, after: str) -> str:
    """New tables as text for the end of the file, where TOML lets any table stand."""
    tables: dict[Keys, list[Assignment]] = {}
    for assignment in wanted:
        tables.setdefault(assignment.keys[:-1], []).append(assignment)
    lines = [] if not after or after.endswith("\n") else [""]
    for keys, values in tables.items():
        header = ".".join(map(_key, keys))
        lines += ["", f"[{header}]"] if header else []
        lines += [f"{_key(a.keys[-1])} = {_value(a.value)}" for a in values]
    text = "\n".join(lines) + "\n"
    return text if after else text.lstrip("\n")


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else json.dumps(name)


def _value(value: t.Any) -> str:
    import tomlkit

    return tomlkit.item(value).as_string()


def _assigned(data: dict[str, t.Any], wanted: t.Sequence[Assignment]) -> dict[str, t.Any]:
    result = copy.deepcopy(data)
    for assignment in wanted:
        table = result
        for key in assignment.keys[:-1]:
            table = table.setdefault(key, {})
        table[assignment.keys[-1]] = assignment.value
    return result


def _proven(text: str, expected: dict[str, t.Any], file: str) -> str:
    """``text``, read by another parser than the one that wrote it: nothing but the wanted values may differ."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        found = {"not TOML": str(exc)}
    # An empty table may go with what was in it: to every reader of configuration it says the same as none.
    if _full(found) != _full(expected):
        raise fail(
            "RUN-CONFIG",
            file,
            "cannot be edited without changing what else it says",
            evidence="inline tables or dotted keys stand where the runtime's table must go",
            fix='Write the plugin\'s section with a header of its own ([plugins."…"]); nothing was changed.',
        )
    return text


def _full(data: t.Any) -> t.Any:
    """``data`` without empty tables."""
    if not isinstance(data, dict):
        return data
    full = {key: _full(value) for key, value in data.items()}
    return {key: value for key, value in full.items() if value != {}}
