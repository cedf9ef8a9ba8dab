"""A WAV as a listener would judge it: how long it is, and how much of it can be heard."""

from __future__ import annotations

import array
import io
import wave
from dataclasses import dataclass


@dataclass(frozen=True)
class Sound:
    """Facts of a WAV: length, sample rate, and the share of samples louder than about 1 % of full scale."""

    seconds: float
    rate: int
    heard: float


def read_wav(data: bytes) -> Sound:
    """Raises ValueError with the reason when ``data`` is not a whole PCM WAV."""
    try:
        with wave.open(io.BytesIO(data)) as source:
            promised, rate = source.getnframes(), source.getframerate()
            width, frame = source.getsampwidth(), source.getsampwidth() * source.getnchannels()
            samples = source.readframes(promised)
    except (wave.Error, EOFError) as exc:
        raise ValueError(f"not a WAV: {str(exc) or 'it ends within its header'}") from exc
    frames = len(samples) // frame
    if frames != promised:
        raise ValueError(f"truncated: its header promises {promised} frames, {frames} are there")
    if not rate:
        raise ValueError("its sample rate is 0")
    return Sound(frames / rate, rate, _heard(samples, width))


def _heard(samples: bytes, width: int) -> float:
    """Looking at each sample's highest byte alone tells sound from silence for every sample width."""
    silence = 128 if width == 1 else 0  # only one-byte samples are unsigned in a WAV
    tops = array.array("B" if width == 1 else "b", samples[width - 1 :: width])
    loud = sum(abs(top - silence) > 1 for top in tops)
    return loud / len(tops) if tops else 0.0
