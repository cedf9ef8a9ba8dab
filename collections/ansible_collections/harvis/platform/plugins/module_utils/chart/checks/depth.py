"""Blocks one level too deep or too shallow, and misspelt keys: what an unknown path was probably meant to be."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.known import KnownValues

MOST = 3


def meant_elsewhere(path: ValuePath, value: t.Any, known: KnownValues) -> list[ValuePath]:
    """Known paths that ``path`` becomes when one level is added or taken out, and that can hold ``value``."""
    found = [one for one in containers(known.values) if one[-1] == path[-1] and _one_level_off(path, one)]
    return [one for one in found if _can_hold(known.at(one), value)][:MOST]


def containers(value: t.Any, path: ValuePath = ()) -> t.Iterator[ValuePath]:
    """Every path in a tree of values, maps and what is in them; lists are not looked into."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from containers(inner, (*path, key))


def _one_level_off(one: ValuePath, other: ValuePath) -> bool:
    if abs(len(one) - len(other)) != 1:
        return False
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return any(longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer) - 1))


def _can_hold(known: t.Any, value: t.Any) -> bool:
    if isinstance(value, dict) and value:
        if not isinstance(known, dict):
            return known is None
        return not known or any(key in known for key in value)
    return not (isinstance(known, dict) and known)
