"""Processes of this machine, read from /proc."""

from __future__ import annotations

import os
import signal
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One running process: its pid, the file it executes, its arguments, its parent and its state (proc(5))."""

    pid: int
    executable: str
    argv: tuple[str, ...]
    parent: int
    state: str = "S"

    @property
    def paused(self) -> bool:
        """Whether a signal such as SIGSTOP holds it: it keeps its ports and memory, and answers nobody."""
        return self.state == "T"


def processes(root: Path = PROC, *, inside_containers: bool = False) -> t.Iterator[Process]:
    """Every process that can be read; those that end meanwhile are left out.

    A host also sees the processes of its containers, one of which may run a platform of its own from the same paths.
    They are left out unless ``inside_containers`` asks for them (pid_namespaces(7)).
    """
    own = None if inside_containers else _pid_namespace(root / "self")
    for folder in root.iterdir():
        if not folder.name.isdigit() or (own is not None and _pid_namespace(folder) != own):
            continue
        try:
            argv = tuple(a.decode(errors="replace") for a in (folder / "cmdline").read_bytes().split(b"\0") if a)
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            executable = str((folder / "exe").readlink())
        except (OSError, ValueError, IndexError):
            continue
        yield Process(int(folder.name), executable.removesuffix(" (deleted)"), argv, int(parent), state)


def _pid_namespace(folder: Path) -> str | None:
    try:
        return str((folder / "ns" / "pid").readlink())
    except OSError:
        return None


def is_running(pid: int, root: Path = PROC) -> bool:
    """Whether ``pid`` names a live process (a zombie is not one)."""
    try:
        return (root / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def held(commands: t.Collection[tuple[str, ...]]) -> list[Process]:
    """The processes that were started by one of these command lines and that a signal holds."""
    return [p for p in processes() if p.paused and p.argv in commands]


def wake(paused: t.Iterable[Process]) -> None:
    """Let processes go on that a signal holds; nothing that they had in hand is lost."""
    for process in paused:
        _signal(process.pid, signal.SIGCONT)


def stop(pids: t.Iterable[int], *, patience: float = 20.0) -> list[int]:
    """End processes by pid: SIGTERM, then SIGKILL after ``patience`` seconds; returns those that were running."""
    ended = [pid for pid in pids if _signal(pid, signal.SIGTERM)]
    deadline = time.monotonic() + patience
    while any(map(is_running, ended)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in filter(is_running, ended):
        _signal(pid, signal.SIGKILL)
    while any(map(is_running, ended)) and time.monotonic() < deadline + 10:
        time.sleep(0.05)
    return ended


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
