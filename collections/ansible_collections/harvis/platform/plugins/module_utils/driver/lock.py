"""dpkg's lock: who holds it, and how long to wait."""

from __future__ import annotations

import fcntl
import os
import struct
import time
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import driver_error

LOCKS = ("var/lib/dpkg/lock-frontend", "var/lib/dpkg/lock", "var/lib/apt/lists/lock", "var/cache/apt/archives/lock")
_POLL_SECONDS = 1.0
# struct flock of 64-bit Linux: type, whence, start, length, pid.
_FLOCK = "hhqqi4x"


def holder(path: Path) -> int | None:
    """Process id of who holds the lock; 0 for one that this process's namespace does not show, None for nobody."""
    try:
        with path.open("r+b") as file:
            asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except OSError:
        return None
    return None if kind == fcntl.F_UNLCK else max(pid, 0)


def wait_for_dpkg(
    root: Path,
    seconds: float,
    *,
    clock: t.Callable[[], float] = time.monotonic,
    sleep: t.Callable[[float], None] = time.sleep,
) -> None:
    """Raises DriverError (DRV-LOCKED) with the holder's name when the lock is still held after ``seconds``."""
    end = clock() + seconds
    while held := _held(root):
        if clock() >= end:
            path, pid = held
            raise driver_error(
                "DRV-LOCKED",
                f"/{path}",
                f"is still held by {_name(pid)} after {seconds:.0f} s, so nothing can be installed",
                evidence=_command(pid),
                fix="Let it end (unattended-upgrades takes minutes), or find out why it hangs; never delete the lock.",
            )
        sleep(_POLL_SECONDS)


def _held(root: Path) -> tuple[str, int] | None:
    found = ((path, holder(root / path)) for path in LOCKS)
    return next(((path, pid) for path, pid in found if pid is not None), None)


def _name(pid: int) -> str:
    try:
        return (
            f"{Path(f'/proc/{pid}/comm').read_text().strip()} (process {pid})" if pid else "another container's process"
        )
    except OSError:
        return f"process {pid}"


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip() if pid else ""
    except OSError:
        return ""
