from __future__ import annotations

import json
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.apt_sources import Mirror
from ansible_collections.harvis.platform.plugins.module_utils.image.bootstrap import Bootstrapper, BootstrapSpec
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Upstream
from ansible_collections.harvis.platform.plugins.module_utils.image.rootfs import (
    RootfsRequest,
    debootstrap_argv,
    remove_rootfs,
    trim,
    upgrade,
)
from ansible_collections.harvis.platform.plugins.module_utils.image.specification import Origin
from ansible_collections.harvis.platform.plugins.module_utils.process import CommandResult

MIRROR = Mirror("http://mirror.example.org/debian", "/k.gpg")
UPSTREAM = Upstream("docker.io/library/debian", "a" * 64)
PACKAGES = "base-files:amd64 13.8\nlibc6:amd64 2.41-12\n"


@pytest.fixture
def spec(tmp_path: Path) -> BootstrapSpec:
    return BootstrapSpec(
        name="debian",
        prefix="h",
        rootfs=RootfsRequest("trixie", ("ca-certificates",)),
        cache_dir=tmp_path / "cache",
        work_dir=tmp_path / "work",
        log_dir=tmp_path / "log",
        mirror=MIRROR.uri,
    )


@pytest.fixture
def debian(runner: t.Any) -> t.Any:
    """A runner whose debootstrap writes a small tree."""

    def debootstrap(argv: tuple[str, ...]) -> CommandResult:
        root = Path(argv[-2])
        for name in (
            "etc/hostname",
            "etc/apt/sources.list",
            "etc/dpkg/dpkg.cfg.d/.keep",
            "tmp/.keep",
            "usr/share/doc/bash/copyright",
        ):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text("x")
        return CommandResult(argv, 0, "I: Base system installed successfully.", "")

    def pack(argv: tuple[str, ...]) -> CommandResult:
        Path(argv[argv.index("-cf") + 1]).write_text("packed")
        return CommandResult(argv, 0, "", "")

    runner.act("^debootstrap", debootstrap)
    runner.act("^tar", pack)
    runner.answer("^dpkg-query", PACKAGES)
    runner.act("^chroot", lambda argv: CommandResult(argv, 0, "", ""))
    runner.answer("^apt-config", "")
    return runner


def programs(runner: t.Any) -> list[str]:
    return [call[0] for call in runner.calls]


def test_the_image_is_made_once(spec: BootstrapSpec, daemon: t.Any, debian: t.Any) -> None:
    first = Bootstrapper(spec, daemon, debian).ensure(check_mode=False)
    second = Bootstrapper(spec, daemon, debian).ensure(check_mode=False)
    assert (first.changed, first.origin) == (True, Origin.BUILD)
    assert (second.changed, second.origin, second.reference) == (False, Origin.CACHE, first.reference)
    assert programs(debian).count("debootstrap") == 1
    assert not [path for path in spec.work_dir.iterdir() if path.is_dir()], "the root file system was left behind"


def test_the_recipe_lies_beside_the_archive(spec: BootstrapSpec, daemon: t.Any, debian: t.Any) -> None:
    made = Bootstrapper(spec, daemon, debian).ensure(check_mode=False)
    assert made.archive is not None
    recipe = json.loads(made.archive.with_suffix(".json").read_text())
    assert recipe["reference"] == str(made.reference)
    assert recipe["packages"] == {"base-files:amd64": "13.8", "libc6:amd64": "2.41-12"}
    assert (recipe["suite"], recipe["include"]) == ("trixie", ["ca-certificates"])


def test_another_package_version_gives_another_tag(
    spec: BootstrapSpec, daemon: t.Any, debian: t.Any, tmp_path: Path
) -> None:
    first = Bootstrapper(spec, daemon, debian).ensure(check_mode=False)
    debian.rules = [rule for rule in debian.rules if rule[0] != "^dpkg-query"]
    debian.answer("^dpkg-query", PACKAGES.replace("2.41-12", "2.41-13"))
    other = Bootstrapper(replace(spec, cache_dir=tmp_path / "other"), type(daemon)(), debian).ensure(check_mode=False)
    assert other.reference != first.reference


def test_another_host_with_the_same_cache_only_loads(spec: BootstrapSpec, daemon: t.Any, debian: t.Any) -> None:
    first = Bootstrapper(spec, daemon, debian).ensure(check_mode=False)
    fresh = type(daemon)()
    loaded = Bootstrapper(spec, fresh, debian).ensure(check_mode=False)
    assert (loaded.changed, loaded.origin, loaded.reference) == (True, Origin.CACHE, first.reference)
    assert list(fresh.images) == [str(first.reference)]
    assert programs(debian).count("debootstrap") == 1


