"""What torch says about CUDA, asked in a child process: importing torch costs memory that the server would keep."""

from __future__ import annotations

import dataclasses
import re
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from python_back_end.isolated_process import Handler, IsolationError, run_isolated

# The kernel's, and so also there in a container.
_DRIVER = Path("/proc/driver/nvidia/version")
# The sum of the product of two matrices of ones is its cube, which a 32-bit float holds exactly.
_SIDE = 256


@dataclass(frozen=True)
class CudaDevice:
    index: int
    name: str
    capability: str
    memory_total: int
    memory_free: int


@dataclass(frozen=True)
class Computed:
    """A product of two matrices that was really calculated, and whether it was right."""

    device: str
    right: bool
    seconds: float | None = None
    cause: str | None = None


@dataclass(frozen=True)
class CudaDiagnostics:
    """`available` means that the card really calculated, and rightly; otherwise `cause` says what failed.

    `architectures` are those that torch brings code for, `driver` is the version that the kernel has loaded.
    """

    available: bool
    cause: str | None = None
    torch: str | None = None
    cuda_build: str | None = None
    current_device: int | None = None
    devices: tuple[CudaDevice, ...] = ()
    architectures: tuple[str, ...] = ()
    driver: str | None = None
    computed: Computed | None = dataclasses.field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def diagnose_cuda(limit: float, driver: Path = _DRIVER) -> CudaDiagnostics:
    return dataclasses.replace(_ask_torch(limit), driver=_loaded_driver(driver))


def _loaded_driver(path: Path) -> str | None:
    try:
        told = re.search(r"\s(\d{3,}(?:\.\d+)+)\s", path.read_text())
    except OSError:
        return None
    return told[1] if told else None


def _ask_torch(limit: float) -> CudaDiagnostics:
    if find_spec("torch") is None:
        return CudaDiagnostics(available=False, cause="torch not installed")
    try:
        diagnostics = run_isolated("CUDA diagnostics", load_probe, limit)
    except IsolationError as error:
        return CudaDiagnostics(available=False, cause=str(error))
    assert isinstance(diagnostics, CudaDiagnostics)
    return diagnostics


class KeptDiagnosis:
    """Asks once and keeps the answer; a bad one is asked again after a while, since a busy card gets free."""

    def __init__(
        self, diagnose: Callable[[], CudaDiagnostics], retry: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._diagnose = diagnose
        self._retry = retry
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: CudaDiagnostics | None = None
        self._ask_again_at = 0.0

    def __call__(self) -> CudaDiagnostics:
        with self._lock:
            if self._kept is None or (not self._kept.available and self._clock() >= self._ask_again_at):
                self._ask()
            assert self._kept is not None
            return self._kept

    def anew(self) -> CudaDiagnostics:
        """As things are now, memory above all; a bad answer is still kept for a while."""
        with self._lock:
            if self._kept is None or self._kept.available:
                self._ask()
            assert self._kept is not None
            return self._kept

    def _ask(self) -> None:
        self._kept = self._diagnose()
        self._ask_again_at = self._clock() + self._retry


def load_probe() -> Handler:
    """Runs in the child."""
    torch: Any = import_module("torch")

    def probe(_request: object) -> CudaDiagnostics:
        about: dict[str, Any] = {"torch": torch.__version__, "cuda_build": torch.version.cuda}
        if torch.version.cuda is None:
            on_cpu = _compute(torch, "cpu")
            return CudaDiagnostics(available=False, cause="torch was built without CUDA", computed=on_cpu, **about)
        about["architectures"] = tuple(torch.cuda.get_arch_list())
        if not torch.cuda.is_available():
            on_cpu = _compute(torch, "cpu")
            return CudaDiagnostics(available=False, cause="torch finds no CUDA device", computed=on_cpu, **about)
        devices = tuple(_device(torch, index) for index in range(torch.cuda.device_count()))
        found = {**about, "current_device": torch.cuda.current_device(), "devices": devices}
        # A driver that is too old for this torch shows only when something is computed.
        computed = _compute(torch, "cuda")
        cause = None if computed.right else computed.cause
        return CudaDiagnostics(available=computed.right, cause=cause, computed=computed, **found)

    return probe


def _compute(torch: Any, device: str) -> Computed:
    began = time.perf_counter()
    try:
        ones = torch.ones((_SIDE, _SIDE), device=device)
        total = (ones @ ones).sum().item()
    except Exception as error:
        where = "on the card" if device == "cuda" else "on the CPU"
        return Computed(device, right=False, cause=f"no tensor {where}: {error}")
    seconds = time.perf_counter() - began
    if total != _SIDE**3:
        return Computed(device, right=False, seconds=seconds, cause=f"{_SIDE}³ is {_SIDE**3}, and not {total:g}")
    return Computed(device, right=True, seconds=seconds)


def _device(torch: Any, index: int) -> CudaDevice:
    free, total = torch.cuda.mem_get_info(index)
    major, minor = torch.cuda.get_device_capability(index)
    return CudaDevice(index, torch.cuda.get_device_name(index), f"{major}.{minor}", total, free)
