"""Engines that misbehave for real: each runs in a child process and does there what its name says."""

from __future__ import annotations

import ctypes
import io
import os
import resource
import signal
import threading
import time
import wave
from collections.abc import Callable

from python_back_end.isolated_process import Handler
from python_back_end.speech_engine_process import SpeechEngine, SpeechLimits
from python_back_end.speech_engines import Engine, SpeechOrder

LIMITS = SpeechLimits(load=30, speak=30, retry=300, idle=300)


def usable() -> str | None:
    return None


def engine(
    name: str,
    load: Callable[..., Handler],
    *,
    why_not: Callable[[], str | None] = usable,
    limits: SpeechLimits = LIMITS,
    clock: Callable[[], float] = time.monotonic,
    vram: int = 0,
    clones: bool = False,
) -> SpeechEngine:
    return SpeechEngine(Engine(name, why_not, load, vram=vram, clones=clones), limits, clock)


def wav(frames: int) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x01" * frames)
    return target.getvalue()


def load_speaker() -> Handler:
    def speak(order: SpeechOrder) -> bytes:
        return wav(100 * len(order.text))

    return speak


def load_crasher() -> Handler:
    def crash(_order: SpeechOrder) -> bytes:
        ctypes.string_at(0)
        return b""

    return crash


def load_victim() -> Handler:
    def vanish(_order: SpeechOrder) -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b""

    return vanish


def load_hanger() -> Handler:
    def hang(_order: SpeechOrder) -> bytes:
        threading.Event().wait()
        return b""

    return hang


def load_broken() -> Handler:
    raise OSError("weights are corrupt")


def load_crashing() -> Handler:
    os.abort()


def load_hanging() -> Handler:
    threading.Event().wait()
    return load_speaker()


def load_picky() -> Handler:
    def speak(order: SpeechOrder) -> bytes:
        if order.text == "no":
            raise ValueError("I don't say no")
        return wav(10)

    return speak


def load_mute() -> Handler:
    def speak(_order: SpeechOrder) -> bytes:
        return wav(0)

    return speak


def load_babbler() -> Handler:
    def speak(_order: SpeechOrder) -> bytes:
        return b"<html>not a WAV</html>"

    return speak


def load_glutton() -> Handler:
    def eat(_order: SpeechOrder) -> bytes:
        """Memory runs out for this process alone, as it does in a container of that size."""
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        return bytes(1 << 31)

    return eat


def load_echo() -> Handler:
    """Says how it was asked, in the only thing it may answer with: a sample for each character of the path."""

    def speak(order: SpeechOrder) -> bytes:
        return wav(len(order.audio_prompt or ""))

    return speak


def load_pid() -> Handler:
    def tell(_order: object) -> int:
        return os.getpid()

    return tell


def load_oom_score() -> Handler:
    def tell(_order: object) -> str:
        with open("/proc/self/oom_score_adj") as file:  # noqa: PTH123
            return file.read().strip()

    return tell
