from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.build import Builder
from ansible_collections.harvis.platform.plugins.module_utils.image.cli import BuildCli
from ansible_collections.harvis.platform.plugins.module_utils.image.context import pack
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError, image_error
from ansible_collections.harvis.platform.plugins.module_utils.image.produce import Job, Produced, Producer
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference, Upstream
from ansible_collections.harvis.platform.plugins.module_utils.image.specification import ImageSpec, Origin
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

BASE = Reference("h/base", "sha256-bb")
UPSTREAM = Upstream("docker.io/x", "a" * 64)


@dataclass
class FakeBuilder:
    """Puts what it builds on the fake daemon."""

    daemon: t.Any
    log: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)

    def check_dockerfile(self, spec: ImageSpec, _dockerfile: str) -> None:
        self.log.append(f"check {spec.name}")
        if f"parse {spec.name}" in self.broken:
            raise image_error("IMG-BUILD", spec.name, "does not parse")

    def build(self, spec: ImageSpec, reference: Reference, source: Path, _dockerfile: str) -> None:
        if spec.name in self.broken:
            raise image_error("IMG-BUILD", spec.name, "step failed")
        self.log.append(f"build {spec.name} from {source.read_text()}")
        if spec.name not in self.lost:
            self.daemon.have(str(reference), f"sha256:{spec.name}")


@dataclass
class Bench:
    """A producer on fakes."""

    daemon: t.Any
    builder: FakeBuilder
    folder: Path
    clock: t.Callable[[], float]

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def job(self, name: str, *, sent: bool = True, digest: str = "c" * 64, **spec: t.Any) -> Job:
        source = self.folder / f"{name}.tar"
        source.write_text("sources")
        return Job(ImageSpec(name, **spec), digest, "FROM x", source if sent else None)

    def run(self, *jobs: Job, check_mode: bool = False, prefix: str = "h") -> dict[str, Produced]:
        producer = Producer(lambda: self.daemon, lambda: t.cast(t.Any, self.builder), prefix, self.cache, 2, self.clock)
        return producer.produce(jobs, check_mode=check_mode)[0]


@pytest.fixture
def bench(daemon: t.Any, tmp_path: Path, clock: t.Callable[[], float]) -> Bench:
    return Bench(daemon, FakeBuilder(daemon), tmp_path, clock)


def test_an_image_that_is_missing_is_built_and_the_sources_go(bench: Bench) -> None:
    job = bench.job("x")
    assert bench.run(job) == {
        "x": Produced(Reference("h/x", "sha256-cccccccccccccccc"), "c" * 64, True, Origin.BUILD, None, 3.0)
    }
    assert bench.builder.log == ["check x", "build x from sources"]
    assert not t.cast(Path, job.source).exists()


def test_a_second_run_changes_nothing(bench: Bench) -> None:
    bench.run(bench.job("x"))
    result = bench.run(bench.job("x", sent=False))["x"]
    assert (result.changed, result.origin, result.done) == (False, Origin.CACHE, True)
    assert bench.builder.log.count("build x from sources") == 1


def test_check_mode_names_the_image_and_does_nothing(bench: Bench) -> None:
    result = bench.run(bench.job("x", sent=False, archive=True), check_mode=True)["x"]
    assert (str(result.reference), result.changed, result.origin) == ("h/x:sha256-cccccccccccccccc", True, Origin.BUILD)
    assert bench.builder.log == ["check x"]
    assert (bench.daemon.images, bench.cache.exists()) == ({}, False)


def test_without_sources_the_image_waits_for_them(bench: Bench) -> None:
    assert bench.run(bench.job("x", sent=False))["x"].done is False


def test_an_archived_image_is_not_loaded(bench: Bench) -> None:
    bench.run(bench.job("x", archive=True))
    bench.daemon.images.clear()
    result = bench.run(bench.job("x", sent=False, archive=True))["x"]
    assert (result.changed, result.archive) == (False, bench.cache / "images/x-cccccccccccccccc.tar")
    assert bench.daemon.images == {}


def test_an_archived_image_is_loaded_where_docker_must_have_it(bench: Bench) -> None:
    bench.run(bench.job("x", archive=True))
    bench.daemon.images.clear()
    assert bench.run(bench.job("x", sent=False, archive=True, load=True))["x"].changed is True
    assert list(bench.daemon.images) == ["h/x:sha256-cccccccccccccccc"]


def test_a_registry_that_answers_is_used_and_no_sources_are_needed(bench: Bench) -> None:
    bench.daemon.registry[str(UPSTREAM)] = "sha256:any"
    result = bench.run(bench.job("x", sent=False, upstream=UPSTREAM))["x"]
    assert (str(result.reference), result.digest) == ("h/x:sha256-aaaaaaaaaaaaaaaa", "a" * 64)
    assert (result.origin, result.changed, result.done) == (Origin.PULL, True, True)
    assert bench.builder.log == []


