"""``HostHardware``: CPU, memory and GPUs of one host, read from files under one root and from NVML."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.hardware import nvml as nvml_module
from ansible_collections.harvis.platform.plugins.module_utils.hardware.amounts import GIB
from ansible_collections.harvis.platform.plugins.module_utils.hardware.memory import Memory, read_memory
from ansible_collections.harvis.platform.plugins.module_utils.hardware.pci import Gpu, driver_version, read_gpus
from ansible_collections.harvis.platform.plugins.module_utils.hardware.processor import Processor, read_processor

THIS_HOST = Path("/")


@dataclass(frozen=True)
class HostHardware:
    """``driver_version`` and ``cuda_version`` are empty where no NVIDIA driver is loaded or could not be asked.

    ``not_checked`` says what could not be learnt of a host that has GPUs, a sentence each.
    """

    processor: Processor
    memory: Memory
    gpus: tuple[Gpu, ...] = ()
    driver_version: str = ""
    cuda_version: str = ""
    not_checked: tuple[str, ...] = ()

    @property
    def gpu_memory_bytes(self) -> int:
        """Memory of the smallest GPU, because a pod may get any of them; 0 where one is unknown."""
        return min((gpu.memory_bytes for gpu in self.gpus), default=0)

    def to_result(self) -> dict[str, t.Any]:
        host = {
            "cpu": self.processor.threads,
            "memory_gib": _gib(self.memory.usable_bytes),
            "installed_memory_gib": _gib(self.memory.installed_bytes),
            "gpus": len(self.gpus),
            "gpu_memory_gib": _gib(self.gpu_memory_bytes),
        }
        return {"host": host, **asdict(self), "gpus": [asdict(gpu) for gpu in self.gpus]}


def read_hardware(root: Path = THIS_HOST, library: nvml_module.Library | None = None) -> HostHardware:
    """Everything that can be learnt without a program.

    NVML answers for the machine it runs on, so it is asked for the root ``/`` alone, unless ``library`` stands in.
    Raises HarvisError (PLB-INPUT) when there is no ``proc`` under ``root``.
    """
    try:
        found = HostHardware(
            read_processor(root), read_memory(root), tuple(read_gpus(root)), driver_version=driver_version(root)
        )
    except (OSError, ValueError) as exc:
        raise fail("PLB-INPUT", str(root), f"is no root of a Linux host: {exc}") from exc
    if library is None and root != THIS_HOST:
        return _without_nvml(found, f"NVML answers only for the machine it runs on, and {root} is a recorded host")
    try:
        return _with_nvml(found, nvml_module.ask(library))
    except nvml_module.NvmlUnavailable as exc:
        return _without_nvml(found, str(exc))


def _with_nvml(found: HostHardware, answer: nvml_module.Answer) -> HostHardware:
    cards = {card.address: card for card in answer.cards}
    gpus = tuple(gpu.completed(cards[gpu.address]) if gpu.address in cards else gpu for gpu in found.gpus)
    unseen = [gpu.address for gpu in found.gpus if gpu.address not in cards]
    # A card that fell off the driver stays on the PCI bus: kernel log "Xid 79".
    lost = tuple(f"GPU {address} is on the PCI bus and unknown to the driver" for address in unseen)
    strange = tuple(card for card in answer.cards if card.address not in {gpu.address for gpu in found.gpus})
    return dataclasses.replace(
        found,
        gpus=gpus + strange,
        driver_version=answer.driver_version,
        cuda_version=answer.cuda_version,
        not_checked=lost,
    )


def _without_nvml(found: HostHardware, reason: str) -> HostHardware:
    unknown = [gpu.address for gpu in found.gpus if not gpu.memory_bytes]
    said = (f"memory of GPU {', '.join(unknown)} is unknown: {reason}",) if unknown else ()
    return dataclasses.replace(found, not_checked=said)


def _gib(size: int) -> float:
    return round(size / GIB, 2)
