"""What an object is called. Bodies stay the plain dictionaries that the API speaks."""

from __future__ import annotations

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
