"""Fakes at the boundary (daemon, programs) and the real things where the machine has them."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import DockerDaemon, ImageOnDaemon, connect
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference, Upstream
from ansible_collections.harvis.platform.plugins.module_utils.process import CommandResult

TEST_PREFIX = "harvis.test"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "docker: talks to the machine's Docker daemon")
    config.addinivalue_line("markers", "containerd: starts a containerd of its own")


@dataclass
class FakeRunner:
    """Answers each program by the first matching rule and remembers what was asked."""

    rules: list[tuple[str, CommandResult | t.Callable[[tuple[str, ...]], CommandResult]]] = field(default_factory=list)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    environments: list[dict[str, str]] = field(default_factory=list)

    def answer(self, pattern: str, stdout: str = "", rc: int = 0, stderr: str = "") -> None:
        self.rules.append((pattern, CommandResult((), rc, stdout, stderr)))

    def act(self, pattern: str, action: t.Callable[[tuple[str, ...]], CommandResult]) -> None:
        self.rules.append((pattern, action))

    def run(self, argv: t.Sequence[str], *, env: t.Any = None, **_options: t.Any) -> CommandResult:
        words = tuple(map(str, argv))
        self.calls.append(words)
        self.environments.append(dict(env or {}))
        for pattern, answer in self.rules:
            if re.search(pattern, " ".join(words)):
                return answer if isinstance(answer, CommandResult) else answer(words)
        raise AssertionError(f"nobody told the fake what {words} answers")


@dataclass
class FakeDaemon:
    """A daemon's image store in memory; archives are small files that name their images."""

    host: str = "unix:///fake.sock"
    images: dict[str, ImageOnDaemon] = field(default_factory=dict)
    registry: dict[str, str] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)

    def have(self, reference: str, identifier: str = "sha256:1", **more: t.Any) -> None:
        self.images[reference] = ImageOnDaemon(identifier, **more)

    def find(self, reference: Reference | str) -> ImageOnDaemon | None:
        return self.images.get(str(reference))

    def find_labelled(self, label: str) -> list[tuple[Reference, ImageOnDaemon]]:
        wanted = tuple(label.split("=", 1))
        return [(Reference.parse(name), image) for name, image in self.images.items() if wanted in image.labels]

    def store(self) -> Path | None:
        return None

    def save(self, references: t.Sequence[Reference], target: Path) -> None:
        self._note("save", *references)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n".join(f"{name} {self.images[str(name)].id}" for name in references))

    def load(self, archive: Path) -> None:
        self._note("load", archive.name)
        for line in archive.read_text().splitlines():
            self.have(*line.split())

    def tag(self, source: str, reference: Reference) -> None:
        self._note("tag", reference)
        self.images[str(reference)] = self.images[source]

    def registry_digest(self, name: str, auth: dict[str, str] | None = None) -> str | None:
        self.log.append(f"ask {name}" + (f" as {auth['username']}" if auth else ""))
        return self.registry.get(name)

    def pull(self, upstream: Upstream, reference: Reference) -> None:
        self._note("pull", upstream)
        self.have(str(reference), "sha256:pulled")

    def push(self, reference: Reference, auth: dict[str, str] | None) -> None:
        self._note("push", reference, *([f"as {auth['username']}"] if auth else []))
        image = self.images[str(reference)]
        digest = f"sha256:manifest-of-{image.id.removeprefix('sha256:')}"
        self.registry[str(reference)] = digest
        # Docker knows a digest per image, under all its names.
        known = ImageOnDaemon(image.id, (f"{reference.repository}@{digest}",))
        self.images = {name: known if held.id == image.id else held for name, held in self.images.items()}

    def import_rootfs(self, rootfs: Path, reference: Reference, changes: t.Sequence[str]) -> None:
        self._note("import", rootfs.name)
        labels = [
            tuple(change.removeprefix("LABEL ").split("=", 1)) for change in changes if change.startswith("LABEL")
        ]
        self.have(str(reference), "sha256:imported", labels=tuple(labels))

    def _note(self, action: str, *subjects: object) -> None:
        if action in self.refuses:
            from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding

            raise ImageError(Finding("IMG-DOCKER", self.host, f"could not {action}"))
        self.log.append(" ".join([action, *map(str, subjects)]))


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def daemon() -> FakeDaemon:
    return FakeDaemon()


