"""A tree of files that stands for this host with cards it does not have.

What reads a host reads the tree in the same way, and the simulated NVML (tools/nvml) takes from it which module is
loaded and what the kernel's log says of the cards. So a fault is made in one place, and seen by everyone.
"""

from __future__ import annotations

import shutil
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.hardware.pci import DISPLAY, read_gpus

# All that the cards have no part in is the host's own.
_OF_THE_HOST = ("proc", "boot", "var", "run", "lib", "sys/devices", "sys/firmware", "usr/src")
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_LIBRARY = "libnvidia-ml.so"
_LOG = "dev/kmsg"
# Not for those who read the tree, but for those who find it.
_README = "README"
_WORDS = """\
Simulated: this host has no NVIDIA card. These files stand for one that has.
Made by harvis.platform.simulated_gpus; tools/nvml/README.md says how to provoke faults with them.
"""


@dataclass(frozen=True)
class Tree:
    """``files`` and ``links`` by path below the tree's root."""

    files: t.Mapping[str, str]
    links: t.Mapping[str, str]

    def differences(self, root: Path) -> list[str]:
        """Paths that are not as they should be."""
        texts = [path for path, text in self.files.items() if _text(root / path) != text]
        return texts + [path for path, target in self.links.items() if _target(root / path) != target]

    def write(self, root: Path, paths: t.Iterable[str]) -> None:
        for path in paths:
            here = root / path
            here.parent.mkdir(parents=True, exist_ok=True)
            here.unlink(missing_ok=True)
            if path in self.files:
                here.write_text(self.files[path])
            else:
                here.symlink_to(self.links[path])


def simulate(root: Path, description: t.Mapping[str, t.Any], *, host: Path = Path("/"), dry: bool = False) -> list[str]:
    """Have the tree of ``description`` (tools/nvml) below ``root``; the paths that differed.

    Raises HarvisError (DRV-SIMULATED) where ``host`` has a card, and (PLB-INPUT) for a description without any.
    """
    _refuse_beside_cards(host)
    if not description.get("cards") or not description.get("driver"):
        raise fail("PLB-INPUT", "description", "names no driver or no card", fix="Take one of tools/nvml/descriptions.")
    tree = tree_of(description)
    differing = tree.differences(root)
    if not dry:
        tree.write(root, differing)
    return differing


def end_simulation(root: Path, *, dry: bool = False) -> list[str]:
    """Remove the tree. A folder that is no such tree is somebody else's and stays."""
    if _text(root / _README) != _WORDS:
        return []
    if not dry:
        shutil.rmtree(root)
    return [str(root)]


def tree_of(description: t.Mapping[str, t.Any]) -> Tree:
    driver = str(description["driver"])
    cards = description["cards"]
    names = "".join(f"\t{_device(card)}  {card['name']}\n" for card in cards)
    files = {
        _README: _WORDS,
        _LOG: "",
        "sys/module/nvidia/version": f"{driver}\n",
        "usr/share/misc/pci.ids": f"# Of the simulated cards alone.\n10de  NVIDIA Corporation\n{names}",
        f"{_LIBRARIES}/{_LIBRARY}.{driver}": "",
    }
    for card in cards:
        folder = f"sys/bus/pci/devices/{card['address']}"
        told = {"vendor": "0x10de", "class": f"{DISPLAY << 16:#08x}", "device": f"0x{_device(card)}"}
        files |= {f"{folder}/{name}": f"{value}\n" for name, value in told.items()}
        files[f"{folder}/uevent"] = f"DRIVER=nvidia\nPCI_SLOT_NAME={card['address']}\n"
    links = {path: f"/{path}" for path in _OF_THE_HOST}
    return Tree(files, {**links, f"{_LIBRARIES}/{_LIBRARY}.1": f"{_LIBRARY}.{driver}"})


def _refuse_beside_cards(host: Path) -> None:
    """A simulated card beside a real one would take the real one's place without a word."""
    found = ", ".join(f"{gpu.name or gpu.device} at {gpu.address}" for gpu in read_gpus(host))
    if found:
        cause = "GPUs are to be simulated on a host that has one"
        fix = "Set gpu_host_simulated_gpus to 0, and use the card."
        raise fail("DRV-SIMULATED", "simulated_gpus", cause, evidence=f"on the PCI bus: {found}", fix=fix)


def _device(card: t.Mapping[str, t.Any]) -> str:
    return str(card.get("device", "10de:2684")).partition(":")[2]


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


def _target(path: Path) -> str | None:
    return str(path.readlink()) if path.is_symlink() else None
