from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image import daemon as daemon_module
from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import DockerDaemon, ImageOnDaemon, connect
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference, Upstream
from docker.errors import DockerException


def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no daemon answers there") as caught:
        connect(f"unix://{tmp_path}/none.sock")
    assert (caught.value.findings[0].code, "Start Docker" in caught.value.findings[0].fix) == ("IMG-DOCKER", True)


def test_a_port_that_nobody_listens_on() -> None:
    with pytest.raises(ImageError, match="no daemon answers there"):
        connect(environment={"DOCKER_HOST": "tcp://127.0.0.1:9"})


def test_no_rights_on_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_settings: t.Any) -> None:
        raise DockerException("Error while fetching server API version: PermissionError(13, 'Permission denied')")

    monkeypatch.setattr(daemon_module, "_make_api", refuse)
    with pytest.raises(ImageError, match="no rights on Docker's socket") as caught:
        connect()
    assert "group docker" in caught.value.findings[0].fix


@pytest.mark.parametrize(
    ("host", "environment", "expected"),
    [
        (None, {}, daemon_module.DEFAULT_HOST),
        (None, {"DOCKER_HOST": "tcp://a:1"}, "tcp://a:1"),
        ("tcp://b:2", {"DOCKER_HOST": "tcp://a:1"}, "tcp://b:2"),
    ],
)
def test_which_daemon_is_meant(
    monkeypatch: pytest.MonkeyPatch, host: str | None, environment: dict[str, str], expected: str
) -> None:
    asked: dict[str, t.Any] = {}

    class Answers:
        def ping(self) -> None:
            pass

    def make_api(**settings: t.Any) -> Answers:
        asked.update(settings)
        return Answers()

    monkeypatch.setattr(daemon_module, "_make_api", make_api)
    assert connect(host, environment).host == expected
    assert asked["base_url"].replace("http+unix", "unix") == expected


class Api:
    """A store that keeps images in containerd, as newer Docker versions do."""

    def inspect_image(self, _name: str) -> dict[str, t.Any]:
        return {"Id": "sha256:manifest", "RepoDigests": None, "Config": {"Labels": {"a": "b"}}}

    def info(self) -> dict[str, t.Any]:
        return {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}


def test_an_id_that_is_no_config_digest_is_not_taken_for_one() -> None:
    daemon = DockerDaemon(t.cast(t.Any, Api()), "unix:///x")
    assert daemon.find("x:y") == ImageOnDaemon("", (), (("a", "b"),))


@pytest.mark.docker
def test_an_image_survives_saving_and_loading(real_daemon: DockerDaemon, tiny_base: Reference, tmp_path: Path) -> None:
    copy = Reference(tiny_base.repository, "sha256-copy")
    real_daemon.tag(str(tiny_base), copy)
    before = real_daemon.find(copy)
    archive = tmp_path / "images/copy.tar"
    real_daemon.save([copy], archive)
    real_daemon.api.remove_image(str(copy))
    assert real_daemon.find(copy) is None
    real_daemon.load(archive)
    assert real_daemon.find(copy) == before
    assert [path.name for path in archive.parent.iterdir()] == ["copy.tar"]


@pytest.mark.docker
def test_nothing_is_left_of_an_archive_that_cannot_be_made(real_daemon: DockerDaemon, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="could not save"):
        real_daemon.save([Reference("harvis.test/none", "x")], tmp_path / "none.tar")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.docker
def test_an_import_carries_its_labels(real_daemon: DockerDaemon, tiny_base: Reference, tmp_path: Path) -> None:
    (tmp_path / "empty.tar").write_bytes(b"\0" * 10240)
    reference = Reference("harvis.test/labelled", "sha256-1")
    real_daemon.import_rootfs(tmp_path / "empty.tar", reference, ["LABEL harvis.test.mark=yes"])
    assert [name for name, _image in real_daemon.find_labelled("harvis.test.mark=yes")] == [reference]
    assert real_daemon.find_labelled("harvis.test.mark=no") == []
    assert tiny_base not in [name for name, _image in real_daemon.find_labelled("harvis.test.mark=yes")]


@pytest.mark.docker
def test_a_registry_that_does_not_exist_gives_no_digest_and_no_image(real_daemon: DockerDaemon) -> None:
    upstream = Upstream("127.0.0.1:9/nobody/nothing", "0" * 64)
    assert real_daemon.registry_digest(str(upstream)) is None
    with pytest.raises(ImageError, match="could not pull"):
        real_daemon.pull(upstream, Reference("harvis.test/none", "x"))
