"""Layers out of Docker's own store are those that Docker itself would give out."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import DockerDaemon
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.containerd import (
    Containerd,
    ContainerdDestination,
)
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.item import Item
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.layer_store import (
    LayerStore,
    LayerStoreError,
)
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.saved import SavedArchive
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

CONTENT = b"what the file holds"
# Quotation marks and names that are no UTF-8 are what a reader of text would stumble over.
NAMES = ("etc/plain", 'etc/a,"size":99,b', "etc/\udcff")


def packed(names: t.Sequence[str]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(CONTENT)
            tar.addfile(member, io.BytesIO(CONTENT))
    return sink.getvalue()


def split(archive: bytes, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
    """As Docker splits it: headers and fillings as they are, of files only the name and the size."""
    parts: list[dict[str, t.Any]] = []
    rest = archive
    for number, name in enumerate(names):
        before, _, rest = rest.partition(CONTENT)
        parts.append({"type": 2, "payload": base64.b64encode(before).decode(), "position": 2 * number})
        raw = {"name_raw": base64.b64encode(name.encode(errors="surrogateescape")).decode()}
        named = raw if "\udcff" in name else {"name": name}
        parts.append({"type": 1, **named, "size": len(CONTENT), "payload": "AAAAAAAAAAA=", "position": 2 * number + 1})
    return [*parts, {"type": 2, "payload": base64.b64encode(rest).decode(), "position": len(parts)}]


@pytest.fixture
def store(tmp_path: Path) -> tuple[LayerStore, str, bytes]:
    """A store with one image of one layer, the image's digest, and the layer's archive."""
    archive = packed(NAMES)
    diff_id = f"sha256:{hashlib.sha256(archive).hexdigest()}"
    place = tmp_path / "image/overlay2/layerdb/sha256" / diff_id.removeprefix("sha256:")
    place.mkdir(parents=True)
    lines = "".join(json.dumps(part, separators=(",", ":")) + "\n" for part in split(archive, NAMES))
    (place / "tar-split.json.gz").write_bytes(gzip.compress(lines.encode()))
    (place / "cache-id").write_text("cache")
    for name in NAMES:
        file = tmp_path / "overlay2/cache/diff" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(CONTENT)
    config = json.dumps({"rootfs": {"diff_ids": [diff_id]}}).encode()
    identifier = f"sha256:{hashlib.sha256(config).hexdigest()}"
    document = tmp_path / "image/overlay2/imagedb/content/sha256" / identifier.removeprefix("sha256:")
    document.parent.mkdir(parents=True)
    document.write_bytes(config)
    return LayerStore(tmp_path), identifier, archive


def test_a_layer_is_made_again_byte_for_byte(store: tuple[LayerStore, str, bytes]) -> None:
    layers, identifier, archive = store
    (layer,) = layers.image("h/x:1", identifier).layers
    assert layer.size == len(archive)
    with layers.open_layer(layer) as content:
        assert content.read() == archive


def test_a_layer_of_another_content_is_refused(store: tuple[LayerStore, str, bytes]) -> None:
    layers, identifier, _archive = store
    (layer,) = layers.image("h/x:1", identifier).layers
    (layers.root / "overlay2/cache/diff" / NAMES[0]).write_bytes(b"what somebody wrote")
    with pytest.raises(LayerStoreError, match="another content"):
        layers.open_layer(layer)


@pytest.mark.parametrize("gone", ["overlay2/cache/diff/etc/plain", "image/overlay2/layerdb"])
def test_what_is_not_there_is_one_kind_of_failure(store: tuple[LayerStore, str, bytes], gone: str) -> None:
    layers, identifier, _archive = store
    (layers.root / gone).rename(layers.root / "elsewhere")

    def read() -> None:
        for layer in layers.image("h/x:1", identifier).layers:
            layers.open_layer(layer).close()

    with pytest.raises(LayerStoreError):
        read()


def test_a_link_is_not_followed_out_of_the_layer(store: tuple[LayerStore, str, bytes], tmp_path: Path) -> None:
    layers, identifier, _archive = store
    (tmp_path / "outside").write_bytes(CONTENT)
    inside = layers.root / "overlay2/cache/diff" / NAMES[0]
    inside.unlink()
    inside.symlink_to(tmp_path / "outside")
    with pytest.raises(LayerStoreError):
        layers.open_layer(layers.image("h/x:1", identifier).layers[0])


def build(daemon: DockerDaemon, base: Reference, label: str) -> Reference:
    text = f"FROM {base}\nLABEL test={label}\nCOPY Dockerfile /here\n".encode()
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    context.seek(0)
    reference = Reference("harvis.test/layers", "sha256-1")
    list(daemon.api.build(fileobj=context, custom_context=True, tag=str(reference), rm=True))
    return reference


@pytest.mark.docker
def test_dockers_own_archive_has_the_same_layers(
    real_daemon: DockerDaemon, tiny_base: Reference, tmp_path: Path
) -> None:
    root = real_daemon.store()
    if root is None or not root.is_dir():
        pytest.skip("Docker keeps its images elsewhere, or in another way")
    reference = build(real_daemon, tiny_base, tmp_path.name)
    found = real_daemon.find(reference)
    assert found is not None
    real_daemon.save([reference], tmp_path / "saved.tar")
    layers = LayerStore(root)
    image = layers.image(str(reference), found.id)
    with SavedArchive(tmp_path / "saved.tar") as archive:
        saved = archive.image(str(reference))
        assert [(x.size, x.digest, x.media_type) for x in image.layers] == [
            (x.size, x.digest, x.media_type) for x in saved.layers
        ]
        for ours, theirs in zip(image.layers, saved.layers, strict=True):
            with layers.open_layer(ours) as one, archive.open_layer(theirs) as other:
                assert one.read() == other.read()


@pytest.mark.docker
@pytest.mark.containerd
@pytest.mark.parametrize("readable", [True, False])
def test_docker_packs_an_image_only_where_its_store_cannot_be_read(
    real_daemon: DockerDaemon,
    tiny_base: Reference,
    real_containerd: t.Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    readable: bool,
) -> None:
    reference = build(real_daemon, tiny_base, f"{tmp_path.name}-{readable}")
    saved: list[str] = []
    save = DockerDaemon.save
    monkeypatch.setattr(
        DockerDaemon, "save", lambda daemon, names, target: (saved.extend(map(str, names)), save(daemon, names, target))
    )
    if not readable:
        monkeypatch.setattr(DockerDaemon, "store", lambda _daemon: tmp_path / "none")
    node = Containerd(SystemRunner(), "ctr", str(real_containerd.address))
    (done,) = ContainerdDestination(node, lambda: real_daemon, tmp_path).deliver([Item(reference)], check_mode=False)
    assert done.changed
    assert node.images([reference]) == {reference: done.id}
    # The node is shared with other tests, which count what they send.
    SystemRunner().run(
        ["ctr", "--address", node.address, "-n", node.namespace, "images", "rm", "--sync", str(reference)]
    )
    assert saved == ([] if readable else [str(reference)])
