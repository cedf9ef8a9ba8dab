"""Fields that a person added to a live object and that its chart never named, found through managedFields."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.release.compare import MISSING, join

# Managers whose fields are no hand edits: Helm itself, ours, and whatever calls itself a part of a control loop.
_MACHINES = re.compile(r"^(helm|harvis|kubelet|speaker|kwok)$|(controller|manager|operator|scheduler|webhook|injector)")

# Written by an orderly command, or a note of a tool to itself: taking it back would restart pods for nothing.
_HARMLESS = {
    ("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"),
    ("metadata", "annotations", "kubernetes.io/change-cause"),
    ("metadata", "annotations", "deployment.kubernetes.io/revision"),
    ("spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"),
}
_DESCRIBED_METADATA = ("labels", "annotations")

Step = str | int


@dataclass(frozen=True)
class HandField:
    """A field that only a hand set: where it lies, who set it, when."""

    steps: tuple[Step, ...]
    path: str
    manager: str
    time: str

    @property
    def pointer(self) -> str:
        """JSON pointer (RFC 6901) into the live object."""
        return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in self.steps)


def hand_fields(live: Object, wanted: Object) -> list[HandField]:
    """Fields of ``live`` that a manager other than Helm or a controller set and ``wanted`` does not name.

    Where a whole part was added (an env entry, a securityContext), the part is named once, not its leaves.
    """
    found: dict[tuple[Step, ...], HandField] = {}
    for entry in live["metadata"].get("managedFields") or []:
        manager = str(entry.get("manager") or "")
        # A subresource (status, scale) is a controller's or an autoscaler's way to write.
        if entry.get("subresource") or _MACHINES.search(manager):
            continue
        for steps, path in _added(entry.get("fieldsV1") or {}, live, wanted, (), ""):
            if _counts(steps):
                found.setdefault(steps, HandField(steps, path, manager, str(entry.get("time") or "")))
    return [f for steps, f in found.items() if not any(steps[:n] in found for n in range(1, len(steps)))]


def removals(fields: t.Iterable[HandField]) -> list[dict[str, t.Any]]:
    """JSON patch operations that take ``fields`` away; later list items first, so that places stay true."""
    ordered = sorted(fields, key=lambda field: [(isinstance(s, int), s) for s in field.steps], reverse=True)
    return [{"op": "remove", "path": field.pointer} for field in ordered]


def without(body: Object, fields: t.Iterable[HandField]) -> Object:
    """A copy of ``body`` in which ``fields`` are gone."""
    copy: Object = json.loads(json.dumps(body))
    for operation in removals(fields):
        steps = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        parent: t.Any = copy
        for step in steps[:-1]:
            parent = parent[int(step)] if isinstance(parent, list) else parent[step]
        del parent[int(steps[-1]) if isinstance(parent, list) else steps[-1]]
    return copy


def _added(
    fields: dict[str, t.Any], live: t.Any, wanted: t.Any, steps: tuple[Step, ...], path: str
) -> t.Iterator[tuple[tuple[Step, ...], str]]:
    for key, below in fields.items():
        step, live_child = _child(live, key)
        if live_child is MISSING:
            continue
        _, wanted_child = _child(wanted, key)
        here = (*steps, step)
        shown = join(path, f"[{_label(live_child, step)}]" if isinstance(step, int) else step)
        if wanted_child is MISSING and (not below or "." in below):
            yield here, shown
        elif below:
            yield from _added(below, live_child, wanted_child, here, shown)


def _child(node: t.Any, key: str) -> tuple[Step, t.Any]:
    """The part of ``node`` that a key of fieldsV1 means, with its place."""
    kind, _, text = key.partition(":")
    if kind == "f" and isinstance(node, dict):
        return text, node.get(text, MISSING)
    if kind in ("k", "v", "i") and isinstance(node, list):
        meaning = json.loads(text)
        for index, item in enumerate(node):
            if _is_item(item, kind, meaning, index):
                return index, item
    return "", MISSING


def _is_item(item: t.Any, kind: str, meaning: t.Any, index: int) -> bool:
    if kind == "k":
        # A chart may leave out a key field that the server fills in (protocol: TCP).
        return (
            isinstance(item, dict)
            and all(item.get(k, v) == v for k, v in meaning.items())
            and any(k in item for k in meaning)
        )
    return index == meaning if kind == "i" else bool(item == meaning)


def _label(item: t.Any, index: int) -> str:
    return str(item["name"]) if isinstance(item, dict) and "name" in item else str(index)


def _counts(steps: tuple[Step, ...]) -> bool:
    if steps in _HARMLESS or steps[0] == "status":
        return False
    if steps[0] != "metadata":
        return True
    # The map itself may have come with a harmless note in it.
    return len(steps) > 2 and steps[1] in _DESCRIBED_METADATA
