"""Single layers out of Docker's own store, because its API gives out whole images only.

Docker keeps, for each layer, the tree as it was unpacked and what else its archive held (tar-split), from which it
makes the very same archive again. Whoever reads that needs not have hundreds of megabytes packed for one changed file.
The layout is Docker's own affair, so whatever is not as expected ends in LayerStoreError, and the caller asks the API
instead; the digest of each layer that is read is proved.

https://github.com/vbatts/tar-split
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import json
import os
import re
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.saved import LAYER, SavedImage, SavedLayer

_FILE, _SEGMENT = 1, 2
_FILE_LINE = b'{"type":1,'
# In a name, a quotation mark has a backslash before it.
_FILE_SIZE = re.compile(rb',"size":(\d+),')
_IN_MEMORY = 16 << 20
_CHUNK = 1 << 20


class LayerStoreError(Exception):
    """The store is not laid out as expected, or may not be read."""


@dataclass(frozen=True)
class LayerStore:
    """Docker's folder (``DockerRootDir``) where the storage driver is overlay2."""

    root: Path

    def image(self, reference: str, identifier: str) -> SavedImage:
        """The image with its layers, as an archive of it would have them."""
        with _expected():
            config = (self._folder / "imagedb/content/sha256" / identifier.removeprefix("sha256:")).read_bytes()
            image = SavedImage((reference,), config, tuple(self._layers(json.loads(config)["rootfs"]["diff_ids"])))
        if image.id != identifier:
            raise LayerStoreError(f"{identifier} has another content")
        return image

    def open_layer(self, layer: SavedLayer) -> t.IO[bytes]:
        """The layer's archive, made again."""
        sink = t.cast("t.IO[bytes]", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 - the caller's
        digest = hashlib.sha256()
        with _expected():
            place = self._folder / "layerdb/sha256" / layer.member
            tree = self.root / "overlay2" / (place / "cache-id").read_text() / "diff"
            for part in _parts(place):
                for chunk in _content(part, tree):
                    digest.update(chunk)
                    sink.write(chunk)
        if f"sha256:{digest.hexdigest()}" != layer.digest:
            raise LayerStoreError(f"{layer.digest} has another content")
        sink.seek(0)
        return sink

    @property
    def _folder(self) -> Path:
        return self.root / "image" / "overlay2"

    def _layers(self, diff_ids: t.Sequence[str]) -> t.Iterator[SavedLayer]:
        """A layer is kept under the digest of the chain that ends with it."""
        chain = ""
        for diff_id in diff_ids:
            chain = f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}" if chain else diff_id
            member = chain.removeprefix("sha256:")
            yield SavedLayer(member, _size(self._folder / "layerdb/sha256" / member), diff_id, LAYER)


def _parts(place: Path) -> t.Iterator[dict[str, t.Any]]:
    with gzip.open(place / "tar-split.json.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _size(place: Path) -> int:
    """The archive's length. Thousands of lines, of which two numbers each count: not worth a parser."""
    size = 0
    with gzip.open(place / "tar-split.json.gz", "rb") as lines:
        for line in lines:
            if line.startswith(_FILE_LINE):
                found = _FILE_SIZE.search(line)
                size += int(found[1]) if found else 0
            else:
                payload = json.loads(line).get("payload") or ""
                # Three bytes for each four characters, but for the filling at the end.
                size += len(payload) // 4 * 3 - payload[-2:].count("=")
    return size


def _content(part: dict[str, t.Any], tree: Path) -> t.Iterator[bytes]:
    if part["type"] == _SEGMENT:
        yield base64.b64decode(part.get("payload") or "")
    elif part["type"] == _FILE and part.get("size"):
        name = base64.b64decode(part["name_raw"]) if part.get("name_raw") else part["name"].encode()
        path = os.fsencode(tree) + b"/" + name.lstrip(b"/")
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as source:
            while chunk := source.read(_CHUNK):
                yield chunk


@contextlib.contextmanager
def _expected() -> t.Iterator[None]:
    """Everything that a store of another layout leads to is one kind of failure."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, EOFError) as exc:
        raise LayerStoreError(str(exc)) from exc
