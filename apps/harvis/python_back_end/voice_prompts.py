"""Recordings of voices that an engine is to take on: checked, kept for as long as the process lives, and bounded."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from python_back_end.errors import ApiError
from python_back_end.wav_files import NotAWav, Sound, sound_of

MOST_BYTES = 8 * 1024 * 1024
TYPES = frozenset({"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"})
_SECONDS = (1.0, 30.0)
_RATES = (8_000, 96_000)
_SAMPLE_BYTES = 2
_MOST_CHANNELS = 2
_KEPT = 16


@dataclass(frozen=True)
class VoicePrompt:
    voice: str
    seconds: float
    rate: int
    channels: int


class VoicePrompts:
    def __init__(self) -> None:
        self._folder: Path | None = None
        self._kept: OrderedDict[str, Path] = OrderedDict()

    def add(self, content: bytes) -> VoicePrompt:
        """Raises ApiError with what is wrong; the recording that was added first goes when there are too many."""
        sound = _checked(content)
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="voices-"))
        voice = uuid.uuid4().hex
        path = self._folder / f"{voice}.wav"
        path.write_bytes(content)
        self._kept[voice] = path
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)[1].unlink(missing_ok=True)
        return VoicePrompt(voice, round(sound.seconds, 3), sound.rate, sound.channels)

    def path(self, voice: str) -> str:
        if voice not in self._kept:
            raise ApiError(404, "voice_missing", "no such voice: recordings are gone after a restart; send it again")
        return str(self._kept[voice])

    def remove(self, voice: str) -> None:
        """One that is not there is as good as removed."""
        path = self._kept.pop(voice, None)
        if path is not None:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        self._kept.clear()


def _checked(content: bytes) -> Sound:
    try:
        sound = sound_of(content)
    except NotAWav as error:
        raise _refused(f"no WAV that can be read: {error}") from error
    if sound.sample_bytes != _SAMPLE_BYTES:
        raise _refused(f"samples of {8 * sound.sample_bytes} bits instead of 16")
    if sound.channels > _MOST_CHANNELS:
        raise _refused(f"{sound.channels} channels instead of 1 or 2")
    if not _RATES[0] <= sound.rate <= _RATES[1]:
        raise _refused(f"{sound.rate} samples a second instead of {_RATES[0]} to {_RATES[1]}")
    if not _SECONDS[0] <= sound.seconds <= _SECONDS[1]:
        raise _refused(f"{sound.seconds:.1f} s instead of {_SECONDS[0]:g} to {_SECONDS[1]:g} s")
    return sound


def _refused(cause: str) -> ApiError:
    return ApiError(422, "voice_refused", cause)
