"""What speaks against a host, read from recorded trees and from this machine's own sockets."""

from __future__ import annotations

import os
import shutil
import socket
import typing as t
from collections import namedtuple
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.preflight import checks
from ansible_collections.harvis.platform.plugins.module_utils.preflight.checks import Requirements, preflight
from ansible_collections.harvis.platform.plugins.module_utils.preflight.packages import (
    ALWAYS,
    BUILDS,
    CLUSTER,
    missing_packages,
)
from ansible_collections.harvis.platform.plugins.module_utils.preflight.ports import Listener, listeners
from ansible_collections.harvis.platform.plugins.modules import host_preflight
from ansible_collections.harvis.platform.tests.unit.fakes import run_main

Usage = namedtuple("Usage", "total used free")
GIB = 1024**3


def memory(root: Path, gib: float) -> Path:
    (root / "proc").mkdir(exist_ok=True)
    (root / "proc" / "meminfo").write_text(f"MemFree: 1 kB\nMemTotal: {int(gib * 1024 * 1024)} kB\n")
    return root


@pytest.mark.parametrize(
    ("present", "needed", "causes"),
    [
        (8, 6, []),
        (6, 6, []),
        (5.9, 6, ["5.9 GiB of memory; the platform needs 6 GiB"]),
        (2, 5.5, ["2.0 GiB of memory; the platform needs 5.5 GiB"]),
    ],
)
def test_memory(tmp_path: Path, present: float, needed: float, causes: list[str]) -> None:
    findings = checks.check_memory(needed, memory(tmp_path, present))

    assert [(f.code, f.cause) for f in findings] == [("RES-MEMORY", cause) for cause in causes]


DISK = [
    pytest.param({"/data": 12}, 20, [], id="enough for one"),
    pytest.param({"/data": 12, "/data/cache": 8}, 20, [], id="enough for both"),
    pytest.param(
        {"/data": 12, "/data/cache": 8},
        19,
        ["19.0 GiB free for /data, /data/cache; 20 GiB are needed"],
        id="each alone would fit",
    ),
    pytest.param({"/data/not/made/yet": 12}, 1, ["1.0 GiB free for /data/not/made/yet; 12 GiB are needed"], id="none"),
]


@pytest.mark.parametrize(("needed", "free", "causes"), DISK)
def test_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needed: dict[str, float], free: int, causes: list[str]
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: Usage(0, 0, free * GIB))

    findings = checks.check_disk(needed, tmp_path)

    assert [(f.code, f.cause) for f in findings] == [("RES-DISK", cause) for cause in causes]


def test_folders_on_different_file_systems_do_not_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: Usage(0, 0, 10 * GIB))
    folders = {str(tmp_path): 9.0, "/proc/self": 9.0}

    assert checks.check_disk(folders, Path("/")) == []
    assert len(checks.check_disk({**folders, str(tmp_path / "more"): 2.0}, Path("/"))) == 1


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["IPv4", "IPv6"])
def listening(request: pytest.FixtureRequest) -> t.Iterator[int]:
    family, address = request.param
    with socket.socket(family) as server:
        try:
            server.bind((address, 0))
        except OSError:
            pytest.skip(f"this machine has no address {address}")
        server.listen()
        yield server.getsockname()[1]


def test_a_listening_socket_is_found_with_its_program(listening: int) -> None:
    name = Path("/proc/self/comm").read_text().strip()

    assert listeners({listening}) == [Listener(listening, os.getpid(), name)]
    assert [f.cause for f in checks.check_ports({listening: "etcd"}, Path("/"), ours=False)] == [
        f"TCP port {listening} (etcd) is held by {name}, pid {os.getpid()}"
    ]


def test_a_port_that_is_bound_and_not_listened_on_is_free() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert listeners({port}) == []


OWN = [
    pytest.param("kube-controller-manager", "kube-controller", True, False, id="ours, cut to 15 letters"),
    pytest.param("kube-controller-manager", "kube-controller", False, True, id="the same name and no cluster of ours"),
    pytest.param("kube-controller-manager", "python3", True, True, id="another program on our host"),
]


