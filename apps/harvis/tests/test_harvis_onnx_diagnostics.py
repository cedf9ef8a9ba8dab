"""What a real session of ONNX Runtime runs on; builds for CUDA are doubles at its boundary."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from python_back_end.onnx_diagnostics import OnnxDiagnostics, diagnose_onnx

# The build for CUDA, as it answers where cuDNN is of another major version: the session is made, without CUDA.
FALLS_BACK = """
__version__ = "1.20.1"
def get_available_providers():
    return ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
class InferenceSession:
    def __init__(self, model, providers):
        assert providers == ["CUDAExecutionProvider", "CPUExecutionProvider"], providers
    def get_providers(self): return ["CPUExecutionProvider"]
"""
OFFERED = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")


def diagnose(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> OnnxDiagnostics:
    (folder / "onnxruntime.py").write_text(source)
    monkeypatch.syspath_prepend(str(folder))
    return diagnose_onnx(60)


def test_a_real_session_tells_what_it_runs_on() -> None:
    if find_spec("onnxruntime") is None:
        pytest.skip("onnxruntime is not installed here")
    found = diagnose_onnx(60)
    assert (found.used, found.cause) == ("CPUExecutionProvider", None)
    assert "CPUExecutionProvider" in found.offered
    assert "onnxruntime" not in sys.modules


def test_a_build_for_cuda_that_falls_back_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = diagnose(tmp_path, monkeypatch, FALLS_BACK)
    assert found == OnnxDiagnostics("1.20.1", OFFERED, "CPUExecutionProvider")


def test_a_session_that_cannot_be_made_is_the_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = FALLS_BACK.replace('["CPUExecutionProvider"]', "None.no_libcudnn")
    found = diagnose(tmp_path, monkeypatch, broken)
    assert found.cause is not None
    assert found.cause.endswith("'NoneType' object has no attribute 'no_libcudnn'")
