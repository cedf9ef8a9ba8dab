"""NUMA nodes: which processors and how much memory lie near each other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.hardware.files import text


@dataclass(frozen=True)
class NumaNode:
    """``cpus`` as the kernel writes lists (``0-11,24-35``)."""

    node: int
    cpus: str
    memory_bytes: int


def read_numa(root: Path) -> tuple[NumaNode, ...]:
    """By number; empty where the kernel does not tell."""
    folders = (root / "sys/devices/system/node").glob("node[0-9]*")
    return tuple(_node(folder) for folder in sorted(folders, key=lambda folder: int(folder.name[4:])))


def _node(folder: Path) -> NumaNode:
    total = re.search(r"MemTotal:\s+(\d+)", text(folder / "meminfo"))
    return NumaNode(int(folder.name[4:]), text(folder / "cpulist"), int(total[1]) * 1024 if total else 0)
