"""``Observer``: what one render with changed leaves differs in from the base render."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Effect
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Document, Rendered
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.compare import (
    ADDED,
    INSIDE,
    NAMED,
    Comparison,
    Key,
)
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.tokens import Tokens
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import CLUSTER_KINDS, Body, pointer
from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text

Trace = tuple[int, Key]
_SAME: tuple[t.Callable[[t.Any], t.Any], ...] = (
    lambda each: (each.source, each.plain),
    lambda each: each.plain,
    lambda each: (each.source, each.plain.split("/")[1]),
)


@dataclass(frozen=True)
class Observation:
    """``changed`` are the topmost keys that differ once the leaves' tokens are taken out, ``traced`` the tokens in
    fields
    that are otherwise as before, ``added`` those in fields that are not. ``rendered`` is what was looked at.

    ``renamed`` tells that an object went and another of its kind came: perhaps one leaf gave it another name.
    """

    changed: frozenset[Key]
    traced: frozenset[Trace]
    added: frozenset[Trace]
    error: str = ""
    rendered: Rendered | None = None
    renamed: frozenset[Key] = frozenset()
    # What Helm could not read, where it said so.
    invalid: str = ""


@dataclass(frozen=True)
class _Object:
    source: str
    address: str
    body: t.Any
    # The object's address with the tokens taken out.
    plain: str


class Observer:
    """Knows the base render. Documents that did not change are recognised by their text and not parsed again."""

    def __init__(self, base: Rendered, tokens: Tokens, namespace: str) -> None:
        self._tokens, self.namespace, self.size = tokens, namespace, base.size
        self.documents = base.documents()
        self._objects = [self._read_base(document) for document in self.documents]
        self._addresses = {(each.source, each.address) for objects in self._objects for each in objects}
        self._where: dict[tuple[str, str], list[int]] = {}
        for index, document in enumerate(self.documents):
            self._where.setdefault((document.source, tokens.strip(document.text)[0]), []).append(index)
        self._wobbles: frozenset[Key] = frozenset()

    def ignore(self, again: Rendered) -> frozenset[Key]:
        """Learn from a second base render which fields are random; they are left out from now on."""
        self._wobbles = frozenset(self.observe(again).changed)
        return self._wobbles

    def observe(self, rendered: Rendered, *, single: bool = True) -> Observation:
        """What differs from the base render. Only where a ``single`` leaf was changed can an object that came be an
        object that went, under another name."""
        if not rendered.ok:
            return Observation(frozenset(), frozenset(), frozenset(), rendered.error, invalid=rendered.invalid)
        comparison = Comparison(self._tokens)
        self._compare(rendered.documents(), comparison, single=single)
        changed = {key for key in comparison.changed if not any(key[: len(w)] == w for w in self._wobbles)}
        traced = {trace for trace in comparison.traced if not any(trace[1][: len(w)] == w for w in self._wobbles)}
        renamed = self._renamed(changed)
        return Observation(frozenset(changed), frozenset(traced), frozenset(comparison.added), "", rendered, renamed)

    def _renamed(self, changed: set[Key]) -> frozenset[Key]:
        """Objects that went or came, where one of a template and kind went and another one came."""
        gone: dict[tuple[str, str], set[Key]] = {}
        come: dict[tuple[str, str], set[Key]] = {}
        for key in changed:
            if len(key) == 2:
                kind = key[0], key[1].split("/")[1]
                (gone if key in self._addresses else come).setdefault(kind, set()).add(key)
        return frozenset(key for kind in gone.keys() & come.keys() for key in gone[kind] | come[kind])

    def _compare(self, documents: list[Document], comparison: Comparison, *, single: bool) -> None:
        free = {key: list(indexes) for key, indexes in self._where.items()}
        unmatched: list[Document] = []
        with_tokens: list[tuple[int, Document]] = []
        for document in documents:
            plain, leaves = self._tokens.strip(document.text)
            indexes = free.get((document.source, plain))
            if not indexes:
                unmatched.append(document)
                continue
            index = indexes.pop(0)
            if leaves:
                with_tokens.append((index, document))
        for index, document in with_tokens:
            self._objects_differ(self._objects[index], self._read(document), comparison, single=True)
        left = sorted(index for indexes in free.values() for index in indexes)
        mine = [each for index in left for each in self._objects[index]]
        theirs = [each for document in unmatched for each in self._read(document)]
        self._objects_differ(mine, theirs, comparison, single=single)

    def _objects_differ(self, base: list[_Object], new: list[_Object], comparison: Comparison, *, single: bool) -> None:
        for mine, theirs in _pairs(base, new, single=single):
            if mine is not None and theirs is not None:
                comparison.compare(mine.body, theirs.body, (mine.source, mine.address))
            elif mine is not None:
                comparison.changed.add((mine.source, mine.address))
            elif theirs is not None:
                comparison.changed.add((theirs.source, theirs.plain))
                comparison.appear(theirs.body, (theirs.source, theirs.plain))

    def _read_base(self, document: Document) -> list[_Object]:
        """Without tokens: the base may itself be a render with changes."""
        found = self._read(document)
        if not self._tokens.strip(document.text)[1]:
            return found
        return [_Object(o.source, o.plain, self._tokens.strip_all(o.body), o.plain) for o in found]

    def _read(self, document: Document) -> list[_Object]:
        import yaml

        try:
            body = yaml_text.load(document.text)
        except (yaml.YAMLError, ValueError, RecursionError):
            body = document.text  # compared as text
        return [
            _Object(document.source, address, each, self._plain(address))
            for each in _bodies(body)
            for address in [_address(each, self.namespace)]
        ]

    def _plain(self, address: str) -> str:
        plain, leaves = self._tokens.strip(address)
        # A namespace that is a token and nothing else stands where none was given.
        return f"{self.namespace}{plain}" if leaves and plain[:1] == "/" != address[:1] else plain


def effect_of(key: Key) -> Effect:
    """The effect that a key stands for: a part that was added, or lies inside a string, is its field's."""
    parts = list(key[2:])
    for index, part in enumerate(parts):
        if part.startswith((ADDED, INSIDE)):
            parts = parts[:index]
            break
        parts[index] = part.partition(NAMED)[0]
    return Effect(key[1], pointer(*parts))


