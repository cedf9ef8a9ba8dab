"""Whether GPUs outlive a reload of systemd: recorded trees."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.runtime.dev_char import reload_findings as findings_of
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Handler

CONTAINERD = """\
version = 2
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia]
  runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia.options]
    SystemdCgroup = true
"""
CONTAINERD_2 = CONTAINERD.replace("version = 2", "version = 3").replace("grpc.v1.cri", "cri.v1.runtime")
STATUS = "Package: nvidia-container-toolkit\nStatus: install ok installed\nVersion: {}\n\n"
NODES = ("nvidia0", "nvidiactl", "nvidia-modeset", "nvidia-uvm", "nvidia-uvm-tools")
LINKS = ("195:0", "195:255", "195:254", "510:0", "510:1")
DEVICES = "Character devices:\n  1 mem\n195 nvidia\n195 nvidiactl\n510 nvidia-uvm\n\nBlock devices:\n  8 sd\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workstation with containerd under systemd and a toolkit of 2024, as packages leave it."""
    write(tmp_path, "etc/containerd/config.toml", CONTAINERD)
    write(tmp_path, "proc/devices", DEVICES)
    write(tmp_path, "var/lib/dpkg/status", STATUS.format("1.16.2-1"))
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    for name in NODES:
        write(tmp_path, f"dev/{name}")
    return tmp_path


def reload_findings(root: Path, handler: Handler | None = None, daemon: str = "containerd") -> list[t.Any]:
    return findings_of(handler or Handler(), root, daemon)


def write(root: Path, path: str, text: str = "") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def link(root: Path, *names: str) -> None:
    (root / "dev/char").mkdir(exist_ok=True)
    for name in names:
        (root / "dev/char" / name).symlink_to("../nvidia")


@pytest.mark.fault("F09", code="RUN-CHAR", when="after deploy", by="recorded tree")
def test_devices_that_systemd_would_not_find(root: Path) -> None:
    link(root, "195:0", "510:1")
    (finding,) = reload_findings(root)

    assert (finding.code, finding.subject) == ("RUN-CHAR", "/dev/char")
    assert finding.cause.endswith(
        "/dev/char has no link to /dev/nvidia-modeset (195:254), /dev/nvidia-uvm (510:0), /dev/nvidiactl (195:255)"
    )
    assert finding.evidence == (
        "/etc/containerd/config.toml: SystemdCgroup of nvidia is true; toolkit 1.16.2-1 in mode auto, which is legacy "
        "before 1.18"
    )


def links(root: Path) -> None:
    link(root, *LINKS)


def cgroupfs(root: Path) -> None:
    write(root, "etc/containerd/config.toml", CONTAINERD.replace("true", "false"))


def no_systemd(root: Path) -> None:
    (root / "run/systemd/system").rmdir()


def newer_toolkit(root: Path) -> None:
    write(root, "var/lib/dpkg/status", STATUS.format("1.18.0-1"))


def own_toolkit(root: Path) -> None:
    write(root, "var/lib/dpkg/status")


def cdi_mode(root: Path) -> None:
    write(root, "etc/nvidia-container-runtime/config.toml", '[nvidia-container-runtime]\nmode = "cdi"\n')


def no_card(root: Path) -> None:
    for name in NODES:
        (root / "dev" / name).unlink()


WELL = [links, cgroupfs, no_systemd, newer_toolkit, own_toolkit, cdi_mode, no_card]


@pytest.mark.parametrize("change", WELL, ids=[change.__name__ for change in WELL])
def test_where_nothing_can_be_lost(root: Path, change: t.Callable[[Path], None]) -> None:
    assert len(reload_findings(root)) == 1
    change(root)
    assert reload_findings(root) == []


def test_a_handler_with_cdi_is_told_to_systemd(root: Path) -> None:
    assert reload_findings(root, Handler(cdi=True)) == []


def legacy_mode(root: Path) -> None:
    newer_toolkit(root)
    write(root, "etc/nvidia-container-runtime/config.toml", '[nvidia-container-runtime]\nmode = "legacy"\n')


def containerd_2(root: Path) -> None:
    write(root, "etc/containerd/config.toml", CONTAINERD_2)


def docker(root: Path) -> None:
    write(root, "etc/docker/daemon.json", '{"runtimes": {"nvidia": {"path": "nvidia-container-runtime"}}}')
    write(root, "sys/fs/cgroup/cgroup.controllers", "cpu memory\n")


def docker_told(root: Path) -> None:
    docker(root)
    (root / "sys/fs/cgroup/cgroup.controllers").unlink()
    told = '{"exec-opts": ["native.cgroupdriver=systemd"], "runtimes": {"nvidia": {"path": "x"}}}'
    write(root, "etc/docker/daemon.json", told)


FOUND = [
    (legacy_mode, "containerd", "/etc/nvidia-container-runtime/config.toml: mode legacy"),
    (containerd_2, "containerd", "/etc/containerd/config.toml: SystemdCgroup of nvidia is true"),
    (docker, "docker", "/etc/docker/daemon.json: Docker chooses systemd on cgroup version 2"),
    (docker_told, "docker", "/etc/docker/daemon.json: native.cgroupdriver=systemd"),
]


@pytest.mark.parametrize(("change", "daemon", "seen"), FOUND, ids=[row[0].__name__ for row in FOUND])
def test_other_hosts_that_lose_them(root: Path, change: t.Callable[[Path], None], daemon: str, seen: str) -> None:
    change(root)
    (finding,) = reload_findings(root, daemon=daemon)
    assert seen in finding.evidence


def test_docker_with_its_own_cgroups_loses_nothing(root: Path) -> None:
    docker(root)
    told = '{"exec-opts": ["native.cgroupdriver=cgroupfs"], "runtimes": {"nvidia": {"path": "x"}}}'
    write(root, "etc/docker/daemon.json", told)
    assert reload_findings(root, daemon="docker") == []


def test_a_configuration_that_cannot_be_read_is_said(root: Path) -> None:
    write(root, "etc/containerd/config.toml", "version = ")
    with pytest.raises(HarvisError, match=r"RUN-CONFIG /etc/containerd/config\.toml: is not TOML"):
        reload_findings(root)
