"""What the choice of kernel module needs to know of the cards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.hardware.pci import Gpu, read_gpus

# Turing's first chip; the open module knows no card before it.
TURING = 0x1E00
_DATA_CENTRE = re.compile(r"\b(Tesla|A2|A10G?|A16|A30|A40|A100|A800|L4|L20|L40S?|H20|H100|H200|H800|B100|B200|GH200)\b")


@dataclass(frozen=True)
class Card:
    """``device`` is the second half of the PCI id."""

    address: str
    name: str
    device: int
    is_data_centre: bool

    @property
    def takes_open_module(self) -> bool:
        return self.device >= TURING


def read_cards(root: Path) -> tuple[Card, ...]:
    return tuple(_card(gpu) for gpu in read_gpus(root))


def _card(gpu: Gpu) -> Card:
    """Without a PCI database a card has no name and counts for none of the data centre: proprietary suits both."""
    device = int(gpu.device.partition(":")[2] or "0", 16)
    return Card(gpu.address, gpu.name or gpu.device, device, bool(_DATA_CENTRE.search(gpu.name)))
