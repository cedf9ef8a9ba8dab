"""What the kernel wrote of GPUs since it started: NVIDIA's driver reports a card's faults there, as Xid numbers."""

from __future__ import annotations

import os
import re
import typing as t
from pathlib import Path

FELL_OFF_THE_BUS = 79
_RECORD = 8192
# NVRM: Xid (PCI:0000:01:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.
_XID = re.compile(r"NVRM: Xid \(PCI:([0-9a-fA-F:]+)\): (\d+)")


def read_xids(root: Path) -> dict[str, tuple[int, ...]]:
    """Xids in their order by the card's address on the bus without its function (``0000:01:00``).

    Empty where the log may not be read: that takes root, and a container may have no such device.
    """
    found: dict[str, tuple[int, ...]] = {}
    for address, xid in _XID.findall(_log(root / "dev/kmsg")):
        found[address.lower()] = (*found.get(address.lower(), ()), int(xid))
    return found


def _log(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        return b"".join(_records(descriptor)).decode(errors="replace")
    finally:
        os.close(descriptor)


def _records(descriptor: int) -> t.Iterator[bytes]:
    """The device gives a record at each read, and would wait for the next at the end."""
    while True:
        try:
            record = os.read(descriptor, _RECORD)
        except BrokenPipeError:
            # Records were overwritten before we came to them; reading goes on with the oldest that is left.
            continue
        except OSError:
            return
        if not record:
            return
        yield record
