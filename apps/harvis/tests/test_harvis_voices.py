"""Speech over HTTP: by sentence, with the voice of a recording, and with engines that fail while chat goes on."""

from __future__ import annotations

import base64
import io
import json
import wave
from pathlib import Path
from typing import Any

import httpx
import pytest
from harvis_fake_broker import FakeBroker
from harvis_fake_http import FakeHttp
from harvis_fake_ollama import FakeOllama, Pace
from harvis_running_app import Backend, running_backend
from harvis_speech_doubles import (
    engine,
    load_broken,
    load_crasher,
    load_echo,
    load_glutton,
    load_hanger,
    load_mute,
    load_picky,
    load_speaker,
    wav,
)
from python_back_end.isolated_process import Handler
from python_back_end.speech_engine_process import SpeechLimits
from python_back_end.voice_prompts import MOST_BYTES

WAV = {"Content-Type": "audio/wav"}
SHORT = SpeechLimits(load=30, speak=0.5, retry=300, idle=300)


def recording(*, seconds: float = 2.0, rate: int = 16_000, width: int = 2, channels: int = 1) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(bytes(int(seconds * rate) * width * channels))
    return target.getvalue()


def send(backend: Backend, content: bytes, **headers: str) -> httpx.Response:
    return backend.http.post("/api/voices", content=content, headers={**WAV, **headers})


