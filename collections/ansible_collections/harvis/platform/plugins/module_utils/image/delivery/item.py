"""What is delivered, and what came of it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference


@dataclass(frozen=True)
class Item:
    """An image to be delivered: from its archive if one is named, else from the host's own Docker."""

    reference: Reference
    archive: Path | None = None

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Item:
        archive = params.get("archive")
        return cls(Reference.parse(params["reference"]), Path(archive) if archive else None)


@dataclass(frozen=True)
class Delivered:
    """``id`` is the digest under which the node sees the image; ``name`` is what a manifest must say."""

    reference: Reference
    name: Reference
    id: str
    changed: bool

    def to_dict(self) -> dict[str, t.Any]:
        return {"reference": str(self.reference), "name": str(self.name), "id": self.id, "changed": self.changed}


def fits(seen: str | None, wanted: str) -> bool:
    """Whether an image seen with the digest ``seen`` is the wanted one; None stands for no image.

    Names carry the digest of the content, so where a store does not tell an image's own digest, its name decides.
    """
    return seen is not None and (seen == wanted or "" in (seen, wanted))


class Destination(t.Protocol):
    """A place that the kubelet takes images from."""

    def deliver(self, items: t.Sequence[Item], *, check_mode: bool) -> list[Delivered]: ...
