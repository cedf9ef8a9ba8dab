"""What is said about the card, without and with torch."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from python_back_end.cuda_diagnostics import CudaDevice, CudaDiagnostics, KeptDiagnosis, diagnose_cuda

# Stands in for torch at its boundary: what our probe calls, answering as on a machine with a card.
TORCH_WITH_A_CARD = """
__version__ = "2.6.0+cu124"
class version:
    cuda = "12.4"
class cuda:
    get_arch_list = staticmethod(lambda: ["sm_80", "sm_86", "compute_90"])
    is_available = staticmethod(lambda: True)
    device_count = staticmethod(lambda: 1)
    current_device = staticmethod(lambda: 0)
    get_device_name = staticmethod(lambda index: "NVIDIA GeForce RTX 4090")
    get_device_capability = staticmethod(lambda index: (8, 9))
    mem_get_info = staticmethod(lambda index: (20_000_000_000, 25_000_000_000))
class _Tensor:
    def __init__(self, side): self.total = side * side; self.side = side
    def __matmul__(self, other): self.total = self.side ** 3; return self
    def sum(self): return self
    def item(self): return float(self.total)
def ones(sides, device): assert device == "cuda"; return _Tensor(sides[0])
"""
DRIVER_TOO_OLD = """
def ones(sides, device): raise RuntimeError("the NVIDIA driver on your system is too old")
"""
MISCALCULATES = """
_Tensor.__matmul__ = lambda self, other: self
"""
WITHOUT_CUDA = """
__version__ = "2.6.0"
class version:
    cuda = None
"""
CRASHES_ON_IMPORT = """
import os
os.abort()
"""
CARD = CudaDevice(0, "NVIDIA GeForce RTX 4090", "8.9", 25_000_000_000, 20_000_000_000)
ABOUT = {"torch": "2.6.0+cu124", "cuda_build": "12.4", "current_device": 0, "devices": (CARD,)}
CODE = {"architectures": ("sm_80", "sm_86", "compute_90")}


@pytest.fixture(autouse=True)
def without_torch() -> None:
    if find_spec("torch") is not None:
        pytest.skip("torch is installed here, and would be found instead of the double")


def diagnose(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> CudaDiagnostics:
    (folder / "torch.py").write_text(source)
    monkeypatch.syspath_prepend(str(folder))
    return diagnose_cuda(60, folder / "no-driver")


def test_torch_that_is_not_there_is_the_cause() -> None:
    assert diagnose_cuda(60, Path("/nonexistent")) == CudaDiagnostics(available=False, cause="torch not installed")


def test_the_loaded_driver_is_told_also_without_torch(tmp_path: Path) -> None:
    told = tmp_path / "version"
    told.write_text("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  535.261.03  Release Build  (root@host)\n")
    assert diagnose_cuda(60, told).driver == "535.261.03"


def test_a_card_that_works_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert diagnose(tmp_path, monkeypatch, TORCH_WITH_A_CARD) == CudaDiagnostics(available=True, **ABOUT, **CODE)
    assert "torch" not in sys.modules


def test_a_product_was_really_calculated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = diagnose(tmp_path, monkeypatch, TORCH_WITH_A_CARD).computed
    assert computed is not None
    assert (computed.device, computed.right, computed.cause) == ("cuda", True, None)
    assert computed.seconds is not None
    assert computed.seconds > 0


def test_a_card_that_calculates_wrongly_is_not_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = diagnose(tmp_path, monkeypatch, TORCH_WITH_A_CARD + MISCALCULATES)
    assert (found.available, found.cause) == (False, "256³ is 16777216, and not 65536")


def test_a_card_on_which_nothing_can_be_made_is_not_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cause = "no tensor on the card: the NVIDIA driver on your system is too old"
    found = diagnose(tmp_path, monkeypatch, TORCH_WITH_A_CARD + DRIVER_TOO_OLD)
    assert found == CudaDiagnostics(available=False, cause=cause, **ABOUT, **CODE)


def test_a_build_without_cuda_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = diagnose(tmp_path, monkeypatch, WITHOUT_CUDA)
    assert found == CudaDiagnostics(available=False, cause="torch was built without CUDA", torch="2.6.0")
    assert found.computed is not None
    assert (found.computed.device, found.computed.right) == ("cpu", False)


def test_torch_that_crashes_harms_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = diagnose(tmp_path, monkeypatch, CRASHES_ON_IMPORT)
    assert found == CudaDiagnostics(available=False, cause="CUDA diagnostics ended loading: SIGABRT")


def test_a_good_diagnosis_is_kept_and_a_bad_one_is_asked_again_later() -> None:
    now = [0.0]
    bad, good = CudaDiagnostics(available=False, cause="busy"), CudaDiagnostics(available=True)
    answers = [bad, good]
    kept = KeptDiagnosis(lambda: answers.pop(0), retry=10, clock=lambda: now[0])
    assert (kept(), kept()) == (bad, bad)
    now[0] = 10
    assert (kept(), kept()) == (good, good)


def test_memory_is_asked_anew_where_there_is_a_card_alone() -> None:
    bad, good, later = (CudaDiagnostics(available=False, cause="none"), *(CudaDiagnostics(available=True),) * 2)
    answers = [bad]
    kept = KeptDiagnosis(lambda: answers.pop(0), retry=10, clock=lambda: 0.0)
    assert (kept.anew(), kept.anew(), kept()) == (bad, bad, bad)
    answers = [good, later]
    kept = KeptDiagnosis(lambda: answers.pop(0), retry=10, clock=lambda: 0.0)
    assert kept() is good
    assert kept.anew() is later
    assert kept() is later
