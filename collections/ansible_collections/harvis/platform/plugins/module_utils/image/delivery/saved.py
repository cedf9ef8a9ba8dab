"""Images as ``docker save`` writes them, in the layouts of all Docker versions since 1.10."""

from __future__ import annotations

import hashlib
import json
import posixpath
import tarfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.errors import image_error

LAYER = "application/vnd.oci.image.layer.v1.tar"
_COMPRESSIONS = {b"\x1f\x8b": "+gzip", b"\x28\xb5": "+zstd"}


@dataclass(frozen=True)
class SavedLayer:
    """A layer; ``digest`` is over its bytes as they lie in the archive."""

    member: str
    size: int
    digest: str
    media_type: str


@dataclass(frozen=True)
class SavedImage:
    """One image of an archive."""

    references: tuple[str, ...]
    config: bytes
    layers: tuple[SavedLayer, ...]

    @property
    def id(self) -> str:
        """The digest of the config: what Docker and the kubelet's runtime call the image's ID."""
        return f"sha256:{hashlib.sha256(self.config).hexdigest()}"


class SavedArchive:
    """An archive on disk; only what is asked for is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.tar = tarfile.open(path)  # noqa: SIM115 - closed by __exit__
            self.images = [self._image(entry) for entry in json.loads(self._bytes("manifest.json"))]
        except (OSError, tarfile.TarError, KeyError, ValueError) as exc:
            cause = f"is not an image as Docker saves it: {exc}"
            raise image_error("IMG-SOURCE", str(path), cause, fix="Remove the file, it is made again.") from exc

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.tar.close()

    def image(self, reference: str) -> SavedImage:
        """The image called ``reference``.

        Raises IMG-SOURCE when the archive holds other images.
        """
        for image in self.images:
            if reference in image.references:
                return image
        held = ", ".join(name for image in self.images for name in image.references) or "no named image"
        cause = f"does not hold {reference}"
        raise image_error("IMG-SOURCE", str(self.path), cause, evidence=held, fix="Remove the file, it is made again.")

    def open_layer(self, layer: SavedLayer) -> t.IO[bytes]:
        return t.cast("t.IO[bytes]", self.tar.extractfile(self._member(layer.member)))

    def _image(self, entry: t.Mapping[str, t.Any]) -> SavedImage:
        config = self._bytes(entry["Config"])
        diff_ids = json.loads(config)["rootfs"]["diff_ids"]
        layers = [self._layer(*pair) for pair in zip(entry["Layers"], diff_ids, strict=True)]
        return SavedImage(tuple(entry.get("RepoTags") or ()), config, tuple(layers))

    def _layer(self, name: str, diff_id: str) -> SavedLayer:
        member = self._member(name)
        with t.cast("t.IO[bytes]", self.tar.extractfile(member)) as content:
            compression = _COMPRESSIONS.get(content.read(2), "")
            digest = diff_id
            if compression:
                content.seek(0)
                digest = f"sha256:{hashlib.file_digest(t.cast(t.Any, content), 'sha256').hexdigest()}"
        return SavedLayer(member.name, member.size, digest, LAYER + compression)

    def _member(self, name: str) -> tarfile.TarInfo:
        """The entry itself: Docker up to 24 writes a layer that occurs twice as a link."""
        member = self.tar.getmember(name)
        while member.issym():
            member = self.tar.getmember(
                posixpath.normpath(posixpath.join(posixpath.dirname(member.name), member.linkname))
            )
        return member

    def _bytes(self, name: str) -> bytes:
        return t.cast("t.IO[bytes]", self.tar.extractfile(self._member(name))).read()