@pytest.mark.parametrize(("expected", "holder", "ours", "found"), OWN)
def test_our_own_programs_may_hold_their_ports(
    tmp_path: Path, expected: str, holder: str, ours: bool, found: bool
) -> None:
    proc = tmp_path / "proc"
    (proc / "net").mkdir(parents=True)
    row = "0: 00000000:2811 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1"
    closing = row.replace(" 0A ", " 06 ").replace("2811", "2812")
    (proc / "net" / "tcp").write_text(f"  sl  local_address rem_address\n {row}\n {closing}\n")
    (proc / "77" / "fd").mkdir(parents=True)
    (proc / "77" / "comm").write_text(f"{holder}\n")
    (proc / "77" / "fd" / "3").symlink_to("socket:[4711]")

    findings = checks.check_ports({0x2811: expected, 0x2812: "kube-scheduler"}, tmp_path, ours=ours)

    cause = f"TCP port 10257 ({expected}) is held by {holder}, pid 77"
    assert [(f.code, f.cause) for f in findings] == ([("NET-PORT", cause)] if found else [])


def test_a_holder_that_cannot_be_seen_is_still_a_holder(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp6").write_text("head\n 0: 0:1F90 0:0 0A 0:0 0:0 0 0 0 4711 1\n")

    assert listeners({8080}, tmp_path) == [Listener(8080, 0, "unknown")]


VERSIONS = [
    ("v1.34.4", False, False),
    ("v1.35.0", False, True),
    ("1.36.1", False, True),
    ("v1.35.0", True, False),
    ("v2.0.0", False, True),
]


@pytest.mark.parametrize(("version", "cgroup_v2", "found"), VERSIONS)
def test_kubernetes_without_cgroup_v1(tmp_path: Path, version: str, cgroup_v2: bool, found: bool) -> None:
    cgroup = tmp_path / "sys" / "fs" / "cgroup"
    cgroup.mkdir(parents=True)
    if cgroup_v2:
        (cgroup / "cgroup.controllers").touch()

    assert [f.code for f in checks.check_version(version, tmp_path)] == (["PLB-VERSION"] if found else [])


EVERYTHING = [*ALWAYS, *CLUSTER, *BUILDS, (("usr/lib/python3.13/ensurepip/__init__.py",), "python3-venv")]


def installed(root: Path, packages: t.Iterable[tuple[tuple[str, ...], str]]) -> Path:
    for files, _ in packages:
        (root / files[-1]).parent.mkdir(parents=True, exist_ok=True)
        (root / files[-1]).touch()
    return root


def test_a_host_with_everything_needs_nothing(tmp_path: Path) -> None:
    assert missing_packages(installed(tmp_path, EVERYTHING), cluster=True, builds=True) == []


@pytest.mark.parametrize("absent", EVERYTHING, ids=lambda p: p[1])
def test_each_missing_package_is_named(tmp_path: Path, absent: tuple[tuple[str, ...], str]) -> None:
    root = installed(tmp_path, [p for p in EVERYTHING if p != absent])

    assert missing_packages(root, cluster=True, builds=True) == [absent[1]]


@pytest.mark.parametrize(("cluster", "builds"), [(False, False), (True, False), (False, True)])
def test_only_what_is_used_is_asked_for(tmp_path: Path, cluster: bool, builds: bool) -> None:
    table = [*ALWAYS, *(CLUSTER if cluster else ()), *(BUILDS if builds else ())]

    assert missing_packages(tmp_path, cluster=cluster, builds=builds) == sorted(
        {p for _, p in table} | {"python3-venv"}
    )


def requirements(data_dir: Path, **changes: t.Any) -> Requirements:
    values: dict[str, t.Any] = {
        "memory_gib": 1,
        "disk": {},
        "ports": {},
        "kubernetes": "v1.34.4",
        "data_dir": data_dir,
        "embedded": True,
        "ours": False,
    }
    return Requirements(**{**values, **changes})


def test_a_good_host_gives_facts_and_no_finding(tmp_path: Path) -> None:
    root = memory(installed(tmp_path, [p for p in EVERYTHING if p[1] != "docker.io"]), 8)

    assert preflight(requirements(tmp_path / "data"), root) == ({"docker": "absent", "packages": ["docker.io"]}, [])


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    shutil.rmtree(memory(tmp_path, 2) / "sys", ignore_errors=True)
    wanted = requirements(tmp_path, memory_gib=6, disk={"/": 10.0**9}, kubernetes="v1.35.0")

    _, findings = preflight(wanted, tmp_path)

    assert [f.code for f in findings] == ["RES-MEMORY", "RES-DISK", "PLB-VERSION"]


ARGUMENTS = {
    "memory_gib": 6,
    "disk": {"/var/lib/harvis": "12"},
    "ports": {"6443": "kube-apiserver"},
    "kubernetes": "v1.34.4",
}
FACTS = {"docker": "absent", "packages": ["containerd"]}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Requirements]:
    """What the module asked of a host with nothing wrong."""
    seen: list[Requirements] = []

    def answer(wanted: Requirements) -> tuple[dict[str, t.Any], list[Finding]]:
        seen.append(wanted)
        return FACTS, []

    monkeypatch.setattr(host_preflight, "preflight", answer)
    monkeypatch.setattr(host_preflight, "find_foreign", lambda _: [])
    return seen


