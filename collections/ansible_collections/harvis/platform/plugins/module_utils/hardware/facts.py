"""``HostHardware``: CPU, memory, GPUs and their driver on one host, read from files under one root and from NVML."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.hardware import nvml as nvml_module
from ansible_collections.harvis.platform.plugins.module_utils.hardware.amounts import GIB
from ansible_collections.harvis.platform.plugins.module_utils.hardware.driver import Driver, read_driver
from ansible_collections.harvis.platform.plugins.module_utils.hardware.kernel import Kernel, read_kernel
from ansible_collections.harvis.platform.plugins.module_utils.hardware.kernel_log import FELL_OFF_THE_BUS, read_xids
from ansible_collections.harvis.platform.plugins.module_utils.hardware.layers import first_failing_layer
from ansible_collections.harvis.platform.plugins.module_utils.hardware.memory import Memory, read_memory
from ansible_collections.harvis.platform.plugins.module_utils.hardware.numa import NumaNode, read_numa
from ansible_collections.harvis.platform.plugins.module_utils.hardware.pci import Gpu, read_gpus
from ansible_collections.harvis.platform.plugins.module_utils.hardware.processes import identify
from ansible_collections.harvis.platform.plugins.module_utils.hardware.processor import Processor, read_processor

THIS_HOST = Path("/")


@dataclass(frozen=True)
class HostHardware:
    """``driver_version`` and ``cuda_version`` are empty where no NVIDIA driver is loaded or could not be asked.

    ``not_checked`` says what could not be learnt of a host that has GPUs, a sentence each. ``nvml_error`` is what NVML
    said instead of answering, with its code in ``nvml_code``; empty and 0 where it answered or was not asked.
    """

    processor: Processor
    memory: Memory
    gpus: tuple[Gpu, ...] = ()
    driver_version: str = ""
    cuda_version: str = ""
    not_checked: tuple[str, ...] = ()
    driver: Driver = field(default_factory=Driver)
    kernel: Kernel = field(default_factory=Kernel)
    numa: tuple[NumaNode, ...] = ()
    nvml_error: str = ""
    nvml_code: int = 0

    @property
    def nvml_answers(self) -> bool:
        """NVML alone knows the CUDA version."""
        return bool(self.cuda_version)

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
        layer = first_failing_layer(self)
        return {
            "host": host,
            **asdict(self),
            "gpus": [asdict(gpu) for gpu in self.gpus],
            "driver": {**asdict(self.driver), "held": self.driver.held},
            "first_failing_layer": layer.name,
            "layer_reason": layer.reason,
        }


def read_hardware(root: Path = THIS_HOST, library: nvml_module.Library | None = None) -> HostHardware:
    """Everything that can be learnt without a program.

    NVML answers for the machine it runs on, so it is asked for the root ``/`` alone, unless ``library`` stands in.
    Raises HarvisError (PLB-INPUT) when there is no ``proc`` under ``root``.
    """
    found = _read_files(root)
    if library is None and root != THIS_HOST:
        return _without_nvml(found, f"NVML answers only for the machine it runs on, and {root} is a recorded host")
    try:
        return _with_nvml(found, nvml_module.ask(library), root)
    except nvml_module.NvmlUnavailable as exc:
        told = dataclasses.replace(found, nvml_error=str(exc) if exc.code else "", nvml_code=exc.code)
        return _without_nvml(told, str(exc))


def _read_files(root: Path) -> HostHardware:
    try:
        driver = read_driver(root)
        return HostHardware(
            read_processor(root),
            read_memory(root),
            _with_xids(tuple(read_gpus(root)), root),
            driver_version=driver.loaded,
            driver=driver,
            kernel=read_kernel(root),
            numa=read_numa(root),
        )
    except (OSError, ValueError) as exc:
        raise fail("PLB-INPUT", str(root), f"is no root of a Linux host: {exc}") from exc


def _with_xids(gpus: tuple[Gpu, ...], root: Path) -> tuple[Gpu, ...]:
    """The log is read only where it can matter, since it may be long."""
    xids = read_xids(root) if gpus else {}
    return tuple(dataclasses.replace(gpu, xids=xids.get(gpu.address.rpartition(".")[0], ())) for gpu in gpus)


def _with_nvml(found: HostHardware, answer: nvml_module.Answer, root: Path) -> HostHardware:
    cards = {card.address: _identified(card, root) for card in answer.cards}
    gpus = tuple(_completed(gpu, cards.get(gpu.address)) for gpu in found.gpus)
    unseen = [gpu.address for gpu in found.gpus if gpu.address not in cards]
    lost = tuple(f"GPU {address} is on the PCI bus and unknown to the driver" for address in unseen)
    strange = tuple(card for address, card in cards.items() if address not in {gpu.address for gpu in found.gpus})
    return dataclasses.replace(
        found,
        gpus=gpus + strange,
        driver_version=answer.driver_version,
        cuda_version=answer.cuda_version,
        not_checked=lost + answer.silent,
    )


def _completed(gpu: Gpu, card: Gpu | None) -> Gpu:
    """A card that fell off stays on the PCI bus and bound to its driver: kernel log "Xid 79"."""
    return gpu.completed(card) if card else dataclasses.replace(gpu, lost=gpu.kernel_driver == "nvidia")


def _identified(card: Gpu, root: Path) -> Gpu:
    return dataclasses.replace(card, processes=tuple(identify(root, process) for process in card.processes))


def _without_nvml(found: HostHardware, reason: str) -> HostHardware:
    unknown = [gpu.address for gpu in found.gpus if not gpu.memory_bytes]
    said = (f"memory of GPU {', '.join(unknown)} is unknown: {reason}",) if unknown else ()
    # Nothing but a restart brings such a card back, and the log is that of this start.
    gpus = tuple(dataclasses.replace(gpu, lost=FELL_OFF_THE_BUS in gpu.xids) for gpu in found.gpus)
    return dataclasses.replace(found, gpus=gpus, not_checked=said)


def _gib(size: int) -> float:
    return round(size / GIB, 2)