def test_a_pull_that_fails_turns_into_a_build(bench: Bench) -> None:
    bench.daemon.registry[str(UPSTREAM)] = "sha256:any"
    bench.daemon.refuses.add("pull")
    waiting = bench.run(bench.job("x", sent=False, upstream=UPSTREAM))["x"]
    assert (waiting.done, waiting.origin) == (False, Origin.BUILD)
    built = bench.run(bench.job("x", upstream=UPSTREAM))["x"]
    assert (str(built.reference), built.origin) == ("h/x:sha256-cccccccccccccccc", Origin.BUILD)


def test_a_forced_pull_that_fails_is_an_error(bench: Bench) -> None:
    bench.daemon.registry[str(UPSTREAM)] = "sha256:any"
    bench.daemon.refuses.add("pull")
    with pytest.raises(ImageError, match="could not pull"):
        bench.run(bench.job("x", upstream=UPSTREAM, origin=Origin.PULL))


def test_a_base_of_ours_that_is_nowhere_stops_before_anything_is_built(bench: Bench) -> None:
    with pytest.raises(ImageError, match="its base h/base:sha256-bb is neither") as caught:
        bench.run(bench.job("x", base=BASE), bench.job("y"))
    assert caught.value.findings[0].code == "IMG-ORIGIN"
    assert not [line for line in bench.builder.log if line.startswith("build")]


def test_a_base_that_only_the_cache_has_is_loaded(bench: Bench) -> None:
    archive = BASE.archive(bench.cache)
    archive.parent.mkdir(parents=True)
    archive.write_text(f"{BASE} sha256:base")
    assert bench.run(bench.job("x", base=BASE))["x"].changed is True
    assert bench.daemon.log == ["load base-bb.tar"]


def test_somebody_elses_base_is_left_to_the_build(bench: Bench) -> None:
    assert bench.run(bench.job("x", base=Reference("docker.io/library/debian", "trixie")))["x"].changed is True


def test_a_dockerfile_that_does_not_parse_stops_all_before_anything_changes(bench: Bench) -> None:
    bench.builder.broken = {"parse x"}
    with pytest.raises(ImageError, match="does not parse"):
        bench.run(bench.job("x"), bench.job("y"))
    assert bench.daemon.images == {}


def test_one_failing_image_does_not_stop_the_others_and_all_are_named(bench: Bench) -> None:
    bench.builder.broken = {"x", "z"}
    with pytest.raises(ImageError) as caught:
        bench.run(bench.job("x"), bench.job("y"), bench.job("z"))
    assert [finding.subject for finding in caught.value.findings] == ["x", "z"]
    assert list(bench.daemon.images) == ["h/y:sha256-cccccccccccccccc"]


@pytest.mark.fault("F16", code="IMG-DAEMON", when="after build")
def test_an_image_that_lands_on_another_daemon_is_an_error(bench: Bench) -> None:
    bench.builder.lost = {"x"}
    with pytest.raises(ImageError, match="not on the daemon") as caught:
        bench.run(bench.job("x"))
    assert caught.value.findings[0].code == "IMG-DAEMON"


# What programs print that end well and leave no image: minikube's, and buildx with a builder of its own.
NOTHING_BUILT = {
    "F18": "succeeded building to:\nfailed building to:\n",
    "F19": "WARNING: No output specified with docker-container driver. Build result will only remain in the cache",
}


@pytest.mark.fault("F18", "F19", code="IMG-DAEMON", when="after build")
@pytest.mark.parametrize("said", NOTHING_BUILT.values(), ids=NOTHING_BUILT)
def test_a_build_that_ends_well_and_leaves_no_image_is_an_error(bench: Bench, tmp_path: Path, said: str) -> None:
    program = tmp_path / "docker"
    program.write_text(f"#!/bin/sh\nprintf '%s' '{said}'\n")
    program.chmod(0o755)
    job = bench.job("x")
    pack(t.cast(Path, job.source), tmp_path, [], "FROM scratch\n")
    cli = BuildCli(str(program), "20.10.24", "built-in")
    real = Builder(cli, bench.daemon.host, SystemRunner(), tmp_path / "work", tmp_path / "log")
    producer = Producer(lambda: bench.daemon, lambda: real, "h", bench.cache, 1, bench.clock)

    with pytest.raises(ImageError, match=r"the build ended well, and h/x:sha256-c+ is not on the daemon") as caught:
        producer.produce([job], check_mode=False)

    assert caught.value.findings[0].code == "IMG-DAEMON"
    assert said in (tmp_path / "log" / "x.log").read_text()


def test_the_result_in_words(bench: Bench) -> None:
    assert bench.run(bench.job("x", archive=True))["x"].to_dict() == {
        "reference": "h/x:sha256-cccccccccccccccc",
        "digest": f"sha256:{'c' * 64}",
        "changed": True,
        "origin": "build",
        "archive": str(bench.cache / "images/x-cccccccccccccccc.tar"),
        "seconds": 3.0,
    }