# A platform that is up needs no room for its first images any more.
@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(("ours", "gib"), [(False, 12.0), (True, 2.0)])
def test_module_asks_in_the_types_of_the_concept(
    tmp_path: Path, asked: list[Requirements], ours: bool, gib: float, check_mode: bool
) -> None:
    if ours:
        (tmp_path / "cluster.json").write_text('{"version": "v1.34.4", "ca": null}')

    result = run_main(host_preflight.main, {**ARGUMENTS, "data_dir": str(tmp_path)}, check_mode=check_mode)

    assert {key: result[key] for key in ("changed", "findings", *FACTS)} == {"changed": False, "findings": [], **FACTS}
    assert asked == [
        requirements(tmp_path, memory_gib=6.0, disk={"/var/lib/harvis": gib}, ports={6443: "kube-apiserver"}, ours=ours)
    ]


@pytest.mark.parametrize(
    ("release", "packages"),
    [('ID=debian\nVERSION_ID="12"\n', []), ('ID=debian\nVERSION_ID="13"\n', ["docker-buildx", "docker-cli"])],
)
def test_newer_debian_has_the_builder_in_packages_of_its_own(tmp_path: Path, release: str, packages: list[str]) -> None:
    root = installed(tmp_path, EVERYTHING)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/os-release").write_text(release)
    assert missing_packages(root, cluster=True, builds=True) == packages


def test_a_daemon_without_a_builder_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = {**FACTS, "docker": "foreign"}
    monkeypatch.setattr(host_preflight, "preflight", lambda _: (foreign, []))
    monkeypatch.setattr(host_preflight, "find_foreign", lambda _: [])
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("ansible_collections.harvis.platform.plugins.module_utils.image.cli._USUAL", ())

    result = run_main(host_preflight.main, {**ARGUMENTS, "data_dir": str(tmp_path)})

    assert [f["code"] for f in result["findings"]] == ["IMG-DOCKER"]


FOREIGN = Finding("PLB-FOREIGN", "host", "Kubernetes state is present")


@pytest.mark.parametrize(("provider", "codes"), [("embedded", ["PLB-FOREIGN"]), ("existing", [])])
def test_module_minds_a_foreign_cluster_only_where_it_would_make_one(
    tmp_path: Path, asked: list[Requirements], monkeypatch: pytest.MonkeyPatch, provider: str, codes: list[str]
) -> None:
    monkeypatch.setattr(host_preflight, "find_foreign", lambda _: [FOREIGN])

    result = run_main(host_preflight.main, {**ARGUMENTS, "data_dir": str(tmp_path), "provider": provider})

    assert ([f["code"] for f in result["findings"]], result.get("failed", False)) == (codes, bool(codes))
    assert [a.embedded for a in asked] == [provider == "embedded"]
