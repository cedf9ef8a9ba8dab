"""What an object is called. Bodies stay the plain dictionaries that the API speaks."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass

Object = dict[str, t.Any]


@dataclass(frozen=True, order=True)
class ObjectRef:
    """An object's address in one cluster; ``namespace`` is empty for objects of the whole cluster."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    @classmethod
    def of(cls, body: Object, default_namespace: str = "") -> ObjectRef:
        """The address that ``body`` states; ``default_namespace`` where it names none."""
        metadata = body.get("metadata") or {}
        return cls(
            str(body.get("apiVersion", "")),
            str(body.get("kind", "")),
            str(metadata.get("name", "")),
            str(metadata.get("namespace") or default_namespace),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def written_at(body: Object, but: str = "") -> dt.datetime | None:
    """When a field of the object last changed, by anybody ``but`` that manager; None where nobody noted it."""
    entries = (body.get("metadata") or {}).get("managedFields") or []
    times = [entry["time"] for entry in entries if entry.get("time") and not (but and entry.get("manager") == but)]
    return max(map(dt.datetime.fromisoformat, times), default=None)
