"""What NVIDIA's management library tells, through NVIDIA's own binding (``nvidia-ml-py``)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.hardware.pci import Gpu

Library = t.Any  # the module pynvml, which is untyped


class NvmlUnavailable(Exception):
    """NVML could not be asked; the message says why."""


@dataclass(frozen=True)
class Answer:
    """``cuda_version`` is the newest CUDA that the driver supports, not one that is installed."""

    cards: tuple[Gpu, ...]
    driver_version: str
    cuda_version: str


def ask(library: Library | None = None) -> Answer:
    """Raises NvmlUnavailable when the binding, the driver's library or the driver is missing."""
    library = library or _binding()
    try:
        library.nvmlInit()
    except library.NVMLError as exc:
        raise NvmlUnavailable(f"NVML cannot be started: {exc}") from exc
    try:
        handles = map(library.nvmlDeviceGetHandleByIndex, range(library.nvmlDeviceGetCount()))
        cards = tuple(_card(library, handle) for handle in handles)
        cuda = library.nvmlSystemGetCudaDriverVersion_v2()
        version = f"{cuda // 1000}.{cuda % 1000 // 10}"
        return Answer(cards, _text(library.nvmlSystemGetDriverVersion()), version)
    except library.NVMLError as exc:
        raise NvmlUnavailable(f"NVML does not answer: {exc}") from exc
    finally:
        library.nvmlShutdown()


def _binding() -> Library:
    try:
        import pynvml
    except ImportError as exc:
        raise NvmlUnavailable("the Python library nvidia-ml-py is missing") from exc
    return pynvml


def _card(library: Library, handle: t.Any) -> Gpu:
    return Gpu(
        _address(_text(library.nvmlDeviceGetPciInfo(handle).busId)),
        name=_text(library.nvmlDeviceGetName(handle)),
        uuid=_text(library.nvmlDeviceGetUUID(handle)),
        memory_bytes=int(library.nvmlDeviceGetMemoryInfo(handle).total),
    )


def _address(bus_id: str) -> str:
    """NVML writes the PCI domain with eight digits and in capitals, the kernel with four and small."""
    domain, _, rest = bus_id.lower().partition(":")
    return f"{int(domain, 16):04x}:{rest}"


def _text(value: str | bytes) -> str:
    # Versions of the binding before 11.515 answer with bytes.
    return value.decode() if isinstance(value, bytes) else value
