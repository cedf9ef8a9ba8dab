"""Processes as /proc tells of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import (
    Process,
    is_running,
    processes,
    stop,
)


class Entry(t.NamedTuple):
    """A folder of /proc; ``executable`` None stands for one that may not be read."""

    pid: str
    command: bytes
    stat: str
    executable: str | None


def proc(root: Path, *entries: Entry) -> Path:
    for entry in entries:
        folder = root / entry.pid
        folder.mkdir()
        (folder / "cmdline").write_bytes(entry.command)
        (folder / "stat").write_text(entry.stat)
        if entry.executable:
            (folder / "exe").symlink_to(entry.executable)
    return root


def test_reads_what_can_be_read(tmp_path: Path) -> None:
    root = proc(
        tmp_path,
        Entry("7", b"/bin/kubelet\0--config=a b\0", "7 (kubelet) S 1 7 7 0", "/bin/kubelet"),
        Entry("8", b"x\0", "8 (a) b) c) R 7 8 8 0", "/opt/x (deleted)"),
        Entry("9", b"", "9 (kworker) I 2 0 0 0", None),
        Entry("10", b"x\0", "half", "/opt/x"),
        Entry("self", b"x\0", "11 (x) S 1 1 1 0", "/opt/x"),
    )

    assert sorted(processes(root), key=lambda p: p.pid) == [
        Process(7, "/bin/kubelet", ("/bin/kubelet", "--config=a b"), 1),
        Process(8, "/opt/x", ("x",), 7, "R"),
    ]


def test_finds_this_very_process() -> None:
    (found,) = [p for p in processes() if p.pid == os.getpid()]

    assert (found.parent, found.executable) == (os.getppid(), str(Path("/proc/self/exe").readlink()))


@pytest.mark.parametrize(("state", "expected"), [("S", True), ("R", True), ("Z", False)])
def test_a_zombie_does_not_run(tmp_path: Path, state: str, expected: bool) -> None:
    root = proc(tmp_path, Entry("7", b"x\0", f"7 (a) b) {state} 1 7 7 0", "/x"))

    assert is_running(7, root) is expected


def test_nothing_does_not_run(tmp_path: Path) -> None:
    assert is_running(7, tmp_path) is False


STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(300)"
OBEDIENT = "import time; print(flush=True); time.sleep(300)"


@pytest.mark.parametrize(
    ("code", "ended_by"), [(OBEDIENT, signal.SIGTERM), (STUBBORN, signal.SIGKILL)], ids=["obedient", "stubborn"]
)
def test_stopping_asks_first(code: str, ended_by: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()

        assert stop([process.pid], patience=20 if code == OBEDIENT else 0.2) == [process.pid]
        assert not is_running(process.pid)
    assert process.returncode == -ended_by


def test_stopping_what_is_gone_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()

    assert stop([process.pid]) == []


def test_processes_of_containers_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    for pid, namespace in (("self", "pid:[1]"), ("7", "pid:[1]"), ("8", "pid:[2]")):
        folder = tmp_path / pid
        (folder / "ns").mkdir(parents=True)
        (folder / "ns/pid").symlink_to(namespace)
        (folder / "cmdline").write_bytes(b"/usr/bin/containerd\0")
        (folder / "stat").write_text("7 (containerd) S 1 0 0")
        (folder / "exe").symlink_to("/usr/bin/containerd")

    assert [p.pid for p in processes(tmp_path)] == [7]
    assert sorted(p.pid for p in processes(tmp_path, inside_containers=True)) == [7, 8]
