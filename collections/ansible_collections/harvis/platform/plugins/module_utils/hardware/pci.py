"""NVIDIA GPUs on the PCI bus, with or without a driver."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.hardware.files import number, text
from ansible_collections.harvis.platform.plugins.module_utils.hardware.processes import GpuProcess

NVIDIA = 0x10DE
# Base class 03: display controllers (VGA, 3D). A card's sound function is 04, a switch between cards is 06.
DISPLAY = 0x03
_PCI_IDS = ("usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids")


@dataclass(frozen=True)
class Gpu:
    """``address`` on the PCI bus (``0000:01:00.0``), ``device`` as ``10de:2684``, ``kernel_driver`` as bound now.

    Numbers are 0 and texts are empty where nobody could be asked. ``ecc``, ``mig`` and ``persistence`` are ``enabled``,
    ``disabled`` or ``unsupported``. ``lost``: on the bus, and the driver does not reach it. ``xids`` are the
    faults that the kernel's log has of the card.
    """

    address: str
    device: str = ""
    name: str = ""
    uuid: str = ""
    memory_bytes: int = 0
    kernel_driver: str = ""
    numa_node: int | None = None
    minor: int | None = None
    memory_free_bytes: int = 0
    compute_capability: str = ""
    ecc: str = ""
    mig: str = ""
    persistence: str = ""
    power_limit_watts: float = 0
    lost: bool = False
    xids: tuple[int, ...] = ()
    processes: tuple[GpuProcess, ...] = ()

    def completed(self, other: Gpu) -> Gpu:
        """This GPU with everything that ``other`` knows of it."""
        fields = ((field.name, getattr(other, field.name)) for field in dataclasses.fields(other))
        return dataclasses.replace(self, **{name: value for name, value in fields if value not in (None, "", ())})


def read_gpus(root: Path) -> t.Iterator[Gpu]:
    """In the bus's order."""
    for folder in sorted((root / "sys/bus/pci/devices").glob("*")):
        vendor, kind, device = (number(folder / name, 16) or 0 for name in ("vendor", "class", "device"))
        if vendor == NVIDIA and kind >> 16 == DISPLAY:
            told = _information(root / "proc/driver/nvidia/gpus" / folder.name / "information")
            name = told.get("Model", "") or _database_name(root, device)
            yield Gpu(
                folder.name,
                f"{NVIDIA:04x}:{device:04x}",
                name,
                told.get("GPU UUID", ""),
                kernel_driver=_kernel_driver(folder),
                numa_node=_numa_node(folder),
            )


def driver_version(root: Path) -> str:
    """Version of the NVIDIA module that is loaded, which need not be the one that is installed."""
    told = re.search(r"Kernel Module(?: for \S+)?\s+(\d[\d.]+)", text(root / "proc/driver/nvidia/version"))
    return text(root / "sys/module/nvidia/version") or (told[1] if told else "")


def _numa_node(folder: Path) -> int | None:
    """Firmware that does not say where a card lies is written as -1."""
    node = number(folder / "numa_node")
    return None if node is None or node < 0 else node


def _kernel_driver(folder: Path) -> str:
    link = folder / "driver"
    if link.is_symlink():
        return link.readlink().name
    found = re.search(r"^DRIVER=(.+)$", text(folder / "uevent"), re.MULTILINE)
    return found[1] if found else ""


def _information(path: Path) -> dict[str, str]:
    """What the driver itself tells of a card, without NVML."""
    pairs = (line.partition(":") for line in text(path).splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _database_name(root: Path, device: int) -> str:
    """From the PCI database, for a card whose driver is not loaded."""
    for path in _PCI_IDS:
        _, _, ours = text(root / path).partition(f"\n{NVIDIA:04x}  ")
        devices = re.split(r"\n(?=[^\t#\n])", ours, maxsplit=1)[0]
        found = re.search(rf"^\t{device:04x}  (.+)$", devices, re.MULTILINE)
        if found:
            return found[1].strip()
    return ""
