"""Which templates mention a leaf: a cheap look at their text that tells where a leaf can have an effect.

Leaves that no template mentions together can be told apart in one render. An effect in a template that does not mention
its leaf is explained by nobody, and likely leaves are then tried alone.
"""

from __future__ import annotations

import itertools
import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.files import Chart
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath

_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_VALUES = re.compile(r"\.Values((?:\.[A-Za-z_]\w*)*)((?:\s+\"[^\"]+\")*)|\"Values\"|\.Subcharts")
_INCLUDE = re.compile(r"\b(?:include|template)\s+(?:\"([^\"]+)\"|[(\$.])")
_FILE = re.compile(r"([\w.-]+\.(?:ya?ml|tpl|txt))\"")
_DEFINE = re.compile(r"\{\{-?\s*define\s+\"([^\"]+)\"")
_NO_EFFECT = "NOTES.txt"


class _Text:
    """What a template, or one named template in it, mentions."""

    def __init__(self, text: str) -> None:
        actions = " ".join(_ACTION.findall(text))
        self.paths = {_mention(match) for match in _VALUES.finditer(actions)}
        self.includes = {match[1] for match in _INCLUDE.finditer(actions) if match[1]}
        self.computed = any(not match[1] for match in _INCLUDE.finditer(actions))
        self.files = set(_FILE.findall(actions)) if self.computed else set()
        self.is_tpl = bool(re.search(r"\btpl\b", actions))


def mentioning(chart: Chart, leaves: t.Iterable[ValuePath]) -> dict[ValuePath, frozenset[str]]:
    """For each leaf the templates (Helm's names) in which it may have an effect."""
    index: dict[ValuePath, set[str]] = {}
    prefixes: dict[ValuePath, set[str]] = {}
    for path, source in _mentions(chart):
        index.setdefault(path, set()).add(source)
        for depth in range(len(path)):
            prefixes.setdefault(path[:depth], set()).add(source)
    found: dict[ValuePath, frozenset[str]] = {}
    for leaf in leaves:
        sources = set(prefixes.get(leaf, ()))
        for depth in range(len(leaf) + 1):
            sources |= index.get(leaf[:depth], set())
        found[leaf] = frozenset(sources)
    return found


def _mentions(chart: Chart) -> t.Iterator[tuple[ValuePath, str]]:
    texts, named, by_file = _texts(chart)
    written = _Text("\n".join(text for text in _strings(chart.values()) if "{{" in text))
    for each in chart.tree():
        for template in each.templates:
            if template.source.endswith(_NO_EFFECT):
                continue
            for path in _closure(texts[template.source], texts, named, by_file, written):
                for below in _places(each.at, path):
                    yield below, template.source
    for each in chart.tree():
        for dependency in each.dependencies:
            below = f"{each.source}/charts/{dependency.key}/"
            sources = [name for name in texts if name.startswith(below)]
            for path in (*dependency.conditions, *dependency.tags):
                yield from ((path, source) for source in sources)
            own = [template.source for template in each.templates]
            for entry in dependency.imports:
                yield from (((*each.at, dependency.key, *entry.child), source) for source in own)


def _texts(chart: Chart) -> tuple[dict[str, _Text], dict[str, list[_Text]], dict[str, list[str]]]:
    texts: dict[str, _Text] = {}
    named: dict[str, list[_Text]] = {}
    by_file: dict[str, list[str]] = {}
    for source, template in chart.all_templates().items():
        text = _COMMENT.sub("", template.text)
        texts[source] = _Text(text)
        by_file.setdefault(source.rpartition("/")[2], []).append(source)
        starts = [*_DEFINE.finditer(text)]
        for match, after in itertools.zip_longest(starts, starts[1:]):
            named.setdefault(match[1], []).append(_Text(text[match.start() : after.start() if after else len(text)]))
    return texts, named, by_file


def _closure(
    text: _Text,
    texts: dict[str, _Text],
    named: dict[str, list[_Text]],
    by_file: dict[str, list[str]],
    written: _Text,
) -> set[ValuePath]:
    """What a template mentions, itself or in what it includes."""
    paths: set[ValuePath] = set()
    waiting, seen = [text], {id(text)}
    while waiting:
        each = waiting.pop()
        paths |= each.paths
        more = [found for name in each.includes for found in named.get(name, [])]
        more += [texts[source] for name in each.files for source in by_file.get(name, [])]
        if each.computed and not each.files:
            paths.add(())
        if each.is_tpl:
            more.append(written)
        for found in more:
            if id(found) not in seen:
                seen.add(id(found))
                waiting.append(found)
    return paths


def _mention(match: re.Match[str]) -> ValuePath:
    if match[1] is None:
        return ()
    # `index .Values "a" "b"` and `get .Values "a"`; after `default .Values.x "…"` it is a path that nobody has.
    return (*filter(None, match[1].split(".")), *re.findall(r"\"([^\"]+)\"", match[2] if not match[1] else ""))


def _places(at: ValuePath, path: ValuePath) -> list[ValuePath]:
    """Where a mention points in the root chart's values: ``global`` is every parent's too."""
    if path[:1] == ("global",):
        return [(*at[:depth], *path) for depth in range(len(at) + 1)]
    if not path:
        return [at, *((*at[:depth], "global") for depth in range(len(at)))]
    return [(*at, *path)]


def _strings(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for below in value.values() if isinstance(value, dict) else value:
            yield from _strings(below)
