"""Sound in WAV files: what one holds, and several made one."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass


class NotAWav(ValueError):
    """The bytes are no WAV, or one of a kind that is not read here."""


@dataclass(frozen=True)
class Sound:
    channels: int
    sample_bytes: int
    rate: int
    frames: int

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


def sound_of(content: bytes) -> Sound:
    """By what is really there: a header may promise more samples than follow."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            about = Sound(file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes())
            there = len(file.readframes(about.frames)) // (about.channels * about.sample_bytes)
    except Exception as error:
        # The library says of a broken file that it is one in seven ways, RuntimeError and struct.error among them.
        raise NotAWav(str(error) or type(error).__name__) from error
    if about.rate < 1:
        raise NotAWav("a sample rate of 0")
    if there < about.frames:
        raise NotAWav(f"{about.frames} samples are promised, and {there} are there")
    return about


def joined(parts: Sequence[bytes]) -> bytes:
    """One after the other; they are of one kind, as one engine made them."""
    if len(parts) == 1:
        return parts[0]
    target = io.BytesIO()
    with wave.open(target, "wb") as whole:
        for number, part in enumerate(parts):
            with wave.open(io.BytesIO(part)) as file:
                if number == 0:
                    whole.setparams(file.getparams())
                elif file.getparams()[:3] != whole.getparams()[:3]:
                    raise NotAWav("parts of different kinds")
                whole.writeframes(file.readframes(file.getnframes()))
    return target.getvalue()
