from __future__ import annotations

import io
import json
import subprocess
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import DockerDaemon
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery import containerd as containerd_module
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.containerd import (
    Containerd,
    ContainerdDestination,
)
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.item import Delivered, Item
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.oci import Source, write_archive
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.process import CommandResult, SystemRunner

X = Reference("h/x", "sha256-1")
HEADER = "REF TYPE DIGEST STATUS SIZE UNPACKED\n"


def row(status: str = "complete (4/4)", unpacked: str = "true") -> str:
    return f"{HEADER}{X} application/x sha256:m {status} 1.0 MiB/1.0 MiB {unpacked}\n"


def node(runner: t.Any) -> Containerd:
    return Containerd(runner, "ctr", "/c.sock")


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        (row(), {X: "sha256:config"}),
        (HEADER, {}),
        (row("incomplete (3/4)"), {}),
        (row("unavailable"), {}),
        (row(unpacked="false"), {}),
    ],
)
def test_only_whole_images_are_seen(runner: t.Any, listing: str, expected: dict[Reference, str]) -> None:
    runner.answer("images check", listing)
    runner.answer("content get sha256:m", json.dumps({"config": {"digest": "sha256:config"}}))
    assert node(runner).images([X]) == expected
    assert runner.calls[0] == (
        *("ctr", "--address", "/c.sock", "--connect-timeout", "5s", "--namespace", "k8s.io"),
        *("images", "check", "name==h/x:sha256-1"),
    )


def test_an_index_leads_to_the_manifest_that_is_held(runner: t.Any) -> None:
    runner.answer("images check", row())
    runner.answer(
        "content get sha256:m$", json.dumps({"manifests": [{"digest": "sha256:arm"}, {"digest": "sha256:amd"}]})
    )
    runner.answer("content get sha256:amd", json.dumps({"config": {"digest": "sha256:config"}}))
    runner.answer("content ls", "sha256:m\nsha256:amd\n")
    assert node(runner).images([X]) == {X: "sha256:config"}


def test_a_containerd_that_does_not_run_is_a_finding(daemon: t.Any, tmp_path: Path) -> None:
    daemon.have(str(X))
    destination = ContainerdDestination(
        Containerd(SystemRunner(), "ctr", str(tmp_path / "none")), lambda: daemon, tmp_path
    )
    with pytest.raises(ImageError, match="cannot be asked for its images") as caught:
        destination.deliver([Item(X)], check_mode=False)
    assert caught.value.findings[0].code == "IMG-MISSING"


def test_an_image_that_is_nowhere_is_a_finding(runner: t.Any, daemon: t.Any, tmp_path: Path) -> None:
    destination = ContainerdDestination(node(runner), lambda: daemon, tmp_path)
    with pytest.raises(ImageError, match="no such image to deliver") as caught:
        destination.deliver([Item(X, tmp_path / "gone.tar")], check_mode=False)
    assert caught.value.findings[0].code == "IMG-MISSING"


@pytest.mark.parametrize(
    ("identifier", "changed"),
    [("sha256:config", False), ("sha256:other", True), ("", False)],
    ids=["same", "another of that name", "a daemon that does not tell"],
)
def test_check_mode_only_looks(runner: t.Any, daemon: t.Any, tmp_path: Path, identifier: str, changed: bool) -> None:
    daemon.have(str(X), identifier)
    runner.answer("images check", row())
    runner.answer("content get", json.dumps({"config": {"digest": "sha256:config"}}))
    destination = ContainerdDestination(node(runner), lambda: daemon, tmp_path)
    assert destination.deliver([Item(X)], check_mode=True) == [Delivered(X, X, identifier, changed)]
    assert not [call for call in runner.calls if "import" in call]


def test_check_mode_expects_what_an_earlier_task_would_have_made(runner: t.Any, daemon: t.Any, tmp_path: Path) -> None:
    runner.answer("images check", HEADER)
    destination = ContainerdDestination(node(runner), lambda: daemon, tmp_path)
    assert destination.deliver([Item(X)], check_mode=True) == [Delivered(X, X, "", True)]


