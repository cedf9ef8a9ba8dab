"""What NVIDIA's management library tells, through NVIDIA's own binding (``nvidia-ml-py``)."""

from __future__ import annotations

import ctypes
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.hardware.pci import Gpu
from ansible_collections.harvis.platform.plugins.module_utils.hardware.processes import GpuProcess

Library = t.Any  # the module pynvml, which is untyped

LIBRARY = "libnvidia-ml.so.1"
# Codes of nvml.h that mean something to us.
NOT_SUPPORTED, LIBRARY_NOT_FOUND, VERSION_MISMATCH = 3, 12, 18
_SWITCH = {0: "disabled", 1: "enabled"}


class NvmlUnavailable(Exception):
    """NVML could not be asked; the message says why.

    ``code`` is NVML's own, 0 where it was not reached because the binding is missing.
    """

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Answer:
    """``cuda_version`` is the newest CUDA that the driver supports, not one that is installed.

    ``silent`` has a sentence for each card that NVML counts and that does not answer.
    """

    cards: tuple[Gpu, ...]
    driver_version: str
    cuda_version: str
    silent: tuple[str, ...] = ()


def ask(library: Library | None = None) -> Answer:
    """Raises NvmlUnavailable when the binding, the driver's library or the driver is missing."""
    library = library or _binding()
    try:
        library.nvmlInit()
    except library.NVMLError as exc:
        raise NvmlUnavailable(f"NVML cannot be started: {exc}", exc.value) from exc
    try:
        cards, silent = _cards(library)
        cuda = library.nvmlSystemGetCudaDriverVersion_v2()
        version = f"{cuda // 1000}.{cuda % 1000 // 10}"
        return Answer(cards, _text(library.nvmlSystemGetDriverVersion()), version, silent)
    except library.NVMLError as exc:
        raise NvmlUnavailable(f"NVML does not answer: {exc}", exc.value) from exc
    finally:
        library.nvmlShutdown()


def _binding() -> Library:
    """The library is looked for first, because importing the binding takes longer than all that a host is asked."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError as exc:
        raise NvmlUnavailable(f"NVML cannot be started: {exc}", LIBRARY_NOT_FOUND) from exc
    try:
        import pynvml
    except ImportError as exc:
        raise NvmlUnavailable("the Python library nvidia-ml-py is missing") from exc
    return pynvml


def _cards(library: Library) -> tuple[tuple[Gpu, ...], tuple[str, ...]]:
    """A card that does not answer takes none of the others with it."""
    cards, silent = [], []
    for index in range(library.nvmlDeviceGetCount()):
        try:
            cards.append(_card(library, library.nvmlDeviceGetHandleByIndex(index)))
        except library.NVMLError as exc:
            silent.append(f"NVML says of card {index}: {exc}")
    return tuple(cards), tuple(silent)


def _card(library: Library, handle: t.Any) -> Gpu:
    memory = library.nvmlDeviceGetMemoryInfo(handle)
    capability = _optional(library, library.nvmlDeviceGetCudaComputeCapability, handle)
    limit = _optional(library, library.nvmlDeviceGetEnforcedPowerLimit, handle)
    return Gpu(
        _address(_text(library.nvmlDeviceGetPciInfo(handle).busId)),
        name=_text(library.nvmlDeviceGetName(handle)),
        uuid=_text(library.nvmlDeviceGetUUID(handle)),
        memory_bytes=int(memory.total),
        minor=_optional(library, library.nvmlDeviceGetMinorNumber, handle),
        memory_free_bytes=int(memory.free),
        compute_capability="{}.{}".format(*capability) if capability else "",
        # Both have a mode of now and one that a reset will bring.
        ecc=_switch(library, library.nvmlDeviceGetEccMode, handle),
        mig=_switch(library, library.nvmlDeviceGetMigMode, handle),
        persistence=_switch(library, library.nvmlDeviceGetPersistenceMode, handle),
        power_limit_watts=(limit or 0) / 1000,
        processes=_processes(library, handle),
    )


def _processes(library: Library, handle: t.Any) -> tuple[GpuProcess, ...]:
    """A program that computes and draws is told of twice with the same memory; it counts as one that computes."""
    graphics = _optional(library, library.nvmlDeviceGetGraphicsRunningProcesses, handle) or []
    compute = _optional(library, library.nvmlDeviceGetComputeRunningProcesses, handle) or []
    kinds = [("graphics", graphics), ("compute", compute)]
    found = {
        one.pid: GpuProcess(one.pid, _process_name(library, one.pid), one.usedGpuMemory or 0, kind)
        for kind, told in kinds
        for one in told
    }
    return tuple(found[pid] for pid in sorted(found))


def _process_name(library: Library, pid: int) -> str:
    return _text(_optional(library, library.nvmlSystemGetProcessName, pid) or "")


def _switch(library: Library, question: t.Callable[[t.Any], t.Any], handle: t.Any) -> str:
    try:
        mode = question(handle)
    except library.NVMLError as exc:
        return "unsupported" if exc.value == NOT_SUPPORTED else ""
    return _SWITCH.get(mode[0] if isinstance(mode, list) else mode, "")


def _optional(library: Library, question: t.Callable[[t.Any], t.Any], about: t.Any) -> t.Any:
    """None where the card or the driver cannot tell."""
    try:
        return question(about)
    except library.NVMLError:
        return None


def _address(bus_id: str) -> str:
    """NVML writes the PCI domain with eight digits and in capitals, the kernel with four and small."""
    domain, _, rest = bus_id.lower().partition(":")
    return f"{int(domain, 16):04x}:{rest}"


def _text(value: str | bytes) -> str:
    # Versions of the binding before 11.515 answer with bytes.
    return value.decode(errors="replace") if isinstance(value, bytes) else value
