"""What a failed revision put into live objects and nobody names any more: Helm's next patch begins at another base."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Cluster, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.compare import join
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import as_stored
from ansible_collections.harvis.platform.plugins.module_utils.release.ownership import HandField, Step, removals

_PARTS = ("spec", "data", "binaryData")
_DESCRIBED_METADATA = ("labels", "annotations")


@dataclass(frozen=True)
class Failed:
    """An object as a revision that failed or was never finished described it."""

    revision: int
    updated: str
    body: Object


def leftovers(cluster: Cluster, live: Object, rendered: Object, failed: t.Iterable[Failed]) -> list[HandField]:
    """Fields of ``live`` with the value that a failed revision gave them, and that ``rendered`` does not name."""
    found: dict[tuple[Step, ...], HandField] = {}
    for each in failed:
        was = as_stored(each.body)
        for steps, path in _described(live, rendered, was):
            by = f"revision {each.revision}, which did not succeed,"
            found.setdefault(steps, HandField(steps, path, by, each.updated))
    return [field for field in found.values() if _goes(cluster, live, field)]


def _described(live: Object, rendered: Object, was: Object) -> t.Iterator[tuple[tuple[Step, ...], str]]:
    for part in _PARTS:
        if part in was:
            yield from _named_before(live.get(part), rendered.get(part), was[part], (part,), part)
    for part in _DESCRIBED_METADATA:
        sides = [(body.get("metadata") or {}).get(part) for body in (live, rendered, was)]
        yield from _named_before(*sides, ("metadata", part), f"metadata.{part}")


def _named_before(
    live: t.Any, rendered: t.Any, was: t.Any, steps: tuple[Step, ...], path: str
) -> t.Iterator[tuple[tuple[Step, ...], str]]:
    if isinstance(was, dict) and isinstance(live, dict):
        known = rendered if isinstance(rendered, dict) else {}
        for key in was:
            if key not in live:
                continue
            here, shown = (*steps, key), join(path, str(key))
            if key in known:
                yield from _named_before(live[key], known[key], was[key], here, shown)
            elif live[key] == was[key]:
                yield here, shown
    elif isinstance(was, list) and isinstance(live, list) and isinstance(rendered, list):
        yield from _items(live, rendered, was, steps, path)


def _items(
    live: list[t.Any], rendered: list[t.Any], was: list[t.Any], steps: tuple[Step, ...], path: str
) -> t.Iterator[tuple[tuple[Step, ...], str]]:
    """Items with names only: by their place alone nothing can be said of them."""
    known, places = _by_name(rendered), {name: place for place, (name, _) in enumerate(_pairs(live))}
    for name, item in _by_name(was).items():
        if name not in places:
            continue
        here, shown, found = (*steps, places[name]), join(path, f"[{name}]"), live[places[name]]
        if name in known:
            yield from _named_before(found, known[name], item, here, shown)
        elif _holds(found, item):
            yield here, shown


def _holds(found: t.Any, item: t.Any) -> bool:
    """The server may have added defaults to an item."""
    return isinstance(found, dict) and all(found.get(key) == value for key, value in item.items())


def _by_name(items: list[t.Any]) -> dict[str, t.Any]:
    return {name: item for name, item in _pairs(items) if name}


def _pairs(items: list[t.Any]) -> list[tuple[str, t.Any]]:
    return [(str(item.get("name") or "") if isinstance(item, dict) else "", item) for item in items]


def _goes(cluster: Cluster, live: Object, field: HandField) -> bool:
    """Whether it stays away when it is taken away; what the server sets by itself does not."""
    try:
        after = cluster.patch(ObjectRef.of(live), removals([field]), dry_run=True)
    except ApiRefusal:
        return False
    node: t.Any = after
    for step in field.steps[:-1]:
        node = node[step]
    last = field.steps[-1]
    return len(node) < _length(live, field) if isinstance(node, list) else last not in node


def _length(live: Object, field: HandField) -> int:
    node: t.Any = live
    for step in field.steps[:-1]:
        node = node[step]
    return len(node)
