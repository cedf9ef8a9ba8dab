"""Giving a host back: what is ended, unmounted and deleted, and what stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.cluster import containers, teardown
from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import ClusterSpec
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import Process, is_running, processes
from ansible_collections.harvis.platform.tests.unit.fakes import FakeRunner, cluster_spec


@pytest.fixture
def spec(tmp_path: Path) -> ClusterSpec:
    return cluster_spec(tmp_path)


@pytest.fixture
def shim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[t.Callable[[str], subprocess.Popen[bytes]]]:
    """Starts a real process that looks like containerd's shim, with a container's process below it.

    Nothing but these is ever shown to the code under test: a mistake in it must not reach the host's containers.
    """
    program = tmp_path / "containerd-shim-runc-v2"
    shutil.copy(shutil.which("bash") or "/bin/bash", program)
    started: list[subprocess.Popen[bytes]] = []
    everything = containers.processes

    def own(*, inside_containers: bool = False) -> t.Iterator[Process]:
        shims = {process.pid for process in started}
        return (p for p in everything(inside_containers=inside_containers) if p.pid in shims or p.parent in shims)

    monkeypatch.setattr(containers, "processes", own)

    def start(address: str) -> subprocess.Popen[bytes]:
        command = [str(program), "-c", "sleep 300 & wait", "shim", "-address", address]
        started.append(subprocess.Popen(command, process_group=0))
        _wait_for(lambda: _children(started[-1].pid) != [])
        return started[-1]

    yield start
    for process in started:
        for pid in (*_children(process.pid), process.pid):
            if is_running(pid):
                os.kill(pid, 9)
        process.wait()


def _children(pid: int) -> list[int]:
    return [p.pid for p in processes() if p.parent == pid and Path(p.executable).name == "sleep"]


def _wait_for(condition: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_containers_of_our_runtime_end_and_others_live(
    spec: ClusterSpec, shim: t.Callable[[str], subprocess.Popen[bytes]]
) -> None:
    ours, foreign = shim(str(spec.socket)), shim("/run/containerd/containerd.sock")
    inside, elsewhere = _children(ours.pid), _children(foreign.pid)

    assert teardown.stop_containers(spec) == 1
    assert [pid for pid in (*inside, ours.pid) if is_running(pid)] == []
    assert [pid for pid in (*elsewhere, foreign.pid) if not is_running(pid)] == []


def test_what_lies_below_and_what_is_bound_onto_itself_is_unmounted_deepest_first(tmp_path: Path) -> None:
    runner = FakeRunner()
    table = tmp_path / "mountinfo"
    rows = (
        ("/", "/"),
        ("/var/lib/kubelet", "/var/lib/kubelet"),
        ("/", "/var/lib/kubelet/pods/a/volumes/b"),
        ("/volumes/etcd/_data", "/var/lib/etcd"),
        ("/", "/var/lib/etcd/with\\040space"),
        ("/", "/var/lib/kubelet-of-somebody-else/x"),
    )
    table.write_text("".join(f"30 1 0:20 {root} {point} rw - tmpfs tmpfs rw\n" for root, point in rows))

    teardown.unmount([Path("/var/lib/kubelet"), Path("/var/lib/etcd")], runner, table)

    expected = ("/var/lib/kubelet/pods/a/volumes/b", "/var/lib/etcd/with space", "/var/lib/kubelet")
    assert runner.calls == [("umount", "--lazy", m) for m in expected]


def test_namespaces_of_pods_are_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teardown, "NETWORK_NAMESPACES", tmp_path)
    for name in ("cni-1234", "somebody-elses"):
        (tmp_path / name).touch()
    runner = FakeRunner()

    teardown.remove_pod_namespaces(runner)

    assert runner.calls == [("ip", "netns", "delete", "cni-1234")]


def test_the_last_namespace_takes_the_mount_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teardown, "NETWORK_NAMESPACES", tmp_path)
    runner = FakeRunner()

    teardown.remove_pod_namespaces(runner)

    assert runner.calls == [("umount", "--lazy", str(tmp_path))]


def test_state_goes_and_data_stays(tmp_path: Path, spec: ClusterSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    kubernetes = tmp_path / "etc" / "kubernetes"
    monkeypatch.setattr(teardown, "KUBERNETES_FOLDERS", (kubernetes, tmp_path / "never made"))
    for folder in (kubernetes / "pki", spec.containerd_root, spec.run_dir, spec.data_dir / "cni" / "net.d"):
        folder.mkdir(parents=True)
        (folder / "file").touch()
    kept = spec.data_dir / "volumes" / "qdrant" / "points"
    kept.parent.mkdir(parents=True)
    kept.write_text("memories")
    spec.mark.write_text("{}")

    teardown.remove_state(spec)

    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")) == [
        "data",
        "data/volumes",
        "data/volumes/qdrant",
        "data/volumes/qdrant/points",
        "etc",
    ]
    assert kept.read_text() == "memories"


def test_a_folder_that_is_a_mount_point_is_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mount = tmp_path / "etcd"
    (mount / "member").mkdir(parents=True)
    (mount / "file").touch()
    (mount / "link").symlink_to(tmp_path)
    monkeypatch.setattr(Path, "is_mount", lambda path: path == mount)

    teardown._remove_tree(mount)

    assert list(tmp_path.rglob("*")) == [mount]
