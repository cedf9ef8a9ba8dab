"""One speech engine in a process of its own: loaded when first asked, let go when idle, left aside after a crash."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from python_back_end.isolated_process import ChildFailed, IsolatedProcess, IsolationError
from python_back_end.speech_engines import Engine, SpeechOrder
from python_back_end.wav_files import NotAWav, sound_of

_log = structlog.stdlib.get_logger("model_manager")


@dataclass(frozen=True)
class SpeechLimits:
    load: float
    speak: float
    retry: float
    idle: float


class NothingSpoken(ChildFailed):
    """The engine is well, and found no word in the text."""


class SpeechEngine:
    def __init__(self, engine: Engine, limits: SpeechLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = engine.name
        self.device = engine.device
        self.vram = engine.vram
        self.clones = engine.clones
        self._engine = engine
        self._limits = limits
        self._clock = clock
        self._process = IsolatedProcess(engine.name, engine.load, engine.arguments)
        self._turn = threading.Lock()
        self._idle: threading.Timer | None = None
        self._aside_until = 0.0
        self._aside_cause = ""

    @property
    def loaded(self) -> bool:
        return self._process.running

    def why_not(self) -> str | None:
        if self._clock() < self._aside_until:
            return f"left aside for a while: {self._aside_cause}"
        return self._engine.why_not()

    def speak(self, order: SpeechOrder) -> bytes:
        """A WAV; raises IsolationError."""
        if not self._turn.acquire(timeout=self._limits.speak):
            raise ChildFailed(f"{self.name} is busy with other texts")
        try:
            self._stop_idle_timer()
            self._process.start(self._limits.load)
            audio = self._process.call(order, self._limits.speak)
        except IsolationError as error:
            self._put_aside(error)
            raise
        finally:
            self._start_idle_timer()
            self._turn.release()
        _refuse_silence(audio, self.name)
        return bytes(audio)

    def give_back(self) -> bool:
        """Lets go of its memory unless it speaks just now; says whether there was any to let go."""
        if not self.loaded:
            return False
        self._let_go()
        return not self.loaded

    def close(self) -> None:
        self._stop_idle_timer()
        self._process.stop()

    def _put_aside(self, error: IsolationError) -> None:
        # An engine that still runs failed at this one text; the next text may do.
        if not self._process.running:
            self._aside_until = self._clock() + self._limits.retry
            self._aside_cause = str(error)

    def _start_idle_timer(self) -> None:
        if not self._process.running:
            return
        self._idle = threading.Timer(self._limits.idle, self._let_go)
        self._idle.daemon = True
        self._idle.start()

    def _stop_idle_timer(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _let_go(self) -> None:
        # Not while it speaks: whoever has the turn sets a new timer afterwards.
        if self._turn.acquire(blocking=False):
            try:
                self._process.stop()
                _log.info("speech engine let go", engine=self.name)
            finally:
                self._turn.release()


def _refuse_silence(audio: Any, name: str) -> None:
    """An engine that answers without a sample did not speak."""
    try:
        frames = sound_of(audio).frames
    except (NotAWav, TypeError) as error:
        raise ChildFailed(f"{name} gave no WAV: {error}") from error
    if frames == 0:
        raise NothingSpoken(f"{name} found nothing to speak in the text")
