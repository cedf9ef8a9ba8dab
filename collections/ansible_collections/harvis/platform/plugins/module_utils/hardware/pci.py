"""NVIDIA GPUs on the PCI bus, with or without a driver."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

NVIDIA = 0x10DE
# Base class 03: display controllers (VGA, 3D). A card's sound function is 04, a switch between cards is 06.
DISPLAY = 0x03
_PCI_IDS = ("usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids")


@dataclass(frozen=True)
class Gpu:
    """``address`` on the PCI bus (``0000:01:00.0``), ``device`` as ``10de:2684``, ``kernel_driver`` as bound now.

    ``memory_bytes`` is 0 where nobody could be asked.
    """

    address: str
    device: str = ""
    name: str = ""
    uuid: str = ""
    memory_bytes: int = 0
    kernel_driver: str = ""

    def completed(self, other: Gpu) -> Gpu:
        """This GPU with everything that ``other`` knows of it."""
        known = {k: v for k, v in dataclasses.asdict(other).items() if v}
        return dataclasses.replace(self, **known)


def read_gpus(root: Path) -> t.Iterator[Gpu]:
    """In the bus's order."""
    for folder in sorted((root / "sys/bus/pci/devices").glob("*")):
        vendor, kind, device = (_number(folder / name) for name in ("vendor", "class", "device"))
        if vendor == NVIDIA and kind >> 16 == DISPLAY:
            told = _information(root / "proc/driver/nvidia/gpus" / folder.name / "information")
            name = told.get("Model", "") or _database_name(root, device)
            yield Gpu(
                folder.name,
                f"{NVIDIA:04x}:{device:04x}",
                name,
                told.get("GPU UUID", ""),
                kernel_driver=_kernel_driver(folder),
            )


def driver_version(root: Path) -> str:
    """Version of the NVIDIA module that is loaded, which need not be the one that is installed."""
    return _text(root / "sys/module/nvidia/version")


def _kernel_driver(folder: Path) -> str:
    link = folder / "driver"
    if link.is_symlink():
        return link.readlink().name
    found = re.search(r"^DRIVER=(.+)$", _text(folder / "uevent"), re.MULTILINE)
    return found[1] if found else ""


def _information(path: Path) -> dict[str, str]:
    """What the driver itself tells of a card, without NVML."""
    pairs = (line.partition(":") for line in _text(path).splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _database_name(root: Path, device: int) -> str:
    """From the PCI database, for a card whose driver is not loaded."""
    for path in _PCI_IDS:
        _, _, ours = _text(root / path).partition(f"\n{NVIDIA:04x}  ")
        devices = re.split(r"\n(?=[^\t#\n])", ours, maxsplit=1)[0]
        found = re.search(rf"^\t{device:04x}  (.+)$", devices, re.MULTILINE)
        if found:
            return found[1].strip()
    return ""


def _number(path: Path) -> int:
    try:
        return int(_text(path), 16)
    except ValueError:
        return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