def test_a_cached_image_need_not_be_in_docker(spec: BootstrapSpec, daemon: t.Any, debian: t.Any) -> None:
    Bootstrapper(spec, daemon, debian).ensure(check_mode=False)
    fresh = type(daemon)()
    kept = Bootstrapper(replace(spec, load=False), fresh, debian).ensure(check_mode=False)
    assert (kept.changed, fresh.images) == (False, {})


def test_docker_alone_is_enough(spec: BootstrapSpec, daemon: t.Any, debian: t.Any, tmp_path: Path) -> None:
    first = Bootstrapper(spec, daemon, debian).ensure(check_mode=False)
    found = Bootstrapper(replace(spec, cache_dir=tmp_path / "new"), daemon, debian).ensure(check_mode=False)
    assert (found.changed, found.reference) == (False, first.reference)


@pytest.mark.parametrize("rootfs", [RootfsRequest("trixie"), RootfsRequest("bookworm", ("ca-certificates",))])
def test_another_request_is_another_image(
    spec: BootstrapSpec, daemon: t.Any, debian: t.Any, rootfs: RootfsRequest
) -> None:
    first = Bootstrapper(spec, daemon, debian).ensure(check_mode=False)
    other = Bootstrapper(replace(spec, rootfs=rootfs), daemon, debian).ensure(check_mode=False)
    assert (other.origin, other.reference == first.reference) == (Origin.BUILD, False)


def test_check_mode_makes_nothing(spec: BootstrapSpec, daemon: t.Any, runner: t.Any) -> None:
    planned = Bootstrapper(spec, daemon, runner).ensure(check_mode=True)
    assert (planned.changed, planned.reference, planned.origin) == (True, None, Origin.BUILD)
    assert (runner.calls, daemon.images, spec.work_dir.exists()) == ([], {}, False)


def test_a_registry_that_answers_is_used(spec: BootstrapSpec, daemon: t.Any, runner: t.Any) -> None:
    daemon.registry[str(UPSTREAM)] = "sha256:any"
    spec = replace(spec, upstream=UPSTREAM)
    pulled = Bootstrapper(spec, daemon, runner).ensure(check_mode=False)
    assert (str(pulled.reference), pulled.origin) == ("h/debian:sha256-aaaaaaaaaaaaaaaa", Origin.PULL)
    again = Bootstrapper(spec, daemon, runner).ensure(check_mode=False)
    assert (again.changed, again.origin, again.reference) == (False, Origin.CACHE, pulled.reference)
    fresh = Bootstrapper(spec, type(daemon)(), runner).ensure(check_mode=False)
    assert (fresh.changed, fresh.origin) == (True, Origin.CACHE)


def test_a_pull_that_fails_turns_into_a_build(spec: BootstrapSpec, daemon: t.Any, debian: t.Any) -> None:
    daemon.registry[str(UPSTREAM)] = "sha256:any"
    daemon.refuses.add("pull")
    made = Bootstrapper(replace(spec, upstream=UPSTREAM), daemon, debian).ensure(check_mode=False)
    assert made.origin is Origin.BUILD


@pytest.mark.parametrize(
    ("origin", "cause"), [(Origin.CACHE, "neither in Docker nor in the cache"), (Origin.PULL, "does not answer")]
)
def test_a_forced_origin_that_fails_is_a_finding(
    spec: BootstrapSpec, daemon: t.Any, runner: t.Any, origin: Origin, cause: str
) -> None:
    with pytest.raises(ImageError, match=cause):
        Bootstrapper(replace(spec, upstream=UPSTREAM, origin=origin), daemon, runner).ensure(check_mode=False)


def test_a_debootstrap_that_fails_leaves_nothing_and_says_why(
    spec: BootstrapSpec, daemon: t.Any, runner: t.Any
) -> None:
    runner.answer("^apt-config", "")
    runner.answer("^debootstrap", "E: Failed getting release file", rc=1)
    with pytest.raises(ImageError, match="Failed getting release file") as caught:
        Bootstrapper(spec, daemon, runner).ensure(check_mode=False)
    assert caught.value.findings[0].code == "IMG-BUILD"
    assert (daemon.images, [path for path in spec.work_dir.iterdir() if path.is_dir()]) == ({}, [])


def test_what_a_killed_run_left_is_removed_first(spec: BootstrapSpec, daemon: t.Any, debian: t.Any) -> None:
    left = spec.work_dir / f"harvis-debian-{spec.request}/root/half"
    left.parent.mkdir(parents=True)
    left.write_text("x")
    assert Bootstrapper(spec, daemon, debian).ensure(check_mode=False).changed is True


