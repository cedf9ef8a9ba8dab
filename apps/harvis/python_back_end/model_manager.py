"""Speech that never takes the server down: Chatterbox on CUDA, else Piper on the CPU, else the text with the reason."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from python_back_end.cuda_diagnostics import CudaDiagnostics, KeptDiagnosis, diagnose_cuda
from python_back_end.isolated_process import IsolationError
from python_back_end.logs import where_it_failed
from python_back_end.onnx_diagnostics import OnnxDiagnostics, diagnose_onnx
from python_back_end.sentences import in_pieces
from python_back_end.settings import Settings, read_settings
from python_back_end.speech_engine_process import NothingSpoken, SpeechEngine, SpeechLimits
from python_back_end.speech_engines import SpeechOrder, chatterbox, piper
from python_back_end.speech_plugins import plugin_engines
from python_back_end.vram_budget import CardMemory, OllamaOverHttp, VramBudget
from python_back_end.wav_files import joined

logger = structlog.stdlib.get_logger("model_manager")
_NO_STOP = threading.Event()


@dataclass(frozen=True)
class Speech:
    """`audio` is a WAV, or None with `degraded` saying why; the text is always there to be shown instead.

    With audio, `degraded` says what is missing all the same: the voice that was asked for.
    """

    text: str
    audio: bytes | None = None
    engine: str | None = None
    degraded: str | None = None
    device: str | None = None


class SpeechUnavailable(Exception):
    """No engine spoke; the text names each engine with its reason."""


class SpeechStopped(Exception):
    """Nobody listens any more."""


class ModelManager:
    """The chain of engines, and what torch says about the card."""

    def __init__(
        self,
        engines: Sequence[SpeechEngine],
        diagnose: Callable[[], CudaDiagnostics],
        *,
        choice: str = "auto",
        onnx: Callable[[], OnnxDiagnostics] = OnnxDiagnostics,
        vram: VramBudget | None = None,
    ) -> None:
        self._engines = tuple(engines)
        self._diagnose = diagnose
        self._choice = choice
        self._onnx = onnx
        self._vram = vram

    def generate_speech_optimized(
        self,
        text: str,
        audio_prompt: str | None = None,
        exaggeration: float = 0.5,
        temperature: float = 0.8,
        cfg_weight: float = 0.5,
        *,
        stop: threading.Event = _NO_STOP,
    ) -> Speech:
        """Speech of the first engine that manages; raises SpeechUnavailable with every engine's reason."""
        order = SpeechOrder(text, audio_prompt, exaggeration, temperature, cfg_weight)
        causes = []
        for engine in self._engines:
            cause = self._why_not(engine)
            if cause is None:
                try:
                    audio = _spoken(engine, order, stop)
                    return Speech(text, audio, engine.name, _other_voice(engine, order), engine.device)
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
        *,
        stop: threading.Event = _NO_STOP,
    ) -> Speech:
        """Never raises: without audio the answer is the text and the reason."""
        try:
            return self.generate_speech_optimized(text, audio_prompt, exaggeration, temperature, cfg_weight, stop=stop)
        except SpeechUnavailable as error:
            logger.warning("speech unavailable, answering with the text", cause=str(error))
            return Speech(text, degraded=str(error))
        except SpeechStopped:
            return Speech(text, degraded="nobody listens any more")
        except Exception as error:
            logger.error("speech failed, answering with the text", **where_it_failed(error))  # noqa: TRY400
            return Speech(text, degraded=f"{type(error).__name__}: {error}")

    def speak_in_pieces(self, text: str, audio_prompt: str | None = None) -> Iterator[Speech]:
        """Sentence by sentence, so that the first is heard while the next is made; ends at one that nobody spoke."""
        pieces = in_pieces(text)
        for number, piece in enumerate(pieces):
            speech = self.safe_generate_speech_optimized(piece, audio_prompt)
            if speech.audio is None:
                speech = Speech(" ".join(pieces[number:]), degraded=speech.degraded)
            yield speech
            if speech.audio is None:
                return

    def _why_not(self, engine: SpeechEngine) -> str | None:
        cause = engine.why_not()
        if cause is None and engine.vram and not engine.loaded and self._vram is not None:
            return self._vram.why_no_room(engine.vram)
        return cause

    def give_back(self) -> bool:
        """Frees the card's memory where an engine holds some and does not speak; says whether there was any."""
        given = [engine.give_back() for engine in self._engines if engine.vram]
        return any(given)

    def cuda(self) -> CudaDiagnostics:
        return self._diagnose()

    def onnx(self) -> OnnxDiagnostics:
        return self._onnx()

    def card_memory(self) -> CardMemory | None:
        return self._vram.memory() if self._vram is not None else None

    def engines(self) -> list[dict[str, Any]]:
        """Each engine of the chain in its order: whether it can be tried, and why not."""
        listed = []
        for engine in self._engines:
            cause = engine.why_not()
            about = {"name": engine.name, "device": engine.device, "available": cause is None}
            more = {"clones_voices": engine.clones, "vram_needed": engine.vram}
            listed.append({**about, "loaded": engine.loaded, "cause": cause, **more})
        return listed

    def close(self) -> None:
        for engine in self._engines:
            engine.close()


def _spoken(engine: SpeechEngine, order: SpeechOrder, stop: threading.Event) -> bytes:
    """Piece by piece: the time limit is a piece's, and who stops listening need not wait for the whole."""
    parts, nothing = [], None
    for piece in in_pieces(order.text):
        if stop.is_set():
            raise SpeechStopped
        try:
            parts.append(engine.speak(order.with_text(piece)))
        except NothingSpoken as error:
            nothing = error
    if not parts:
        raise nothing or NothingSpoken(f"{engine.name} was given nothing to speak")
    return joined(parts)


def _other_voice(engine: SpeechEngine, order: SpeechOrder) -> str | None:
    if order.audio_prompt is None or engine.clones:
        return None
    return f"{engine.name} speaks with its own voice: it cannot take on another"


def make_model_manager(settings: Settings, is_idle: Callable[[], bool] = lambda: False) -> ModelManager:
    """`is_idle` tells when Ollama's models may be unloaded to make room for speech."""
    limit = settings.cuda_diagnostics_timeout
    diagnose = KeptDiagnosis(lambda: comprehensive_cuda_diagnostics(limit), retry=settings.speech_retry)
    chain = [chatterbox(diagnose), piper(settings.piper_voice), *plugin_engines()]
    chosen = [engine for engine in chain if settings.speech_engine in ("auto", engine.name)]
    limits = SpeechLimits(
        load=settings.speech_load_timeout,
        speak=settings.speech_timeout,
        retry=settings.speech_retry,
        idle=settings.speech_idle,
    )
    onnx = functools.cache(lambda: diagnose_onnx(limit))
    vram = VramBudget(diagnose.anew, OllamaOverHttp(settings.ollama_url), is_idle)
    engines = [SpeechEngine(engine, limits) for engine in chosen]
    return ModelManager(engines, diagnose, choice=settings.speech_engine, onnx=onnx, vram=vram)


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