@pytest.fixture
def other_daemon() -> FakeDaemon:
    return FakeDaemon(host="tcp://192.0.2.7:2376")


@pytest.fixture
def clock() -> t.Callable[[], float]:
    moments = iter(range(0, 10_000, 3))
    return lambda: float(next(moments))


@pytest.fixture
def tree(tmp_path: Path) -> t.Callable[[dict[str, str]], Path]:
    """Writes files by relative path under a folder called ``context`` and returns it."""

    def write(files: dict[str, str]) -> Path:
        root = tmp_path / "context"
        root.mkdir(exist_ok=True)
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return root

    return write


@pytest.fixture(scope="session")
def real_daemon() -> DockerDaemon:
    try:
        return connect()
    except ImageError as exc:
        pytest.skip(f"no Docker daemon that can be used: {exc.findings[0].cause}")


@pytest.fixture(scope="session")
def tiny_base(real_daemon: DockerDaemon, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Reference]:
    """A base image of a shell and its libraries, copied from this machine: no registry and no mirror is needed."""
    reference = Reference(f"{TEST_PREFIX}/tiny", "sha256-0000000000000000")
    packed = tmp_path_factory.mktemp("tiny") / "root.tar"
    programs = [shutil.which(name) for name in ("sh", "cat", "ls", "sha256sum")]
    listing = subprocess.run(["ldd", *filter(None, programs)], capture_output=True, text=True, check=True).stdout
    libraries = sorted(set(re.findall(r"(/\S+\.so\S*)", listing)))
    with tarfile.open(packed, "w") as tar:
        for path in [*filter(None, programs), *libraries]:
            content = Path(path).read_bytes()
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(content), 0o755
            tar.addfile(member, io.BytesIO(content))
            if Path(path).name == "sh" and path != "/bin/sh":
                member = tarfile.TarInfo("bin/sh")
                member.type, member.linkname = tarfile.SYMTYPE, path
                tar.addfile(member)
    real_daemon.import_rootfs(packed, reference, ["ENV PATH=/usr/bin:/bin:/usr/local/bin"])
    yield reference
    made = real_daemon.api.images(filters={"reference": f"{TEST_PREFIX}/*"})
    # The newest first: an image cannot go before those that were made from it.
    for image in sorted(made, key=lambda image: image["Created"], reverse=True):
        for tag in image["RepoTags"]:
            real_daemon.api.remove_image(tag, force=True)


@dataclass
class PrivateContainerd:
    """Where the containerd of this test session listens."""

    address: Path


@pytest.fixture(scope="session")
def real_containerd(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[PrivateContainerd]:
    program = shutil.which("containerd")
    if program is None or shutil.which("ctr") is None:
        pytest.skip("containerd and ctr are not installed")
    # The path of a socket may have 107 characters at most: pytest's own folders can be too deep.
    folder = Path("/var/tmp") / f"harvis-test-containerd-{tmp_path_factory.getbasetemp().name}-{time.time_ns()}"
    folder.mkdir(mode=0o700)
    config = folder / "config.toml"
    config.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
    address = folder / "containerd.sock"
    argv = [program, "--config", config, "--root", folder / "root", "--state", folder / "state", "--address", address]
    with (folder / "log").open("wb") as log, subprocess.Popen(argv, stdout=log, stderr=log) as process:
        try:
            for _attempt in range(100):
                if address.is_socket() or process.poll() is not None:
                    break
                time.sleep(0.1)
            if not address.is_socket():
                pytest.skip(f"containerd does not start here: {(folder / 'log').read_text()[-300:]}")
            yield PrivateContainerd(address)
        finally:
            process.terminate()
            process.wait(20)
            shutil.rmtree(folder, ignore_errors=True)
