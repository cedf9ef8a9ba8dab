"""OCI image archives that leave out what the receiver holds already.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.saved import SavedImage, SavedLayer

CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
# containerd takes an image's whole name from this annotation.
NAME = "io.containerd.image.name"


class Layers(t.Protocol):
    """Where the layers of an image are read: an archive, or Docker's own store."""

    def open_layer(self, layer: SavedLayer) -> t.IO[bytes]: ...


class Source(t.NamedTuple):
    """An image, what it lies in, and the name it is to have."""

    archive: Layers
    image: SavedImage
    name: str


def manifest_of(image: SavedImage) -> bytes:
    layers = [{"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size} for layer in image.layers]
    return _json(
        {"schemaVersion": 2, "mediaType": MANIFEST, "config": _descriptor(CONFIG, image.config), "layers": layers}
    )


def write_archive(sink: t.IO[bytes], sources: t.Sequence[Source], held: t.Collection[str]) -> int:
    """Write all images as one archive and return how many bytes of layers it holds.

    Layers in ``held`` are left out; a layer that several images share is written once.
    """
    written, sent = set(held), 0
    manifests = []
    with tarfile.open(fileobj=sink, mode="w|") as tar:
        _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        for archive, image, name in sources:
            manifest = manifest_of(image)
            manifests.append({**_descriptor(MANIFEST, manifest), "annotations": {NAME: name}})
            for blob in (image.config, manifest):
                _add(tar, _blob(_digest(blob)), blob)
            for layer in image.layers:
                if layer.digest not in written:
                    written.add(layer.digest)
                    sent += layer.size
                    info = tarfile.TarInfo(_blob(layer.digest))
                    info.size = layer.size
                    with archive.open_layer(layer) as content:
                        tar.addfile(info, content)
        _add(tar, "index.json", _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}))
    return sent


def _json(value: t.Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _descriptor(media_type: str, blob: bytes) -> dict[str, t.Any]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))
