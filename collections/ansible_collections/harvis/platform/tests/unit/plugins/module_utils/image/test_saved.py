"""Reading Docker's archives and writing containerd's, in every layout that Docker versions have had."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.oci import NAME, Source, write_archive
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.saved import SavedArchive
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError

BASE, TOP = b"base layer", b"top layer"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def add(tar: tarfile.TarFile, name: str, content: bytes = b"", link: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    if link:
        member.type, member.linkname = tarfile.SYMTYPE, link
    tar.addfile(member, io.BytesIO(content))


def config(*layers: bytes, mark: str = "") -> bytes:
    diff_ids = [f"sha256:{sha(layer)}" for layer in layers]
    return json.dumps(
        {"os": "linux", "architecture": "amd64", "author": mark, "rootfs": {"diff_ids": diff_ids}}
    ).encode()


def legacy(path: Path) -> Path:
    """Docker up to 24: a folder per layer, a link where a layer occurs twice."""
    image = config(BASE, TOP, BASE)
    with tarfile.open(path, "w") as tar:
        add(tar, "v1a/layer.tar", BASE)
        add(tar, "v1b/layer.tar", TOP)
        add(tar, "v1c/layer.tar", link="../v1a/layer.tar")
        add(tar, f"{sha(image)}.json", image)
        layers = ["v1a/layer.tar", "v1b/layer.tar", "v1c/layer.tar"]
        entries = [{"Config": f"{sha(image)}.json", "RepoTags": ["h/x:1"], "Layers": layers}]
        add(tar, "manifest.json", json.dumps(entries).encode())
    return path


def layout(path: Path, *, compressed: bool = False) -> Path:
    """Docker from 25 on: blobs by digest, compressed where the image came from a registry."""
    image = config(BASE, TOP)
    blobs = [gzip.compress(layer, mtime=0) if compressed else layer for layer in (BASE, TOP)]
    with tarfile.open(path, "w") as tar:
        for blob in (*blobs, image):
            add(tar, f"blobs/sha256/{sha(blob)}", blob)
        layers = [f"blobs/sha256/{sha(blob)}" for blob in blobs]
        entries = [{"Config": f"blobs/sha256/{sha(image)}", "RepoTags": ["h/x:1"], "Layers": layers}]
        add(tar, "manifest.json", json.dumps(entries).encode())
    return path


def written(archive: SavedArchive, held: t.Collection[str] = ()) -> tuple[int, dict[str, bytes]]:
    sink = io.BytesIO()
    sent = write_archive(sink, [Source(archive, archive.image("h/x:1"), "h/x:1")], held)
    sink.seek(0)
    with tarfile.open(fileobj=sink) as tar:
        files = {member.name: t.cast("t.IO[bytes]", tar.extractfile(member)).read() for member in tar}
    return sent, files


def test_the_old_layout(tmp_path: Path) -> None:
    with SavedArchive(legacy(tmp_path / "i.tar")) as archive:
        image = archive.image("h/x:1")
        assert image.id == f"sha256:{sha(config(BASE, TOP, BASE))}"
        assert [layer.digest for layer in image.layers] == [f"sha256:{sha(content)}" for content in (BASE, TOP, BASE)]
        assert [archive.open_layer(layer).read() for layer in image.layers] == [BASE, TOP, BASE]


@pytest.mark.parametrize("compressed", [False, True])
def test_the_new_layout(tmp_path: Path, compressed: bool) -> None:
    with SavedArchive(layout(tmp_path / "i.tar", compressed=compressed)) as archive:
        image = archive.image("h/x:1")
        contents = [archive.open_layer(layer).read() for layer in image.layers]
        assert [layer.digest for layer in image.layers] == [f"sha256:{sha(content)}" for content in contents]
        assert [layer.media_type.endswith("+gzip") for layer in image.layers] == [compressed, compressed]


def test_every_blob_of_the_result_is_what_its_name_says(tmp_path: Path) -> None:
    with SavedArchive(legacy(tmp_path / "i.tar")) as archive:
        sent, files = written(archive)
    blobs = {name.rpartition("/")[2]: content for name, content in files.items() if name.startswith("blobs/sha256/")}
    assert {sha(content) for content in blobs.values()} == set(blobs)
    assert sent == len(BASE) + len(TOP), "a layer that occurs twice is sent once"
    [entry] = json.loads(files["index.json"])["manifests"]
    assert entry["annotations"] == {NAME: "h/x:1"}
    manifest = json.loads(blobs[entry["digest"].removeprefix("sha256:")])
    assert manifest["config"]["digest"] == f"sha256:{sha(config(BASE, TOP, BASE))}"
    assert [layer["digest"] for layer in manifest["layers"]] == [
        f"sha256:{sha(content)}" for content in (BASE, TOP, BASE)
    ]
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}


def test_what_the_receiver_holds_is_left_out_of_the_blobs_but_not_of_the_manifest(tmp_path: Path) -> None:
    with SavedArchive(legacy(tmp_path / "i.tar")) as archive:
        whole = written(archive)[1]
        sent, files = written(archive, {f"sha256:{sha(BASE)}"})
    assert sent == len(TOP)
    assert set(whole) - set(files) == {f"blobs/sha256/{sha(BASE)}"}
    assert files["index.json"] == whole["index.json"]


def test_equal_images_make_equal_archives(tmp_path: Path) -> None:
    with SavedArchive(legacy(tmp_path / "i.tar")) as archive:
        assert written(archive) == written(archive)


def test_an_archive_of_another_image_is_refused(tmp_path: Path) -> None:
    with (
        SavedArchive(legacy(tmp_path / "i.tar")) as archive,
        pytest.raises(ImageError, match="does not hold h/y:1") as caught,
    ):
        archive.image("h/y:1")
    assert caught.value.findings[0].evidence == "h/x:1"


@pytest.mark.parametrize("content", [b"", b"not a tar", b"\0" * 10240])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "i.tar").write_bytes(content)
    with pytest.raises(ImageError, match="not an image as Docker saves it"):
        SavedArchive(tmp_path / "i.tar")
