"""Restarting a daemon, and knowing whether it serves again; systemd's or the caller's own commands."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.process import ProcessError, Runner
from ansible_collections.harvis.platform.plugins.module_utils.runtime.running import docker_info, listener

LOG_LINES = 15
POLL_SECONDS = 0.25


class Control(t.Protocol):
    """How one daemon is restarted and where its last words are."""

    def restart(self) -> None: ...

    def last_lines(self) -> str: ...


@dataclass(frozen=True)
class SystemdControl:
    """A unit of systemd."""

    unit: str
    runner: Runner

    def restart(self) -> None:
        # A unit that failed too often in a row is refused a start until its counter is cleared.
        self.runner.run(["systemctl", "reset-failed", self.unit], check=False, timeout=30)
        self.runner.run(["systemctl", "restart", self.unit], timeout=180)

    def last_lines(self) -> str:
        argv = ["journalctl", "--unit", self.unit, "--lines", str(LOG_LINES), "--no-pager", "--output", "cat"]
        return self.runner.run(argv, check=False, timeout=30).stdout.strip()


@dataclass(frozen=True)
class CommandControl:
    """The caller's command, for hosts without systemd, and the file that the daemon logs to."""

    command: tuple[str, ...]
    log_file: Path | None
    runner: Runner

    def restart(self) -> None:
        self.runner.run(self.command, timeout=180)

    def last_lines(self) -> str:
        if self.log_file is None or not self.log_file.exists():
            return ""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-LOG_LINES:])


@dataclass(frozen=True)
class Answer:
    """Why a daemon does not serve (empty: it does), and whether waiting could still help."""

    problem: str = ""
    is_final: bool = False


Probe = t.Callable[[], Answer]


@dataclass(frozen=True)
class ContainerdProbe:
    """Whether containerd serves pods: with a faulty section it runs on, and only its CRI plugin is missing."""

    socket: Path
    runner: Runner
    ctr: str = "ctr"

    def __call__(self) -> Answer:
        if not listener(self.socket):
            # ctr would wait ten seconds for it.
            return Answer(f"nobody listens on {self.socket}")
        argv = [self.ctr, "--address", str(self.socket), "plugins", "ls"]
        try:
            listed = self.runner.run(argv, timeout=20).stdout
        except ProcessError as exc:
            return Answer(f"{exc.findings[0].cause}: {exc.findings[0].evidence}")
        rows = [line.split() for line in listed.splitlines()]
        # io.containerd.grpc.v1 cri; since containerd 2 also io.containerd.cri.v1 runtime and images.
        cri = [row for row in rows if len(row) >= 3 and (row[1] == "cri" or row[0] == "io.containerd.cri.v1")]
        faulty = [" ".join((row[0], row[1], row[-1])) for row in cri if row[-1] != "ok"]
        # Plugins are made once, before the socket is served.
        return Answer(f"plugin {faulty[0]}" if faulty else "" if cri else "it has no CRI plugin", is_final=True)


@dataclass(frozen=True)
class DockerProbe:
    """Whether dockerd answers its API."""

    socket: Path

    def __call__(self) -> Answer:
        try:
            docker_info(self.socket)
        except OSError as exc:
            return Answer(str(exc))
        return Answer()


def restart_and_wait(
    control: Control, probe: Probe, patience: float, sleep: t.Callable[[float], None] = time.sleep
) -> str:
    """Restart; why the daemon does not serve within ``patience`` seconds, or empty.

    Two good answers in a row: the first may still be the old process's.
    """
    try:
        control.restart()
    except ProcessError as exc:
        return f"{exc.findings[0].cause}: {exc.findings[0].evidence}"
    deadline = time.monotonic() + patience
    good = 0
    while good < 2:
        answer = probe()
        good = 0 if answer.problem else good + 1
        if answer.problem and (answer.is_final or time.monotonic() > deadline):
            return answer.problem
        sleep(POLL_SECONDS)
    return ""
