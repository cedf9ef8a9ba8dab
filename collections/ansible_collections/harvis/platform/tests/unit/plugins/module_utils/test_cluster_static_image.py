"""OCI archives: what lies in them, and that the same files make the same bytes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.cluster.static_image import StaticImage


def sha256(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()


def contents(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}  # type: ignore[union-attr]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "kube-proxy"
    path.write_bytes(b"\x7fELF program")
    return path


def image(program: Path) -> StaticImage:
    files = {"/usr/local/bin/kube-proxy": program, "/usr/sbin/nft": program}
    return StaticImage("harvis.local/kube-proxy:v1", files, ("/usr/local/bin/kube-proxy",), (("/sbin", "usr/sbin"),))


def test_manifest_and_blobs_agree(tmp_path: Path, program: Path) -> None:
    archive = tmp_path / "out" / "image.tar"

    digest = image(program).write(archive)

    held = contents(archive.read_bytes())
    blobs = {name.removeprefix("blobs/sha256/"): blob for name, blob in held.items() if name.startswith("blobs/")}
    assert {name: sha256(blob).removeprefix("sha256:") for name, blob in blobs.items()} == {n: n for n in blobs}
    by_digest = {f"sha256:{name}": blob for name, blob in blobs.items()}
    manifest = json.loads(by_digest[digest])
    config, layer = by_digest[manifest["config"]["digest"]], by_digest[manifest["layers"][0]["digest"]]
    assert manifest == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": sha256(config),
            "size": len(config),
        },
        "layers": [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": sha256(layer), "size": len(layer)}
        ],
    }
    assert json.loads(config) == {
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Entrypoint": ["/usr/local/bin/kube-proxy"],
            "Env": ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        },
        "rootfs": {"type": "layers", "diff_ids": [sha256(layer)]},
    }
    assert json.loads(held["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    assert json.loads(held["index.json"]) == {
        "schemaVersion": 2,
        "manifests": [
            {
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": digest,
                "size": len(by_digest[digest]),
                "annotations": {
                    "io.containerd.image.name": "harvis.local/kube-proxy:v1",
                    "org.opencontainers.image.ref.name": "harvis.local/kube-proxy:v1",
                },
            }
        ],
    }
    assert list(tmp_path.glob("out/*")) == [archive]


def test_layer_holds_folders_programs_and_links(tmp_path: Path, program: Path) -> None:
    archive = tmp_path / "image.tar"
    digest = image(program).write(archive)
    held = contents(archive.read_bytes())
    manifest = json.loads(held[f"blobs/sha256/{digest.removeprefix('sha256:')}"])
    layer = held[f"blobs/sha256/{manifest['layers'][0]['digest'].removeprefix('sha256:')}"]

    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        entries = [(m.name, m.type, oct(m.mode), m.linkname, m.size) for m in tar]

    assert entries == [
        ("usr", tarfile.DIRTYPE, "0o755", "", 0),
        ("usr/local", tarfile.DIRTYPE, "0o755", "", 0),
        ("usr/local/bin", tarfile.DIRTYPE, "0o755", "", 0),
        ("usr/sbin", tarfile.DIRTYPE, "0o755", "", 0),
        ("usr/local/bin/kube-proxy", tarfile.REGTYPE, "0o755", "", 12),
        ("usr/sbin/nft", tarfile.REGTYPE, "0o755", "", 12),
        ("sbin", tarfile.SYMTYPE, "0o777", "usr/sbin", 0),
    ]


def test_the_same_files_make_the_same_bytes(tmp_path: Path, program: Path) -> None:
    first, second = tmp_path / "first.tar", tmp_path / "second.tar"
    digest = image(program).write(first)
    os.utime(program, (1, 1))
    program.chmod(0o600)

    assert image(program).write(second) == digest
    assert second.read_bytes() == first.read_bytes()


def test_another_program_makes_another_digest(tmp_path: Path, program: Path) -> None:
    digest = image(program).write(tmp_path / "first.tar")
    program.write_bytes(b"\x7fELF another")

    assert image(program).write(tmp_path / "second.tar") != digest
