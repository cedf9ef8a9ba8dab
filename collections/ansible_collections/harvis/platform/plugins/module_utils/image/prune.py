"""Removing images of ours that nothing uses and nobody goes back to, but for the youngest of each name."""

from __future__ import annotations

import datetime as dt
import typing as t
from collections import defaultdict
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.containerd import Containerd
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.process import ProcessError

_OLDEST = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(frozen=True)
class Stored:
    """An image in a store; ``made`` orders those of one name."""

    reference: Reference
    made: dt.datetime


class Store(t.Protocol):
    """A place that holds images: a node's containerd, or a Docker daemon."""

    def stored(self, prefix: str) -> list[Stored]: ...

    def remove(self, reference: Reference) -> None: ...


def superfluous(stored: t.Sequence[Stored], prefix: str, used: t.Collection[str], kept: int) -> list[Reference]:
    """What may go: of each name all but the ``kept`` youngest, and never one that is used or not below ``prefix``.

    Used ones count among the kept, so that a name with many that run has no further ones held for nothing.
    """
    names: dict[str, list[Stored]] = defaultdict(list)
    for image in stored:
        if image.reference.repository.startswith(f"{prefix}/"):
            names[image.reference.repository].append(image)
    gone: list[Reference] = []
    for images in names.values():
        young_first = sorted(images, key=lambda image: (image.made, image.reference.tag), reverse=True)
        held = [image for image in young_first if str(image.reference) in used]
        others = [image for image in young_first if str(image.reference) not in used]
        gone += [image.reference for image in others[max(0, kept - len(held)) :]]
    return sorted(gone, key=str)


@dataclass(frozen=True)
class ContainerdStore:
    """Images of a node; containerd frees their layers itself once no image and no container names them."""

    node: Containerd

    def stored(self, prefix: str) -> list[Stored]:
        names = [name for name in self.node.names() if name.startswith(f"{prefix}/") and ":" in name]
        return [Stored(Reference.parse(name), self._made(name)) for name in names]

    def remove(self, reference: Reference) -> None:
        self.node.remove(reference)

    def _made(self, name: str) -> dt.datetime:
        try:
            return _time(self.node.config(name).get("created"))
        except (ProcessError, ValueError, KeyError, StopIteration):
            # What cannot be read is broken: it goes first.
            return _OLDEST


@dataclass(frozen=True)
class DockerStore:
    """Images of a daemon; it refuses to remove one that a container uses."""

    # A docker.APIClient
    api: t.Any

    def stored(self, prefix: str) -> list[Stored]:
        found = self.api.images(filters={"reference": f"{prefix}/*"})
        return [
            Stored(Reference.parse(tag), dt.datetime.fromtimestamp(int(image["Created"]), dt.UTC))
            for image in found
            for tag in image.get("RepoTags") or ()
            if tag != "<none>:<none>"
        ]

    def remove(self, reference: Reference) -> None:
        self.api.remove_image(str(reference))


@dataclass(frozen=True)
class Pruned:
    """What went, and what could not go and why."""

    removed: tuple[str, ...]
    refused: tuple[str, ...]


def prune(store: Store, prefix: str, used: t.Collection[str], kept: int, *, check_mode: bool) -> Pruned:
    removed, refused = [], []
    for reference in superfluous(store.stored(prefix), prefix, used, kept):
        try:
            if not check_mode:
                store.remove(reference)
            removed.append(str(reference))
        except Exception as exc:
            # A container of somebody else's, such as one that is looked into: it goes another time.
            if not _is_refusal(exc):
                raise
            refused.append(f"{reference}: {exc}")
    return Pruned(tuple(removed), tuple(refused))


def _is_refusal(exc: Exception) -> bool:
    status = getattr(getattr(exc, "response", None), "status_code", None)
    return isinstance(exc, ImageError | ProcessError) or status == 409


def _time(text: t.Any) -> dt.datetime:
    """Go writes nanoseconds, of which Python reads the first six."""
    whole, dot, rest = str(text).rstrip("Z").partition(".")
    read = dt.datetime.fromisoformat(whole + (dot + rest[:6] if dot and rest[:6].isdigit() else ""))
    return read if read.tzinfo else read.replace(tzinfo=dt.UTC)
