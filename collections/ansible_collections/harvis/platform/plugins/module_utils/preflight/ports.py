"""Which program holds a TCP port, read from /proc (proc(5), net/tcp)."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass
from pathlib import Path

LISTEN = "0A"


@dataclass(frozen=True)
class Listener:
    """A listening TCP socket and the process behind it (pid 0 when it cannot be seen)."""

    port: int
    pid: int
    program: str


def listeners(ports: t.Collection[int], proc: Path = Path("/proc")) -> list[Listener]:
    """The listeners on any of ``ports``, one for each port."""
    inodes = {inode: port for port, inode in _listening(proc) if port in ports}
    owners = _owners(set(inodes), proc)
    found = {port: owners.get(inode, (0, "unknown")) for inode, port in inodes.items()}
    return [Listener(port, pid, program) for port, (pid, program) in sorted(found.items())]


def _listening(proc: Path) -> t.Iterator[tuple[int, str]]:
    for table in ("tcp", "tcp6"):
        path = proc / "net" / table
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            fields = line.split()
            if fields[3] == LISTEN:
                yield int(fields[1].rpartition(":")[2], 16), fields[9]


def _owners(inodes: set[str], proc: Path) -> dict[str, tuple[int, str]]:
    owners: dict[str, tuple[int, str]] = {}
    for folder in (p for p in proc.iterdir() if p.name.isdigit()) if inodes else ():
        try:
            held = inodes & set(_sockets(folder / "fd"))
            name = (folder / "comm").read_text().strip() if held else ""
        except OSError:
            continue
        owners |= dict.fromkeys(held, (int(folder.name), name))
    return owners


def _sockets(descriptors: Path) -> t.Iterator[str]:
    for descriptor in descriptors.iterdir():
        # A busy program closes some between the listing and the look; that says nothing about the others.
        with contextlib.suppress(FileNotFoundError):
            yield str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]")
