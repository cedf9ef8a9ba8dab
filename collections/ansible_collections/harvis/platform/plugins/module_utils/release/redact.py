"""Secrets out of objects, before anything is shown; what changed still shows as changed."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object

SAME = "<redacted>"
BEFORE = "<redacted, before>"
AFTER = "<redacted, after>"

_SECRET_NAME = re.compile(
    r"(passw|pwd|secret|token|api_?key|access_?key|private_?key|credential|(^|[_.-])auth([_.-]|$))", re.IGNORECASE
)
# A name that only says where a secret lies, or of what kind it is, is worth reading.
_POINTER_NAME = re.compile(r"(name|path|file|url|ttl|max_?tokens?|tokens?_?(limit|count)|mount)s?$", re.IGNORECASE)
_IN_TEXT = (
    re.compile(r"(?P<keep>--?[\w-]*(?:password|secret|token|api-?key)[\w-]*[= ])\S+", re.IGNORECASE),
    re.compile(r"(?P<keep>[a-z][a-z0-9+.-]*://[^/\s:@]*:)[^/\s@]+(?=@)", re.IGNORECASE),
)

_Pair = tuple[t.Any, t.Any]


def redact_pair(before: Object | None, after: Object | None) -> tuple[Object | None, Object | None]:
    """Both objects with their secrets blanked: equal secrets stay equal, different ones stay different."""
    kind = (after or before or {}).get("kind")
    left, right = _walk(before, after, secret=False)
    if kind == "Secret":
        for key in ("data", "stringData"):
            values = _blank((before or {}).get(key), (after or {}).get(key))
            for side, value in zip((left, right), values, strict=True):
                if side is not None and key in side:
                    side[key] = value
    return left, right


def looks_secret(name: str) -> bool:
    """Whether a variable or key of this name holds a secret."""
    return bool(_SECRET_NAME.search(name)) and not _POINTER_NAME.search(name)


def _walk(before: t.Any, after: t.Any, *, secret: bool) -> _Pair:
    if isinstance(before, dict) or isinstance(after, dict):
        return _walk_maps(before, after)
    if isinstance(before, list) or isinstance(after, list):
        return _walk_lists(before, after)
    if secret:
        return _blank(before, after)
    return _clean(before, after)


def _walk_maps(before: t.Any, after: t.Any) -> _Pair:
    left, right = (dict(side) if isinstance(side, dict) else side for side in (before, after))
    sides = [side for side in (left, right) if isinstance(side, dict)]
    is_variable = any(looks_secret(str(side.get("name", ""))) and "value" in side for side in sides)
    for key in dict.fromkeys(key for side in sides for key in side):
        secret = (is_variable and key == "value") or looks_secret(str(key))
        values = _walk(_get(left, key), _get(right, key), secret=secret)
        for side, value in zip((left, right), values, strict=True):
            if isinstance(side, dict) and key in side:
                side[key] = value
    return left, right


def _walk_lists(before: t.Any, after: t.Any) -> _Pair:
    left, right = (list(side) if isinstance(side, list) else side for side in (before, after))
    partner = {_name(item): place for place, item in enumerate(right) if _name(item)} if isinstance(right, list) else {}
    used: set[int] = set()
    for place, item in enumerate(left if isinstance(left, list) else []):
        other = partner.get(_name(item), place) if _name(item) else place
        has_other = isinstance(right, list) and other < len(right) and other not in used
        left[place], changed = _walk(item, right[other] if has_other else None, secret=False)
        if has_other:
            right[other] = changed
            used.add(other)
    for place, item in enumerate(right if isinstance(right, list) else []):
        if place not in used:
            right[place] = _walk(None, item, secret=False)[1]
    return left, right


def _get(side: t.Any, key: t.Any) -> t.Any:
    return side.get(key) if isinstance(side, dict) else None


def _name(item: t.Any) -> str:
    return str(item.get("name") or "") if isinstance(item, dict) else ""


def _blank(before: t.Any, after: t.Any) -> _Pair:
    """Placeholders of the same shape, so that a key added to a Secret can still be seen."""
    if isinstance(before, dict) or isinstance(after, dict):
        return _blank_map(before, before, after, 0), _blank_map(after, before, after, 1)
    words = (SAME, SAME) if before == after else (BEFORE, AFTER)
    # An empty text is no secret, and neither is a switch such as automountServiceAccountToken.
    left, right = (
        word if isinstance(side, str) and side else side for word, side in zip(words, (before, after), strict=True)
    )
    return left, right


def _blank_map(side: t.Any, before: t.Any, after: t.Any, index: int) -> t.Any:
    if not isinstance(side, dict):
        return side
    return {key: _blank(_get(before, key), _get(after, key))[index] for key in side}


def _clean(before: t.Any, after: t.Any) -> _Pair:
    """Passwords inside an argument or a URL."""
    cleaned = _clean_text(before), _clean_text(after)
    if before != after and cleaned[0] == cleaned[1]:
        return f"{cleaned[0]} {BEFORE}", f"{cleaned[1]} {AFTER}"
    return cleaned


def _clean_text(value: t.Any) -> t.Any:
    if isinstance(value, str):
        for pattern in _IN_TEXT:
            value = pattern.sub(rf"\g<keep>{SAME}", value)
    return value