def _bodies(body: t.Any) -> list[t.Any]:
    if body is None:
        return []
    if isinstance(body, dict) and body.get("kind") == "List" and isinstance(body.get("items"), list):
        return list(body["items"])
    return [body]


def _address(body: t.Any, namespace: str) -> str:
    fields: Body = body if isinstance(body, dict) else {}
    metadata = fields.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    kind = str(fields.get("kind", ""))
    name = str(metadata.get("name") or metadata.get("generateName", ""))
    return f"{'' if kind in CLUSTER_KINDS else metadata.get('namespace') or namespace}/{kind}/{name}"


def _pairs(base: list[_Object], new: list[_Object], *, single: bool) -> list[tuple[_Object | None, _Object | None]]:
    """Which objects are the same: by address; then, where a name changed, by template and kind in order. Where many
    leaves were changed, that is only so if as many of a template and kind came as went."""
    pairs: list[tuple[_Object | None, _Object | None]] = []
    mine, theirs = base, new
    for same in _SAME:
        left = _grouped(mine, same)
        come = _grouped(theirs, same)
        mine, theirs = [], []
        for key in {**left, **come}:
            a, b = left.get(key, []), come.get(key, [])
            if same is _SAME[-1] and not single and len(a) != len(b):
                a, b, rest = [], [], (a, b)
            else:
                rest = (a[len(b) :], b[len(a) :])
            pairs += zip(a, b, strict=False)
            mine += rest[0]
            theirs += rest[1]
    return [*pairs, *((each, None) for each in mine), *((None, each) for each in theirs)]


def _grouped(objects: list[_Object], same: t.Callable[[_Object], t.Any]) -> dict[t.Any, list[_Object]]:
    found: dict[t.Any, list[_Object]] = {}
    for each in objects:
        found.setdefault(same(each), []).append(each)
    return found