def test_apts_proxy_is_handed_to_debootstrap(
    spec: BootstrapSpec, daemon: t.Any, debian: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("http_proxy", raising=False)
    debian.rules.insert(0, ("^apt-config", CommandResult((), 0, "http://proxy.example.org:3128\n", "")))
    Bootstrapper(spec, daemon, debian).ensure(check_mode=False)
    environment = dict(zip(programs(debian), debian.environments, strict=True))["debootstrap"]
    assert environment == {"http_proxy": "http://proxy.example.org:3128"}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (RootfsRequest("trixie"), ["debootstrap", "--variant=minbase", "--keyring=/k.gpg"]),
        (
            RootfsRequest("trixie", ("b", "a")),
            ["debootstrap", "--variant=minbase", "--keyring=/k.gpg", "--include=a,b"],
        ),
    ],
)
def test_debootstraps_command(request_: RootfsRequest, expected: list[str]) -> None:
    argv = debootstrap_argv(request_, MIRROR, Path("/t"))
    assert argv == [*expected, request_.suite, "/t", "http://mirror.example.org/debian"]


@pytest.mark.parametrize(
    "words", [("--foreign", ()), ("trixie", ("a b",)), ("../x", ()), ("trixie", ("--exclude=dash",))]
)
def test_words_that_are_no_names_never_reach_debootstrap(words: tuple[str, tuple[str, ...]]) -> None:
    with pytest.raises(ImageError, match="no name of a suite or package"):
        RootfsRequest(*words)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("etc/apt", "tmp"):
        (tmp_path / "root" / name).mkdir(parents=True)
    return tmp_path / "root"


def test_updates_come_from_the_same_mirrors_and_the_ca_goes_again(root: Path, runner: t.Any, tmp_path: Path) -> None:
    seen: list[bool] = []

    def apt(argv: tuple[str, ...]) -> CommandResult:
        seen.append((root / "tmp/harvis-ca.pem").is_file())
        return CommandResult(argv, 0, "", "")

    runner.answer("^apt-config", "")
    runner.act("^chroot", apt)
    upgrade(root, "deb u trixie main\n", runner, tmp_path / "log")
    assert [call[-1] for call in runner.calls if call[0] == "chroot"] == ["update", "upgrade"]
    assert (root / "etc/apt/sources.list").read_text() == "deb u trixie main\n"
    assert len(set(seen)) == 1
    assert list((root / "tmp").iterdir()) == []


def test_updates_that_fail_are_a_finding(root: Path, runner: t.Any, tmp_path: Path) -> None:
    runner.answer("^apt-config", "")
    runner.answer("^chroot", rc=100, stderr="E: The repository is not signed.")
    with pytest.raises(ImageError, match="not signed") as caught:
        upgrade(root, "", runner, tmp_path / "log")
    assert (caught.value.findings[0].code, list((root / "tmp").iterdir())) == ("IMG-BUILD", [])


def test_trimming_keeps_licences_and_folders(tmp_path: Path) -> None:
    gone = ["usr/share/man/man1/ls.1.gz", "usr/share/doc/bash/README", "usr/share/locale/de/x.mo", "var/log/dpkg.log"]
    gone += ["var/lib/apt/lists/x_Packages", "var/cache/apt/archives/x.deb", "etc/hostname", "etc/resolv.conf"]
    kept = ["usr/share/doc/bash/copyright", "usr/bin/ls", "var/cache/debconf/config.dat", "etc/dpkg/dpkg.cfg.d/own"]
    for name in (*gone, *kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "usr/share/doc/link").symlink_to("bash")
    trim(tmp_path)
    assert [name for name in gone if (tmp_path / name).exists()] == []
    assert [name for name in kept if not (tmp_path / name).exists()] == []
    assert (tmp_path / "usr/share/man/man1").is_dir()
    assert (tmp_path / "usr/share/doc/link").is_symlink(), "packages share licence texts through links"
    assert "path-include=/usr/share/doc/*/copyright" in (tmp_path / "etc/dpkg/dpkg.cfg.d/harvis-trim").read_text()


def test_nothing_is_deleted_through_a_mount(tmp_path: Path, runner: t.Any) -> None:
    root = tmp_path / "with blank"
    (root / "proc").mkdir(parents=True)
    escaped = str(root / "proc").replace(" ", "\\040")
    mounts = tmp_path / "mounts"
    mounts.write_text(f"sysfs /sys sysfs rw 0 0\nproc {escaped} proc rw 0 0\n")
    runner.answer("^umount")
    with pytest.raises(ImageError, match="still mounted"):
        remove_rootfs(root, runner, mounts)
    assert (root / "proc").is_dir()
    assert runner.calls == [("umount", "--lazy", str(root / "proc"))]


def test_a_tree_without_mounts_is_removed(tmp_path: Path, runner: t.Any) -> None:
    (tmp_path / "root/etc").mkdir(parents=True)
    remove_rootfs(tmp_path / "root", runner)
    assert not (tmp_path / "root").exists()
