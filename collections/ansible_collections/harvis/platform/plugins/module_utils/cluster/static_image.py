"""OCI image archives of single programs, written without a container engine.

Format: https://github.com/opencontainers/image-spec/blob/main/image-layout.md. The archive of the same
files is the same, byte for byte.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class StaticImage:
    """``files`` maps paths inside the image to files here; ``links`` maps paths to their targets."""

    reference: str
    files: dict[str, Path]
    entrypoint: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()

    def write(self, archive: Path) -> str:
        """Write the archive and return the manifest's digest (``sha256:…``)."""
        archive.parent.mkdir(parents=True, exist_ok=True)
        layer = archive.with_suffix(".layer")
        try:
            self._write_layer(layer)
            with layer.open("rb") as f:
                layer_digest = "sha256:" + hashlib.file_digest(f, "sha256").hexdigest()
            config = _json(
                {
                    "architecture": "amd64",
                    "os": "linux",
                    "config": {
                        "Entrypoint": list(self.entrypoint),
                        "Env": ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                    },
                    "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
                }
            )
            manifest = _json(
                {
                    "schemaVersion": 2,
                    "mediaType": MANIFEST,
                    "config": _descriptor(CONFIG, config),
                    "layers": [{"mediaType": LAYER, "digest": layer_digest, "size": layer.stat().st_size}],
                }
            )
            annotations = {
                "io.containerd.image.name": self.reference,
                "org.opencontainers.image.ref.name": self.reference,
            }
            index = _json(
                {"schemaVersion": 2, "manifests": [{**_descriptor(MANIFEST, manifest), "annotations": annotations}]}
            )
            with tarfile.open(archive, "w") as tar:
                _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
                _add(tar, "index.json", index)
                for blob in (config, manifest):
                    _add(tar, f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob)
                with layer.open("rb") as f:
                    info = tarfile.TarInfo(f"blobs/sha256/{layer_digest.removeprefix('sha256:')}")
                    info.size = layer.stat().st_size
                    tar.addfile(info, f)
        finally:
            layer.unlink(missing_ok=True)
        return "sha256:" + hashlib.sha256(manifest).hexdigest()

    def _write_layer(self, path: Path) -> None:
        folders = sorted({str(p) for name in (*self.files, *dict(self.links)) for p in Path(name).parents} - {"/", "."})
        with tarfile.open(path, "w") as tar:
            for folder in folders:
                info = tarfile.TarInfo(folder.lstrip("/"))
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
            for name, source in sorted(self.files.items()):
                info = tarfile.TarInfo(name.lstrip("/"))
                info.size, info.mode = source.stat().st_size, 0o755
                with source.open("rb") as f:
                    tar.addfile(info, f)
            for name, target in self.links:
                info = tarfile.TarInfo(name.lstrip("/"))
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
                tar.addfile(info)


def _json(value: t.Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _descriptor(media_type: str, blob: bytes) -> dict[str, t.Any]:
    return {"mediaType": media_type, "digest": "sha256:" + hashlib.sha256(blob).hexdigest(), "size": len(blob)}


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))
