"""What a real session of ONNX Runtime runs on: a build for CUDA offers CUDA and may still fall back to the CPU."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from python_back_end.isolated_process import Handler, IsolationError, run_isolated

CUDA = "CUDAExecutionProvider"


@dataclass(frozen=True)
class OnnxDiagnostics:
    """`offered` is what the build has, `used` what a session took first when it was asked for all of that."""

    version: str | None = None
    offered: tuple[str, ...] = ()
    used: str | None = None
    cause: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def diagnose_onnx(limit: float) -> OnnxDiagnostics:
    if find_spec("onnxruntime") is None:
        return OnnxDiagnostics(cause="onnxruntime not installed")
    try:
        found = run_isolated("ONNX diagnostics", load_session, limit)
    except IsolationError as error:
        return OnnxDiagnostics(cause=str(error))
    assert isinstance(found, OnnxDiagnostics)
    return found


def load_session() -> Handler:
    """Runs in the child."""
    runtime: Any = import_module("onnxruntime")

    def ask(_request: object) -> OnnxDiagnostics:
        offered = runtime.get_available_providers()
        wanted = [name for name in offered if name in (CUDA, "CPUExecutionProvider")]
        session = runtime.InferenceSession(identity_model(), providers=wanted)
        return OnnxDiagnostics(runtime.__version__, tuple(offered), session.get_providers()[0])

    return ask


def identity_model() -> bytes:
    """The smallest model there is (y = x), written out: the library that writes models is no part of the image."""
    one = _part(1, _number(1, 1))
    tensor = _part(2, _part(1, _number(1, 1) + _part(2, one)))
    node = _part(1, _part(1, b"x") + _part(2, b"y") + _part(4, b"Identity"))
    ends = _part(11, _part(1, b"x") + tensor) + _part(12, _part(1, b"y") + tensor)
    return _number(1, 8) + _part(7, node + _part(2, b"identity") + ends) + _part(8, _number(2, 13))


def _part(field: int, content: bytes) -> bytes:
    """Protocol buffers, a field with a length; every length here is below 128."""
    return bytes([field << 3 | 2, len(content)]) + content


def _number(field: int, value: int) -> bytes:
    return bytes([field << 3, value])
