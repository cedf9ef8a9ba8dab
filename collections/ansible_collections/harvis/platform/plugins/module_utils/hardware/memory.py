"""Memory: what is installed, and what the kernel left of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.hardware.amounts import GIB


@dataclass(frozen=True)
class Memory:
    """A machine with 64 GiB installed has about 62.5 GiB usable: firmware and kernel keep the rest."""

    installed_bytes: int
    usable_bytes: int


def read_memory(root: Path) -> Memory:
    """Raises ValueError when ``/proc/meminfo`` has no total."""
    lines = (root / "proc/meminfo").read_text().splitlines()
    totals = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:")]
    if not totals:
        raise ValueError("proc/meminfo has no MemTotal")
    usable = totals[0]
    online = _online_blocks(root / "sys/devices/system/memory")
    return Memory(online if online >= usable else nominal(usable), usable)


def _online_blocks(folder: Path) -> int:
    """Bytes of all online memory blocks, as ``lsmem`` adds them up; 0 where the kernel does not tell."""
    try:
        size = int((folder / "block_size_bytes").read_text(), 16)
    except (OSError, ValueError):
        return 0
    return size * sum(state.read_text().strip() == "online" for state in folder.glob("memory[0-9]*/state"))


def nominal(usable: int) -> int:
    """The size sold for what the kernel counts: the next multiple of an eighth of the power of two below it.

    62.5 GiB is a 64 GiB machine (steps of 4), 94 GiB one of 96 (steps of 8), 23.5 GiB one of 24 (steps of 2).
    """
    step = 2 ** (int(math.log2(usable)) - 3) if usable > GIB else 1
    return math.ceil(usable / step) * step
