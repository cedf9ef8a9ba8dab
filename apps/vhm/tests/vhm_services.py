"""A real broker and a real store on loopback, as processes of their own: for the bench and the kill test.

Kafka comes from KAFKA_HOME, a folder with Kafka's `libs`, or else out of the image that this platform built and keeps
in its cache. Any Java from 17 on runs it. The store is the stand-in that `tools/images/qdrant-edge` holds.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from confluent_kafka.admin import AdminClient, NewTopic

REPOSITORY = Path(__file__).parents[3]
STORE_SOURCES = REPOSITORY / "tools" / "images" / "qdrant-edge"
IMAGES = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "harvis" / "images"
UP_SECONDS = 120.0


class Unavailable(Exception):
    """This machine has no broker to start; the text says what is missing."""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def kafka_libraries(folder: Path) -> Path:
    """Kafka's libraries; taken out of the cached image into `folder` where no KAFKA_HOME says where they are."""
    if not shutil.which("java"):
        raise Unavailable("there is no java")
    if home := os.environ.get("KAFKA_HOME"):
        return Path(home) / "libs"
    images = sorted(IMAGES.glob("kafka-*.tar"), key=lambda path: path.stat().st_mtime)
    if not images:
        raise Unavailable(f"KAFKA_HOME is not set, and {IMAGES} holds no image of Kafka")
    with tarfile.open(images[-1]) as image:
        for layer in (member for member in image if member.name.endswith("layer.tar")):
            with tarfile.open(fileobj=image.extractfile(layer)) as files:
                for jar in (member for member in files if member.name.startswith("opt/kafka/libs/")):
                    files.extract(jar, folder, filter="data")
    return folder / "opt" / "kafka" / "libs"


class Service:
    """One process that can be started again after it was killed."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path, is_up: Callable[[], bool]
    ) -> None:
        self.name = name
        self._command = list(command)
        self._environment = dict(environment)
        self._log = log
        self._is_up = is_up
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env={**os.environ, **self._environment}, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + UP_SECONDS
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the {self.name} did not come up: {self._log.read_text()[-2000:]}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"the {self.name} was not started")
        return self._process.pid

    def kill(self) -> None:
        """As a machine that loses power would end it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.TransportError:
        return False


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def store(folder: Path) -> Iterator[tuple[str, Service]]:
    """The store's address, and its process."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PYTHONPATH": os.pathsep.join([str(STORE_SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "QDRANT__STORAGE__STORAGE_PATH": str(folder / "storage"),
        "QDRANT__SERVICE__HOST": "127.0.0.1",
        "QDRANT__SERVICE__HTTP_PORT": str(port),
        "QDRANT__LOG_LEVEL": "warn",
    }
    command = [sys.executable, "-m", "qdrant_edge_server"]
    service = Service("store", command, environment, folder / "log", lambda: _answers(f"{url}/readyz"))
    service.start()
    try:
        yield url, service
    finally:
        service.stop()


@contextmanager
def broker(folder: Path) -> Iterator[tuple[str, Service]]:
    """The broker's address, and its process: one node, which is its own controller."""
    folder.mkdir(parents=True, exist_ok=True)
    java = ["java", "-Xmx512M", "-cp", f"{kafka_libraries(folder)}/*"]
    port, controller = free_port(), free_port()
    properties = folder / "server.properties"
    properties.write_text(
        f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder / "data"}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
"""
    )
    identifier = "AAAAAAAAAAAAAAAAAAAAAA"
    format_log = [*java, "kafka.tools.StorageTool", "format", "--cluster-id", identifier, "--config", str(properties)]
    subprocess.run(format_log, check=True, capture_output=True)
    service = Service("broker", [*java, "kafka.Kafka", str(properties)], {}, folder / "log", lambda: _accepts(port))
    service.start()
    try:
        yield f"127.0.0.1:{port}", service
    finally:
        service.stop()


def make_topics(bootstrap: str, *names: str, partitions: int = 1) -> None:
    # Kept in a name until the answers are here: a client that is let go ends its requests.
    admin = AdminClient({"bootstrap.servers": bootstrap})
    wanted = [NewTopic(name, num_partitions=partitions, replication_factor=1) for name in names]
    futures = admin.create_topics(wanted, operation_timeout=30)
    for future in futures.values():
        future.result(60)
