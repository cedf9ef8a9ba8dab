"""Docker, asked over a real socket."""

from __future__ import annotations

import contextlib
import http.server
import shutil
import socketserver
import tempfile
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.preflight import docker


@pytest.fixture
def path() -> t.Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="harvis"))
    yield folder / "docker.sock"
    shutil.rmtree(folder)


class Daemon(http.server.BaseHTTPRequestHandler):
    """Answers ``/_ping`` with the status that its server was made with."""

    def do_GET(self) -> None:
        self.send_response(self.server.status if self.path == "/_ping" else 404)  # type: ignore[attr-defined]
        self.end_headers()

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: t.Any) -> None:
        """Nothing: pytest's output is not the place."""


class Babbler(socketserver.StreamRequestHandler):
    """Answers something that is not HTTP."""

    def handle(self) -> None:
        self.rfile.readline()
        self.wfile.write(b"hello\r\n\r\n")


@contextlib.contextmanager
def daemon(path: Path, handler: type[socketserver.BaseRequestHandler], status: int = 200) -> t.Iterator[None]:
    server = socketserver.ThreadingUnixStreamServer(str(path), handler)
    server.status = status  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status", [200, 500])
def test_the_daemons_answer_is_passed_on(path: Path, status: int) -> None:
    with daemon(path, Daemon, status):
        assert docker.ping(path) == status


def test_no_daemon_has_no_answer(path: Path) -> None:
    assert docker.ping(path) is None


def test_a_socket_that_nobody_listens_on_has_no_answer(path: Path) -> None:
    with daemon(path, Daemon):
        pass
    assert path.exists()

    assert docker.ping(path) is None


def test_something_that_is_no_docker_has_no_answer(path: Path) -> None:
    with daemon(path, Babbler):
        assert docker.ping(path) is None


def forbidden(_: Path) -> t.NoReturn:
    raise PermissionError(13, "Permission denied")


CASES = [
    pytest.param(lambda _: 200, True, [], id="usable"),
    pytest.param(lambda _: None, False, [], id="absent"),
    pytest.param(lambda _: 500, False, [("the Docker daemon is not healthy", "GET /_ping answered 500")], id="ill"),
    pytest.param(forbidden, False, [("this user may not talk to the Docker daemon", "")], id="no rights"),
]


@pytest.mark.parametrize(("answer", "usable", "causes"), CASES)
def test_a_daemon_that_is_there_and_unusable_is_a_finding(
    path: Path, monkeypatch: pytest.MonkeyPatch, answer: t.Callable[[Path], int | None], usable: bool, causes: t.Any
) -> None:
    monkeypatch.setattr(docker, "ping", answer)

    found, findings = docker.check(path)

    assert (found, [(f.code, f.subject, f.cause, f.evidence) for f in findings]) == (
        usable,
        [("IMG-DOCKER", str(path), *cause) for cause in causes],
    )


def test_our_own_daemon_is_known_by_its_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = tmp_path / "harvis-dockerd.service"
    monkeypatch.setattr(docker, "UNIT", unit)
    assert docker.is_ours(tmp_path) is False

    unit.touch()
    assert docker.is_ours(tmp_path) is True
    unit.unlink()
    (tmp_path / "supervisor" / "programs").mkdir(parents=True)
    (tmp_path / "supervisor" / "programs" / "dockerd.conf").touch()
    assert docker.is_ours(tmp_path) is True