# --- on a real containerd -------------------------------------------------------------------------------------------


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes of layers each import carried."""
    sent: list[int] = []

    def count(sink: t.IO[bytes], sources: t.Sequence[Source], held: t.Collection[str]) -> int:
        sent.append(write_archive(sink, sources, held))
        return sent[-1]

    monkeypatch.setattr(containerd_module, "write_archive", count)
    return sent


@pytest.fixture
def real_node(real_containerd: t.Any) -> t.Iterator[Containerd]:
    node = Containerd(SystemRunner(), "ctr", str(real_containerd.address))
    yield node
    names = ctr(node, "images", "ls", "-q").split()
    if names:
        ctr(node, "images", "rm", "--sync", *names)


def ctr(node: Containerd, *args: str) -> str:
    argv = [node.ctr, "--address", node.address, "--namespace", node.namespace, *args]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def variants(real_daemon: DockerDaemon, tiny_base: Reference, tmp_path: Path) -> list[Reference]:
    """Two images that differ in one small layer over the same base."""
    references = []
    for number in (1, 2):
        reference = Reference("harvis.test/variant", f"sha256-{number}")
        text = f"FROM {tiny_base}\nLABEL number={number} test={tmp_path.name}\nCOPY Dockerfile /number-{number}\n"
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as tar:
            member = tarfile.TarInfo("Dockerfile")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
        context.seek(0)
        list(real_daemon.api.build(fileobj=context, custom_context=True, tag=str(reference), rm=True))
        references.append(reference)
    return references


@pytest.fixture
def destination(real_node: Containerd, real_daemon: DockerDaemon, tmp_path: Path) -> ContainerdDestination:
    return ContainerdDestination(real_node, lambda: real_daemon, tmp_path / "work")


@pytest.mark.docker
@pytest.mark.containerd
def test_a_changed_image_sends_its_layer_only(
    destination: ContainerdDestination, real_daemon: DockerDaemon, variants: list[Reference], imported: list[int]
) -> None:
    first, second = variants
    destination.deliver([Item(first)], check_mode=False)
    result = destination.deliver([Item(second)], check_mode=False)
    assert imported[0] > 1_000_000
    assert 0 < imported[1] < 10_000
    found = real_daemon.find(second)
    assert found is not None
    assert result == [Delivered(second, second, found.id, True)]
    assert destination.node.images([second]) == {second: found.id}
    # Its file system is whole: a layer that was not sent is there all the same.
    name = f"mount-{second.tag}"
    target = destination.work_dir / name
    target.mkdir(parents=True)
    ctr(destination.node, "images", "mount", str(second), str(target))
    try:
        assert (target / "number-2").is_file()
        assert list(target.glob("**/sha256sum"))
    finally:
        ctr(destination.node, "images", "unmount", str(target))


@pytest.mark.docker
@pytest.mark.containerd
def test_a_second_delivery_changes_nothing(
    destination: ContainerdDestination, variants: list[Reference], imported: list[int]
) -> None:
    items = [Item(reference) for reference in variants]
    assert [result.changed for result in destination.deliver(items, check_mode=True)] == [True, True]
    assert imported == []
    assert [result.changed for result in destination.deliver(items, check_mode=False)] == [True, True]
    assert [result.changed for result in destination.deliver(items, check_mode=False)] == [False, False]
    assert len(imported) == 1, "several images travel in one import"


@pytest.mark.docker
@pytest.mark.containerd
def test_an_archive_is_enough(
    destination: ContainerdDestination, real_daemon: DockerDaemon, variants: list[Reference], tmp_path: Path
) -> None:
    archive = tmp_path / "archive.tar"
    real_daemon.save([variants[0]], archive)

    def unavailable() -> DockerDaemon:
        raise AssertionError("Docker was asked although there is an archive")

    alone = ContainerdDestination(destination.node, unavailable, tmp_path)
    assert alone.deliver([Item(variants[0], archive)], check_mode=False)[0].changed is True
    assert alone.deliver([Item(variants[0], archive)], check_mode=False)[0].changed is False


@pytest.mark.docker
@pytest.mark.containerd
def test_layers_that_vanish_underway_are_sent_after_all(
    destination: ContainerdDestination,
    real_daemon: DockerDaemon,
    variants: list[Reference],
    imported: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when containerd collects garbage between the listing and the import."""
    real = Containerd.layers

    def optimistic(node: Containerd) -> set[str]:
        return real(node) | set(real_daemon.api.inspect_image(str(variants[0]))["RootFS"]["Layers"])

    monkeypatch.setattr(Containerd, "layers", optimistic)
    assert destination.deliver([Item(variants[0])], check_mode=False)[0].changed is True
    assert imported[0] == 0
    assert imported[1] > 1_000_000


@pytest.mark.docker
@pytest.mark.containerd
def test_an_image_of_that_name_but_another_content_is_replaced(
    destination: ContainerdDestination, real_daemon: DockerDaemon, variants: list[Reference]
) -> None:
    destination.deliver([Item(variants[0])], check_mode=False)
    real_daemon.tag(str(variants[1]), variants[0])
    result = destination.deliver([Item(variants[0])], check_mode=False)[0]
    found = real_daemon.find(variants[1])
    assert found is not None
    assert (result.changed, result.id) == (True, found.id)


@pytest.mark.docker
def test_a_node_that_does_not_take_the_image_is_a_finding(
    runner: t.Any, real_daemon: DockerDaemon, variants: list[Reference], tmp_path: Path
) -> None:
    runner.answer("images check", HEADER)
    runner.answer("content ls")
    runner.act("images import", lambda argv: CommandResult(argv, 0, "", ""))
    destination = ContainerdDestination(node(runner), lambda: real_daemon, tmp_path)
    with pytest.raises(ImageError, match="does not see the image under its digest") as caught:
        destination.deliver([Item(variants[0])], check_mode=False)
    assert [finding.code for finding in caught.value.findings] == ["IMG-MISSING"]


@pytest.mark.docker
def test_a_full_disk_of_the_node_is_named(real_daemon: DockerDaemon, variants: list[Reference], tmp_path: Path) -> None:
    ctr = tmp_path / "ctr"
    refusal = "ctr: failed to copy: write /var/lib/containerd/ingest/1/data: no space left on device"
    answers = (
        f"*'images import'*) cat >/dev/null; echo '{refusal}' >&2; exit 1;; *'images check'*) echo '{HEADER.strip()}';;"
    )
    ctr.write_text(f'#!/bin/sh\ncase "$*" in {answers} esac\n')
    ctr.chmod(0o755)
    full = Containerd(SystemRunner(), str(ctr))
    with pytest.raises(ImageError) as caught:
        ContainerdDestination(full, lambda: real_daemon, tmp_path).deliver([Item(variants[0])], check_mode=False)
    assert [finding.code for finding in caught.value.findings] == ["IMG-SPACE"]
    assert refusal in caught.value.findings[0].evidence
