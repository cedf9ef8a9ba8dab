"""``ValuesFile``: a file of values with the line of everything in it, read so that no file can do harm."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError, Place
from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text

# Helm's own limit for a file of a chart (pkg/chart/loader/archive: MaxDecompressedFileSize).
LARGEST_FILE = 5 * 1024 * 1024
DEEPEST = 100
MOST_NODES = 200_000
Values = dict[str, t.Any]


@dataclass(frozen=True)
class Duplicate:
    """A key that a mapping has twice: Helm keeps the last and says nothing."""

    path: ValuePath
    line: int
    first_line: int


@dataclass(frozen=True)
class ValuesFile:
    """``lines`` knows every key and list entry, maps and lists included; lines count from 1."""

    file: str
    text: str
    data: Values
    lines: t.Mapping[ValuePath, int]
    duplicates: tuple[Duplicate, ...] = ()


def refuse(file: str, cause: str, *, line: int = 0, evidence: str = "", fix: str = "") -> HarvisError:
    """A VAL-INPUT error, ready to be raised."""
    return HarvisError(Finding.at("VAL-INPUT", Place(file, line), cause, evidence=evidence, fix=fix))


def decode(file: str, raw: bytes) -> str:
    """Raises HarvisError (VAL-INPUT) for a file that is too large, or no text."""
    if len(raw) > LARGEST_FILE:
        cause = f"is {len(raw) / 2**20:.1f} MiB; Helm reads files of up to {LARGEST_FILE >> 20} MiB"
        raise refuse(file, cause, fix="Move data that is no setting out of the file.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise refuse(file, "is not UTF-8 text", evidence=str(exc)) from exc
    if "\0" in text:
        raise refuse(file, "is a binary file")
    return text


def read_values(file: str, raw: bytes) -> ValuesFile:
    """The file's values; several documents are merged, as Helm does. Raises HarvisError (VAL-INPUT).

    Positions come from libyaml's marks. ruamel.yaml's round trip knows them too and takes some forty times as long
    (2.5 s against 0.06 s for 5,000 leaves), because it is written in Python.
    """
    import yaml

    text = decode(file, raw)
    _check_size(file, text)
    reader = _Reader(file)
    data: Values = {}
    try:
        for root in yaml.compose_all(text, Loader=yaml_text.loader()):
            if root is not None and not _is_null(root):
                data = merge_maps(data, reader.root(root))
    except yaml.YAMLError as exc:
        raise _syntax(file, exc) from exc
    return ValuesFile(file, text, data, reader.lines, tuple(reader.duplicates))


def merge_maps(base: Values, over: Values) -> Values:
    """``over`` on ``base``; a null in ``over`` stays, so that it can delete a chart's default later."""
    merged = dict(base)
    for key, value in over.items():
        mine = merged.get(key)
        merged[key] = merge_maps(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return merged


def _check_size(file: str, text: str) -> None:
    """Refuse deep and huge documents before anything recursive reads them; an alias counts as all it stands for."""
    import yaml

    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    total = 0
    try:
        for event in yaml.parse(text, Loader=yaml_text.loader()):
            if isinstance(event, yaml.AliasEvent):
                total += sizes.get(event.anchor, 1)
            elif isinstance(event, yaml.NodeEvent):
                total += 1
                if isinstance(event, yaml.CollectionStartEvent):
                    open_nodes.append((event.anchor, total))
                elif event.anchor:
                    sizes[event.anchor] = 1
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = open_nodes.pop()
                if anchor:
                    sizes[anchor] = total - before + 1
            if len(open_nodes) > DEEPEST or total > MOST_NODES:
                cause = (
                    f"is nested deeper than {DEEPEST} levels"
                    if len(open_nodes) > DEEPEST
                    else (f"holds more than {MOST_NODES:,} values, counting what its aliases stand for")
                )
                raise refuse(file, cause, line=event.start_mark.line + 1, fix="Make the file smaller.")
    except yaml.YAMLError as exc:
        raise _syntax(file, exc) from exc


def _syntax(file: str, exc: t.Any) -> HarvisError:
    mark = getattr(exc, "problem_mark", None)
    said = " ".join(str(getattr(exc, "problem", None) or exc).split())
    return refuse(file, "is not valid YAML", line=mark.line + 1 if mark else 0, evidence=said)


def _is_null(node: t.Any) -> bool:
    return bool(node.tag == "tag:yaml.org,2002:null")


class _Reader:
    """Builds values from nodes and notes lines on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[ValuePath, int] = {}
        self.duplicates: list[Duplicate] = []
        self._open: set[int] = set()

    def root(self, node: t.Any) -> Values:
        import yaml

        if not isinstance(node, yaml.MappingNode):
            raise refuse(self.file, "is not a mapping of values", line=node.start_mark.line + 1)
        return t.cast(Values, self._value(node, ()))

    def _value(self, node: t.Any, path: ValuePath) -> t.Any:
        import yaml

        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if id(node) in self._open:
            raise refuse(self.file, f"{dotted(path)} contains itself", line=node.start_mark.line + 1)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            return [self._entry(child, (*path, index)) for index, child in enumerate(node.value)]
        finally:
            self._open.discard(id(node))

    def _entry(self, node: t.Any, path: ValuePath) -> t.Any:
        self.lines[path] = node.start_mark.line + 1
        return self._value(node, path)

    def _mapping(self, node: t.Any, path: ValuePath) -> Values:
        found: Values = {}
        seen: dict[str, int] = {}
        merged: Values = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == "tag:yaml.org,2002:merge":
                merged = {**self._merge_key(value_node, path), **merged}
                continue
            key = _key(key_node)
            at = (*path, key)
            if key in seen:
                self.duplicates.append(Duplicate(at, line, seen[key]))
            seen[key] = self.lines[at] = line
            found[key] = self._value(value_node, at)
        return {**merged, **found}

    def _merge_key(self, node: t.Any, path: ValuePath) -> Values:
        import yaml

        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found: Values = {}
        for source in reversed(sources):
            value = self._value(source, path)
            found.update(value if isinstance(value, dict) else {})
        return found


def _key(node: t.Any) -> str:
    """Helm's values are JSON, where keys are text."""
    import yaml

    if not isinstance(node, yaml.ScalarNode):
        return yaml.serialize(node).strip()
    value = _scalar(node)
    return {True: "true", False: "false", None: "null"}.get(value, str(value)) if not isinstance(value, str) else value


def _scalar(node: t.Any) -> t.Any:
    if node.tag == "tag:yaml.org,2002:int" and ":" in node.value:
        return node.value  # base 60 is YAML 1.1's alone; Helm's reader takes 12:30 as text
    return yaml_text.scalar(node)
