"""Telling sound from silence, for every sample width a WAV can have."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.probe.sound import Sound, read_wav


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize(("amplitude", "heard"), [(0.5, (0.9, 1.0)), (0.005, (0.0, 0.0)), (0.0, (0.0, 0.0))])
def test_how_much_can_be_heard(backend: t.Any, width: int, amplitude: float, heard: tuple[float, float]) -> None:
    sound = read_wav(backend.wav(seconds=0.5, rate=8000, amplitude=amplitude, width=width))

    assert (sound.seconds, sound.rate) == (0.5, 8000)
    assert heard[0] <= sound.heard <= heard[1]


def test_no_samples_are_no_sound(backend: t.Any) -> None:
    assert read_wav(backend.wav(seconds=0)) == Sound(0.0, 22050, 0.0)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it ends within its header"),
        (b"RIFF\x00\x00\x00\x00WAVE", "not a WAV"),
        (b"<html>" + bytes(100), "not a WAV: file does not start with RIFF id"),
    ],
)
def test_what_is_no_wav_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_wav(data)
