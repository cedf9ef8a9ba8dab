"""The processor, as ``/proc/cpuinfo`` tells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Processor:
    """``threads`` is what the scheduler has to give; ``cores`` and ``sockets`` are physical."""

    model: str
    threads: int
    cores: int
    sockets: int


def read_processor(root: Path) -> Processor:
    """Raises ValueError when the file names no processor."""
    blocks = [_fields(block) for block in (root / "proc/cpuinfo").read_text().split("\n\n")]
    threads = [block for block in blocks if "processor" in block]
    if not threads:
        raise ValueError("proc/cpuinfo names no processor")
    # Virtual machines and other architectures may leave the topology out: then every thread is a core.
    cores = {(b.get("physical id", "0"), b.get("core id", b["processor"])) for b in threads}
    sockets = {b.get("physical id", "0") for b in threads}
    return Processor(threads[0].get("model name", ""), len(threads), len(cores), len(sockets))


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in block.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
