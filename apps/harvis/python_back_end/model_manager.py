"""Speech that never takes the server down: Chatterbox on CUDA, else Piper on the CPU, else the text with the reason."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from python_back_end.cuda_diagnostics import CudaDiagnostics, KeptDiagnosis, diagnose_cuda
from python_back_end.isolated_process import IsolationError
from python_back_end.onnx_diagnostics import OnnxDiagnostics, diagnose_onnx
from python_back_end.settings import Settings, read_settings
from python_back_end.speech_engine_process import SpeechEngine, SpeechLimits
from python_back_end.speech_engines import SpeechOrder, chatterbox, piper

logger = structlog.stdlib.get_logger("model_manager")


@dataclass(frozen=True)
class Speech:
    """`audio` is a WAV, or None with `degraded` saying why; the text is always there to be shown instead."""

    text: str
    audio: bytes | None = None
    engine: str | None = None
    degraded: str | None = None
    device: str | None = None


class SpeechUnavailable(Exception):
    """No engine spoke; the text names each engine with its reason."""


class ModelManager:
    """The chain of engines, and what torch says about the card."""

    def __init__(
        self,
        engines: Sequence[SpeechEngine],
        diagnose: Callable[[], CudaDiagnostics],
        *,
        choice: str = "auto",
        onnx: Callable[[], OnnxDiagnostics] = OnnxDiagnostics,
    ) -> None:
        self._engines = tuple(engines)
        self._diagnose = diagnose
        self._choice = choice
        self._onnx = onnx

    def generate_speech_optimized(
        self,
        text: str,
        audio_prompt: str | None = None,
        exaggeration: float = 0.5,
        temperature: float = 0.8,
        cfg_weight: float = 0.5,
    ) -> Speech:
        """Speech of the first engine that manages; raises SpeechUnavailable with every engine's reason."""
        order = SpeechOrder(text, audio_prompt, exaggeration, temperature, cfg_weight)
        causes = []
        for engine in self._engines:
            cause = engine.why_not()
            if cause is None:
                try:
                    return Speech(text, engine.speak(order), engine.name, device=engine.device)
                except IsolationError as error:
                    cause = str(error)
                    logger.warning("speech engine failed", engine=engine.name, cause=cause)
            causes.append(f"{engine.name}: {cause}")
        raise SpeechUnavailable("; ".join(causes) or f"speech is turned off (SPEECH_ENGINE={self._choice})")

    def safe_generate_speech_optimized(
        self,
        text: str,
        audio_prompt: str | None = None,
        exaggeration: float = 0.5,
        temperature: float = 0.8,
        cfg_weight: float = 0.5,
    ) -> Speech:
        """Never raises: without audio the answer is the text and the reason."""
        try:
            return self.generate_speech_optimized(text, audio_prompt, exaggeration, temperature, cfg_weight)
        except SpeechUnavailable as error:
            logger.warning("speech unavailable, answering with the text", cause=str(error))
            return Speech(text, degraded=str(error))
        except Exception as error:
            logger.exception("speech failed, answering with the text")
            return Speech(text, degraded=f"{type(error).__name__}: {error}")

    def cuda(self) -> CudaDiagnostics:
        return self._diagnose()

    def onnx(self) -> OnnxDiagnostics:
        return self._onnx()

    def engines(self) -> list[dict[str, Any]]:
        """Each engine of the chain in its order: whether it can be tried, and why not."""
        listed = []
        for engine in self._engines:
            cause = engine.why_not()
            about = {"name": engine.name, "device": engine.device, "available": cause is None}
            listed.append({**about, "loaded": engine.loaded, "cause": cause})
        return listed

    def close(self) -> None:
        for engine in self._engines:
            engine.close()


def make_model_manager(settings: Settings) -> ModelManager:
    limit = settings.cuda_diagnostics_timeout
    diagnose = KeptDiagnosis(lambda: comprehensive_cuda_diagnostics(limit), retry=settings.speech_retry)
    chain = [chatterbox(diagnose), piper(settings.piper_voice)]
    chosen = [engine for engine in chain if settings.speech_engine in ("auto", engine.name)]
    limits = SpeechLimits(
        load=settings.speech_load_timeout,
        speak=settings.speech_timeout,
        retry=settings.speech_retry,
        idle=settings.speech_idle,
    )
    onnx = functools.cache(lambda: diagnose_onnx(limit))
    engines = [SpeechEngine(engine, limits) for engine in chosen]
    return ModelManager(engines, diagnose, choice=settings.speech_engine, onnx=onnx)


def comprehensive_cuda_diagnostics(limit: float) -> CudaDiagnostics:
    logger.info("starting comprehensive CUDA diagnostics")
    found = diagnose_cuda(limit)
    log = logger.info if found.available else logger.warning
    log("CUDA diagnostics", **found.to_json())
    return found


@functools.cache
def _manager_of_the_environment() -> ModelManager:
    return make_model_manager(read_settings(os.environ))


def generate_speech_optimized(text: str, *voice: Any, **options: Any) -> Speech:
    """For callers without a manager of their own."""
    return _manager_of_the_environment().generate_speech_optimized(text, *voice, **options)


def safe_generate_speech_optimized(text: str, *voice: Any, **options: Any) -> Speech:
    """For callers without a manager of their own; never raises."""
    try:
        return _manager_of_the_environment().safe_generate_speech_optimized(text, *voice, **options)
    except Exception as error:
        return Speech(text, degraded=f"{type(error).__name__}: {error}")