def told(response: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    blocks = [block for block in response.text.replace("\r\n", "\n").split("\n\n") if block.startswith("event:")]
    parted = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
    return [(fields["event"], json.loads(fields["data"])) for fields in parted]


REFUSED = [
    ("no WAV", b"RIFFnonsense", "no WAV that can be read"),
    ("empty", b"", "no WAV that can be read"),
    ("cut", recording()[:-2], "are promised"),
    ("too short", recording(seconds=0.5), "0.5 s instead of 1 to 30 s"),
    ("too long", recording(seconds=31, rate=8000), "31.0 s instead of 1 to 30 s"),
    ("8 bits", recording(width=1), "samples of 8 bits instead of 16"),
    ("slow", recording(rate=4000), "4000 samples a second"),
    ("surround", recording(channels=6, rate=8000), "6 channels"),
]


@pytest.mark.parametrize(("content", "cause"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_recording_that_is_of_no_use_is_refused(backend: Backend, content: bytes, cause: str) -> None:
    response = send(backend, content)
    assert (response.status_code, response.json()["code"]) == (422, "voice_refused")
    assert cause in response.json()["cause"]


def test_a_recording_of_another_type_or_too_large_is_refused(backend: Backend) -> None:
    assert send(backend, recording(), **{"Content-Type": "audio/mpeg"}).status_code == 415
    large = send(backend, bytes(MOST_BYTES + 1))
    assert (large.status_code, large.json()["code"]) == (413, "too_large")


def test_a_recording_is_told_of_and_can_be_removed(backend: Backend) -> None:
    response = send(backend, recording(seconds=2))
    about = response.json()
    assert (response.status_code, about["seconds"], about["rate"], about["channels"]) == (201, 2.0, 16_000, 1)
    path = Path(backend.services.voices.path(about["voice"]))
    assert path.read_bytes() == recording(seconds=2)
    assert backend.http.delete(f"/api/voices/{about['voice']}").status_code == 204
    assert not path.exists()
    gone = backend.http.post("/api/speak", json={"text": "hi", "voice": about["voice"]})
    assert (gone.status_code, gone.json()["code"]) == (404, "voice_missing")


def test_recordings_do_not_pile_up_and_are_gone_with_the_server(backend: Backend) -> None:
    voices = [send(backend, recording(seconds=1, rate=8000)).json()["voice"] for _ in range(17)]
    folder = Path(backend.services.voices.path(voices[-1])).parent
    assert len(list(folder.iterdir())) == 16
    assert backend.http.post("/api/speak", json={"text": "hi", "voice": voices[0]}).status_code == 404
    backend.services.voices.close()
    assert not folder.exists()


def test_an_engine_that_can_takes_on_the_voice(ollama: FakeHttp, store: FakeHttp, broker: FakeBroker) -> None:
    engines = [engine("cloner", load_echo, clones=True)]
    with running_backend(ollama_url=ollama.url, qdrant_url=store.url, broker=broker, engines=engines) as backend:
        voice = send(backend, recording()).json()["voice"]
        spoken = backend.http.post("/api/speak", json={"text": "hi", "voice": voice})
        assert spoken.content == wav(len(backend.services.voices.path(voice)))
        assert "x-speech-degraded" not in spoken.headers


def test_an_engine_that_cannot_says_so(backend: Backend) -> None:
    voice = send(backend, recording()).json()["voice"]
    spoken = backend.http.post("/api/speak", json={"text": "hi", "voice": voice})
    assert spoken.headers["x-speech-degraded"] == "piper speaks with its own voice: it cannot take on another"
    assert spoken.content == wav(200)


def test_a_text_is_spoken_sentence_by_sentence(backend: Backend) -> None:
    response = backend.http.post("/api/speak", json={"text": "One. Two. Three.", "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    [(kind, first), (_, second), done] = told(response)
    assert (kind, first["text"], first["engine"], first["device"]) == ("audio", "One.", "piper", "cpu")
    assert base64.b64decode(first["wav"]) == wav(400)
    assert second["text"] == "Two. Three."
    assert done == ("done", {"sentences": 2})
    whole = backend.http.post("/api/speak", json={"text": "One. Two. Three."})
    assert whole.content == wav(400 + 1100)


def test_a_sentence_that_nobody_can_speak_ends_the_speech_with_what_is_left(
    ollama: FakeHttp, store: FakeHttp, broker: FakeBroker
) -> None:
    engines = [engine("picky", load_picky)]
    with running_backend(ollama_url=ollama.url, qdrant_url=store.url, broker=broker, engines=engines) as backend:
        text = "Well.\n\nno\n\nAnd more."
        # The pieces are "Well." and the rest: make the second one that it does not say.
        [first, second] = told(backend.http.post("/api/speak", json={"text": "Well.\n\nno", "stream": True}))
        assert text.startswith(first[1]["text"])
        cause = "picky: picky failed answering: ValueError: I don't say no"
        assert second == ("degraded", {"text": "no", "degraded": cause})


FAILING = [
    ("raises", load_broken, "OSError: weights are corrupt"),
    ("hangs", load_hanger, "took more than 0.5 s answering and was ended"),
    ("crashes", load_crasher, "SIGSEGV"),
    ("is silent", load_mute, "found nothing to speak"),
    ("eats memory", load_glutton, "MemoryError"),
]


@pytest.mark.parametrize(("load", "cause"), [row[1:] for row in FAILING], ids=[row[0] for row in FAILING])
def test_chat_goes_on_whatever_becomes_of_speech(store: FakeHttp, load: Handler, cause: str) -> None:
    engines = [engine("first", load, limits=SHORT)]
    with (
        FakeOllama.serving(Pace(tokens=30, between=0.02)) as ollama,
        running_backend(ollama_url=ollama.url, qdrant_url=store.url, broker=FakeBroker(), engines=engines) as backend,
        backend.http.stream("POST", "/api/chat", json={"message": "Hi"}) as chat,
    ):
        lines = chat.iter_lines()
        next(lines)
        spoken = backend.http.post("/api/speak", json={"text": "hello"})
        assert (spoken.status_code, spoken.json()["audio"], spoken.json()["text"]) == (200, None, "hello")
        assert cause in spoken.json()["degraded"]
        assert "event: done" in list(lines)
        # And the next one is as if nothing had been.
        again = backend.http.post("/api/chat", json={"message": "Hi", "stream": False})
        assert again.status_code == 200


def test_a_text_that_nobody_waits_for_is_not_spoken_to_its_end(
    ollama: FakeHttp, store: FakeHttp, broker: FakeBroker
) -> None:
    limits = SpeechLimits(load=30, speak=1.0, retry=0.01, idle=300)
    engines = [engine("first", load_hanger, limits=limits), engine("second", load_speaker)]
    with running_backend(ollama_url=ollama.url, qdrant_url=store.url, broker=broker, engines=engines) as backend:
        with pytest.raises(httpx.ReadTimeout):
            backend.http.post("/api/speak", json={"text": "hello. you."}, timeout=0.3)
        while backend.services.speeches.answering:
            pass
        assert backend.http.get("/health").status_code == 200
