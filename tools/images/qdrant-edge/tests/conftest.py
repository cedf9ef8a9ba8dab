"""A really running server on loopback, and the real client that the workers use."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from qdrant_client import QdrantClient

SERVER_SOURCE = Path(__file__).resolve().parents[1]
START_LIMIT_SECONDS = 30.0


class Server:
    """One server process on a folder; it can be stopped, killed and started again on the same port."""

    def __init__(self, storage: Path, **environment: str) -> None:
        self._storage = storage
        self._environment = environment
        self._log = storage.parent / f"{storage.name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> Server:
        environment = {
            **os.environ,
            "PYTHONPATH": str(SERVER_SOURCE),
            "QDRANT__STORAGE__STORAGE_PATH": str(self._storage),
            "QDRANT__SERVICE__HOST": "127.0.0.1",
            "QDRANT__SERVICE__HTTP_PORT": str(self.port),
            **self._environment,
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "qdrant_edge_server"], env=environment, stdout=log, stderr=log
            )
        self._await_ready()
        return self

    def stop(self) -> None:
        """Ask it to end, as Kubernetes does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a chance to write anything."""
        self._end(signal.SIGKILL)

    def log_text(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def client(self, **options: str) -> QdrantClient:
        # The check runs on beside the test and would warn about servers that a test has ended.
        return QdrantClient(url=self.url, check_compatibility=False, **options)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait(timeout=START_LIMIT_SECONDS)
        self._process = None

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/readyz").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"the server did not become ready:\n{self.log_text()}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for tests that change nothing but their own collection."""
    server = Server(tmp_path_factory.mktemp("qdrant-edge") / "storage").start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def new_server() -> type[Server]:
    """For tests that need a server of their own settings."""
    return Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of one's own, to be stopped and started."""
    server = Server(tmp_path / "storage").start()
    yield server
    server.kill()


@pytest.fixture
def client(shared_server: Server) -> Iterator[QdrantClient]:
    client = shared_server.client()
    for collection in client.get_collections().collections:
        client.delete_collection(collection.name)
    yield client
    client.close()
