from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import DockerDaemon
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.item import Delivered, Item
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.registry import RegistryDestination
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference

X = Reference("h/x", "sha256-1")
THERE = Reference("localhost:5000/team/x", "sha256-1")
MANIFEST = "sha256:manifest-of-a"


def destination(daemon: t.Any, auth: dict[str, str] | None = None) -> RegistryDestination:
    return RegistryDestination(lambda: daemon, "localhost:5000/team", auth)


def test_what_is_missing_is_pushed_once(daemon: t.Any) -> None:
    daemon.have(str(X), "sha256:a")
    assert destination(daemon).deliver([Item(X)], check_mode=False) == [Delivered(X, THERE, MANIFEST, True)]
    assert destination(daemon).deliver([Item(X)], check_mode=False) == [Delivered(X, THERE, MANIFEST, False)]
    assert daemon.log.count(f"push {THERE}") == 1


def test_credentials_go_with_every_question(daemon: t.Any) -> None:
    daemon.have(str(X), "sha256:a")
    destination(daemon, {"username": "u", "password": "p"}).deliver([Item(X)], check_mode=False)
    assert daemon.log == [f"ask {THERE} as u", f"tag {THERE}", f"push {THERE} as u", f"ask {THERE} as u"]


def test_an_image_that_was_pushed_from_elsewhere_is_no_change(daemon: t.Any) -> None:
    daemon.have(str(X), "sha256:a")
    daemon.registry[str(THERE)] = MANIFEST
    assert destination(daemon).deliver([Item(X)], check_mode=False) == [Delivered(X, THERE, MANIFEST, False)]


def test_check_mode_only_looks(daemon: t.Any, tmp_path: Path) -> None:
    archive = tmp_path / "x.tar"
    archive.write_text(f"{X} sha256:a")
    assert destination(daemon).deliver([Item(X, archive)], check_mode=True) == [Delivered(X, THERE, "", True)]
    assert (daemon.images, daemon.log) == ({}, [f"ask {THERE}"])


def test_an_archive_is_loaded_to_be_pushed(daemon: t.Any, tmp_path: Path) -> None:
    archive = tmp_path / "x.tar"
    archive.write_text(f"{X} sha256:a")
    assert destination(daemon).deliver([Item(X, archive)], check_mode=False)[0].id == MANIFEST


def test_an_image_that_is_nowhere(daemon: t.Any) -> None:
    with pytest.raises(ImageError, match="no such image to deliver"):
        destination(daemon).deliver([Item(X)], check_mode=False)


def test_check_mode_expects_what_an_earlier_task_would_have_made(daemon: t.Any) -> None:
    assert destination(daemon).deliver([Item(X)], check_mode=True) == [Delivered(X, THERE, "", True)]


def test_a_registry_that_shows_something_else_is_a_finding(daemon: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon.have(str(X), "sha256:a")
    monkeypatch.setattr(daemon, "registry_digest", lambda _name, _auth=None: "sha256:other")
    with pytest.raises(ImageError, match="does not show the manifest that was pushed") as caught:
        destination(daemon).deliver([Item(X)], check_mode=False)
    assert caught.value.findings[0].code == "IMG-MISSING"


@pytest.mark.docker
def test_a_real_registry(real_daemon: DockerDaemon, tiny_base: Reference) -> None:
    address = os.environ.get("HARVIS_TEST_REGISTRY")
    if not address:
        pytest.skip("HARVIS_TEST_REGISTRY names no registry that this daemon may push to")
    target = RegistryDestination(lambda: real_daemon, address)
    first, second = (target.deliver([Item(tiny_base)], check_mode=False)[0] for _ in range(2))
    assert second.changed is False
    assert (first.name, first.id) == (tiny_base.on_registry(address), second.id)
    assert real_daemon.registry_digest(str(first.name)) == first.id


@pytest.mark.docker
def test_a_registry_that_does_not_answer_is_a_finding(real_daemon: DockerDaemon, tiny_base: Reference) -> None:
    with pytest.raises(ImageError, match="did not take the image") as caught:
        RegistryDestination(lambda: real_daemon, "127.0.0.1:9").deliver([Item(tiny_base)], check_mode=False)
    assert caught.value.findings[0].code == "NET-REGISTRY"
