"""What GitOps controllers leave in objects, and what is read of their own objects."""

from __future__ import annotations

import datetime as dt
import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object

_DURATION = re.compile(r"(?P<amount>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")


def labels(body: Object) -> dict[str, str]:
    return (body.get("metadata") or {}).get("labels") or {}


def annotations(body: Object) -> dict[str, str]:
    return (body.get("metadata") or {}).get("annotations") or {}


def dig(body: t.Any, *steps: str) -> t.Any:
    """The value below ``steps``; None where a part of the way is missing."""
    for step in steps:
        if not isinstance(body, dict):
            return None
        body = body.get(step)
    return body


def writers(body: Object, pattern: str) -> list[str]:
    """Field managers that ``pattern`` fits, with when they last wrote; subresources do not count."""
    entries = (body.get("metadata") or {}).get("managedFields") or []
    return [
        f"{entry.get('manager')} at {entry.get('time', 'an unknown time')}"
        for entry in entries
        if re.search(pattern, str(entry.get("manager") or "")) and not entry.get("subresource")
    ]


def owners(body: Object, steps: t.Sequence[str]) -> list[tuple[str, str]]:
    """(manager, time) of whoever owns the field at ``steps``, or anything below it."""
    found = []
    for entry in (body.get("metadata") or {}).get("managedFields") or []:
        fields = entry.get("fieldsV1") or {}
        for step in steps:
            fields = fields.get(f"f:{step}") if isinstance(fields, dict) else None
        if fields is not None:
            found.append((str(entry.get("manager") or ""), str(entry.get("time") or "")))
    return found


def condition(body: Object, name: str) -> Object:
    found = [c for c in dig(body, "status", "conditions") or [] if c.get("type") == name]
    return found[0] if found else {}


def seconds(duration: str) -> float:
    """Of Go's way to write a duration (1h30m); 0 where it is none."""
    return sum(float(m["amount"]) * _SECONDS[m["unit"]] for m in _DURATION.finditer(duration))


def newest(*times: t.Any) -> str:
    """The latest of some RFC 3339 times; what is no time is left out."""
    known = {moment: text for text in times if isinstance(text, str) and (moment := parsed(text))}
    return known[max(known)] if known else ""


def parsed(text: str) -> dt.datetime | None:
    try:
        # Go writes nanoseconds, which Python does not read.
        found = dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def bare(address: str) -> str:
    """An address without the user and password in it."""
    return _CREDENTIALS.sub("", address)
