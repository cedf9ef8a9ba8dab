"""Setting and removing one leaf in YAML text, leaving every other character as it was.

A YAML library that writes a file again moves comments and spacing; here it only says where things lie.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text

Keys = tuple[str, ...]
Node = t.Any
STEP = 2


class NotSpliceable(Exception):
    """The text has no place where this could be written; the message says why."""


def set_leaf(text: str, path: Keys, value: str | int) -> str:
    """``text`` with ``value`` at ``path``; mappings that are missing on the way are added."""
    place, depth = _deepest(text, path)
    if place is None:
        return _appended(text, _block(path, value, 0))
    pair = _pair(place, path[depth])
    rest = path[depth + 1 :]
    if pair is None:
        return _added(text, place, path[depth:], value)
    key, found = pair
    if not rest:
        return _replaced(text, key, found, _scalar(value))
    if place.flow_style:
        return _replaced(text, key, found, "{" + _in_flow(rest, value) + "}")
    return _filled(text, key, found, rest, value)


def remove_leaf(text: str, path: Keys) -> str:
    """``text`` without the leaf at ``path``, which is there."""
    place, depth = _deepest(text, path)
    pair = _pair(place, path[depth]) if depth == len(path) - 1 else None
    if pair is None:
        raise NotSpliceable(f"{'.'.join(path)} is not there")
    key, found = pair
    if place.flow_style:
        return _without_in_flow(text, key, found)
    start = text.rindex("\n", 0, key.start_mark.index) + 1 if "\n" in text[: key.start_mark.index] else 0
    return text[:start] + text[_line_end(text, found) :]


def _deepest(text: str, path: Keys) -> tuple[Node, int]:
    """The mapping furthest down ``path`` that has entries, and how many keys lead to it."""
    place = yaml_text.compose(text)
    if place is None:
        return None, 0
    shared = _shared(place)
    depth = 0
    while depth < len(path) - 1:
        pair = _pair(place, path[depth])
        if pair is None or _is_empty(pair[1]):
            break
        place = pair[1]
        depth += 1
        where = ".".join(path[:depth])
        if place.id != "mapping":
            raise NotSpliceable(f"{where} is no mapping")
        if id(place) in shared:
            raise NotSpliceable(f"{where} is tied to another block by an anchor; write it out")
    return place, depth


def _shared(root: Node) -> set[int]:
    """Nodes that an alias leads to."""
    seen: set[int] = set()
    twice: set[int] = set()
    todo = [root]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            twice.add(id(node))
            continue
        seen.add(id(node))
        if node.id == "mapping":
            todo += [value for _, value in node.value]
        elif node.id == "sequence":
            todo += node.value
    return twice


def _pair(place: Node, key: str) -> tuple[Node, Node] | None:
    """The last one counts where a key stands twice."""
    found = [pair for pair in place.value if pair[0].id == "scalar" and pair[0].value == key]
    return found[-1] if found else None


def _is_empty(node: Node) -> bool:
    """``{}``, ``null``, ``~`` or nothing."""
    return (node.id == "mapping" and not node.value) or (node.id == "scalar" and node.tag.endswith(":null"))


def _added(text: str, place: Node, path: Keys, value: str | int) -> str:
    """After the last entry of a mapping that has some, before comments that belong to what follows."""
    last = place.value[-1][1] if place.value else None
    if place.flow_style:
        entry = _in_flow(path, value)
        if last is None:
            return _put(text, place.end_mark.index - 1, place.end_mark.index - 1, entry)
        return _put(text, last.end_mark.index, last.end_mark.index, f", {entry}")
    if last is None:
        raise NotSpliceable(f"there is no place for {'.'.join(path)}")
    return _inserted(text, _line_end(text, last), _block(path, value, place.value[0][0].start_mark.column))


def _filled(text: str, key: Node, found: Node, rest: Keys, value: str | int) -> str:
    """A block in place of ``{}``, ``null`` or nothing; a comment on that line stays there."""
    if not _is_empty(found):
        raise NotSpliceable(f"{key.value} is no mapping")
    column = key.start_mark.column
    emptied = _replaced(text, key, found, "")
    end = emptied.find("\n", key.end_mark.index)
    return _inserted(emptied, len(emptied) if end < 0 else end + 1, _block(rest, value, column + STEP))


def _replaced(text: str, key: Node, found: Node, new: str) -> str:
    if found.id == "scalar" and found.start_mark.index == found.end_mark.index:  # nothing behind the colon
        colon = text.index(":", key.end_mark.index) + 1
        return _put(text, colon, colon, f" {new}" if new else "")
    if found.start_mark.index < key.end_mark.index:
        raise NotSpliceable(f"{key.value} is tied to another value by an anchor; write it out")
    if found.id != "scalar" and found.value:
        raise NotSpliceable(f"{key.value} is no single value")
    start = found.start_mark.index
    if not new:
        start -= len(text[:start]) - len(text[:start].rstrip(" "))
    return _put(text, start, found.end_mark.index, new)


def _without_in_flow(text: str, key: Node, found: Node) -> str:
    start, end = key.start_mark.index, found.end_mark.index
    before, after = text[:start].rstrip(), text[end:].lstrip()
    if before.endswith(","):
        return before[:-1] + text[end:]
    return before + after[1:].lstrip() if after.startswith(",") else before + after


def _line_end(text: str, node: Node) -> int:
    """Where the line after the last one of ``node`` begins; comments and blank lines behind it are not part of it."""
    while node.id in ("mapping", "sequence") and not node.flow_style and node.value:
        node = node.value[-1][1] if node.id == "mapping" else node.value[-1]
    if node.id == "scalar" and node.style in ("|", ">"):
        return int(node.end_mark.index)
    end = text.find("\n", node.end_mark.index)
    return len(text) if end < 0 else end + 1


def _block(path: Keys, value: str | int, column: int) -> list[str]:
    lines = [" " * (column + STEP * depth) + f"{_key(key)}:" for depth, key in enumerate(path)]
    lines[-1] += f" {_scalar(value)}"
    return lines


def _in_flow(path: Keys, value: str | int) -> str:
    opened = "".join(f"{_key(key)}: {{" for key in path[:-1])
    return f"{opened}{_key(path[-1])}: {_scalar(value)}" + "}" * (len(path) - 1)


def _key(key: str) -> str:
    plain = key.replace("/", "").replace(".", "").replace("-", "").replace("_", "").isalnum() and not key.isdecimal()
    return key if plain else json.dumps(key)


def _scalar(value: str | int) -> str:
    """``"12"`` in quotes: without them a CPU count would become a number, which schemas may refuse."""
    return f'"{value}"' if isinstance(value, str) and value.isdecimal() else str(value)


def _appended(text: str, lines: list[str]) -> str:
    return _inserted(text, len(text), lines)


def _inserted(text: str, index: int, lines: list[str]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    before = text[:index]
    if before and not before.endswith("\n"):
        before += newline
    return before + "".join(line + newline for line in lines) + text[index:]


def _put(text: str, start: int, end: int, new: str) -> str:
    return text[:start] + new + text[end:]
