"""The daemon that serves a socket: who it is, which files it was started with, and what it took from them."""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.process import Runner
from ansible_collections.harvis.platform.plugins.module_utils.runtime import containerd_text, docker_text
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Effective

PROC = Path("/proc")
CONFIG_FLAGS = ("--config", "-c", "--config-file")


@dataclass(frozen=True)
class RunningDaemon:
    """A process, found by the socket that it listens on; a file's text cannot say which program reads it."""

    pid: int
    executable: Path
    config: Path
    started: float


def find_running(path: Path, usual_config: Path, proc: Path = PROC) -> RunningDaemon | None:
    """The daemon behind the socket (``SO_PEERCRED``, unix(7)); None where nobody listens."""
    pid = listener(path)
    return _read_process(pid, usual_config, proc) if pid else None


def containerd_effective(daemon: RunningDaemon, runner: Runner) -> Effective:
    """The merged configuration, by the very program that runs and for the very file it was started with."""
    argv = [str(daemon.executable), "--config", str(daemon.config), "config", "dump"]
    return containerd_text.effective(runner.run(argv, timeout=30).stdout)


def docker_effective(path: Path) -> Effective:
    """What the running daemon says of itself."""
    return docker_text.effective(docker_info(path))


def docker_info(path: Path) -> dict[str, t.Any]:
    """``GET /info``. Raises OSError when nobody answers it."""
    connection = _UnixConnection(path)
    try:
        connection.request("GET", "/info")
        answer = connection.getresponse()
        body = answer.read()
    except http.client.HTTPException as exc:
        raise ConnectionError(f"{path}: {exc!r}") from exc
    finally:
        connection.close()
    if answer.status != 200:
        raise ConnectionError(f"{path}: status {answer.status}: {body[:200].decode(errors='replace')}")
    return dict(json.loads(body))


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def listener(path: Path) -> int:
    """The process that listens on a unix socket; 0 where nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        try:
            client.connect(str(path))
        except OSError:
            return 0
        pid, _uid, _gid = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(pid)


def _read_process(pid: int, usual_config: Path, proc: Path) -> RunningDaemon | None:
    folder = proc / str(pid)
    try:
        argv = [a.decode(errors="replace") for a in (folder / "cmdline").read_bytes().split(b"\0")]
        executable = str((folder / "exe").readlink()).removesuffix(" (deleted)")
        started = _started(folder, proc)
        working_dir = (folder / "cwd").readlink()
    except (OSError, ValueError, IndexError):
        return None
    return RunningDaemon(pid, Path(executable), working_dir / _config_of(argv, usual_config), started)


def _config_of(argv: t.Sequence[str], usual: Path) -> Path:
    for index, argument in enumerate(argv):
        flag, equals, value = argument.partition("=")
        if flag in CONFIG_FLAGS:
            return Path(value if equals else argv[index + 1])
    return usual


def _started(folder: Path, proc: Path) -> float:
    """Seconds since 1970 at which the process began (proc(5): field 22 counts ticks after boot)."""
    ticks = int((folder / "stat").read_text().rpartition(")")[2].split()[19])
    uptime = float((proc / "uptime").read_text().split()[0])
    return time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK")
