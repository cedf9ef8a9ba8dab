"""Where two object trees differ, in paths that a person can read."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


MISSING: t.Final = _Missing()

# What the API server and the controllers write into every object, whoever described it.
_SERVER_METADATA = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
_SERVER_ANNOTATIONS = ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration")


@dataclass(frozen=True)
class Difference:
    """One place where two trees differ; ``MISSING`` where one has nothing."""

    path: str
    before: t.Any
    after: t.Any

    def __str__(self) -> str:
        if self.after is MISSING:
            return f"{self.path} (was {_short(self.before)})"
        return f"{self.path}: {_short(self.before)} -> {_short(self.after)}"


def differences(before: t.Any, after: t.Any, path: str = "") -> list[Difference]:
    """Every leaf that differs. Lists of named items are compared by name, other lists by place."""
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        return _of_maps(before, after, path)
    if isinstance(before, list) and isinstance(after, list):
        return _of_maps(_by_name(before, after), _by_name(after, before), path)
    return [Difference(path, before, after)]


def described(body: Object) -> Object:
    """``body`` without what the server and the controllers keep in it."""
    metadata = {key: value for key, value in (body.get("metadata") or {}).items() if key not in _SERVER_METADATA}
    notes = {k: v for k, v in (metadata.pop("annotations", None) or {}).items() if k not in _SERVER_ANNOTATIONS}
    if notes:
        metadata["annotations"] = notes
    return {**{key: value for key, value in body.items() if key != "status"}, "metadata": metadata}


def join(path: str, step: str) -> str:
    """``step`` below ``path``; names that hold dots or slashes are quoted."""
    if step.startswith("["):
        return path + step
    if any(mark in step for mark in "./"):
        return f'{path}["{step}"]'
    return f"{path}.{step}" if path else step


def _of_maps(before: dict[str, t.Any], after: dict[str, t.Any], path: str) -> list[Difference]:
    found: list[Difference] = []
    for key in list(dict.fromkeys([*before, *after])):
        found += differences(before.get(key, MISSING), after.get(key, MISSING), join(path, str(key)))
    return found


def _by_name(items: list[t.Any], others: list[t.Any]) -> dict[str, t.Any]:
    if all(_names_are_unique(each) for each in (items, others)):
        return {f"[{item['name']}]": item for item in items}
    return {f"[{index}]": item for index, item in enumerate(items)}


def _names_are_unique(items: list[t.Any]) -> bool:
    names = [item.get("name") for item in items if isinstance(item, dict)]
    return len(names) == len(items) == len(set(map(str, names))) and None not in names


def _short(value: t.Any) -> str:
    text = repr(value) if isinstance(value, str | _Missing) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
