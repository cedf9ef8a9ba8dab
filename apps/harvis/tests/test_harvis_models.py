"""Pulling a model: its progress, one at a time, and what becomes of it when the client goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from harvis_fake_broker import FakeBroker
from harvis_fake_http import FakeHttp
from harvis_fake_ollama import FakeOllama, Pace
from harvis_running_app import Backend, running_backend

LAYER = {"status": "pulling 6a0746a1ec1a", "digest": "sha256:6a07", "total": 1000}
SUCCESS = {"status": "success"}


@contextmanager
def running(store: FakeHttp, steps: list[dict[str, Any]], between: float = 0.0) -> Iterator[tuple[Backend, FakeOllama]]:
    with FakeOllama.serving(Pace(between=between)) as ollama:
        ollama.pull_steps = steps
        with running_backend(ollama_url=ollama.url, qdrant_url=store.url, broker=FakeBroker()) as backend:
            yield backend, ollama


def pull(backend: Backend, model: str = "llama3") -> Any:
    return backend.http.stream("POST", "/api/models/pull", json={"model": model})


def told(response: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    response.read()
    blocks = [block for block in response.text.replace("\r\n", "\n").split("\n\n") if block.startswith("event:")]
    parted = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
    return [(fields["event"], json.loads(fields["data"])) for fields in parted]


def test_a_pull_tells_its_progress(store: FakeHttp) -> None:
    steps = [{"status": "pulling manifest"}, {**LAYER, "completed": 250}, {**LAYER, "completed": 1000}, SUCCESS]
    with running(store, steps, between=0.25) as (backend, ollama), pull(backend, " llama3 ") as response:
        events = told(response)
    layer = {"status": LAYER["status"], "total": 1000}
    quarter = ("progress", {**layer, "completed": 250, "percent": 25.0})
    assert quarter in events
    assert ("progress", {**layer, "completed": 1000, "percent": 100.0}) in events
    assert events[-2:] == [
        ("progress", {"status": "success", "completed": None, "total": None, "percent": None}),
        ("done", {"model": "llama3"}),
    ]
    assert ollama.seen.asked == [("/api/pull", {"model": "llama3", "stream": True})]


def test_a_model_that_nobody_has_is_told_as_such(store: FakeHttp) -> None:
    said = "pull model manifest: file does not exist"
    with running(store, [{"status": "pulling manifest"}, {"error": said}]) as (backend, _), pull(backend) as response:
        kind, error = told(response)[-1]
    assert (kind, error["code"]) == ("error", "model_missing")
    assert said in error["cause"]


def test_a_pull_that_breaks_off_is_an_error(store: FakeHttp) -> None:
    with running(store, [{"status": "pulling manifest"}]) as (backend, _), pull(backend) as response:
        assert told(response)[-1][1]["code"] == "ollama_cut_off"


def test_a_pull_goes_on_without_its_client_and_can_be_followed_again(store: FakeHttp) -> None:
    steps = [*({**LAYER, "completed": number} for number in range(4)), SUCCESS]
    with running(store, steps, between=0.3) as (backend, ollama):
        with pull(backend) as response:
            lines = response.iter_lines()
            next(lines)
        assert backend.services.pulls.pulling == "llama3"
        with pull(backend) as again:
            assert told(again)[-1] == ("done", {"model": "llama3"})
        assert (len(ollama.seen.asked), ollama.seen.hung_up) == (1, 0)
        with pull(backend) as afterwards:
            told(afterwards)
        assert len(ollama.seen.asked) == 2


def test_another_model_has_to_wait(store: FakeHttp) -> None:
    with running(store, [LAYER] * 100, between=0.2) as (backend, ollama):
        with pull(backend) as first:
            lines = first.iter_lines()
            next(lines)
            refused = backend.http.post("/api/models/pull", json={"model": "phi3"})
        assert (refused.status_code, refused.json()["code"]) == (409, "pull_running")
        assert "llama3" in refused.json()["cause"]
        assert "retry-after" in refused.headers
        ollama.until("open", 1)
    # The application has ended with the download half-way, and let go of it.


@pytest.mark.parametrize("model", ["", " ", "x" * 301, None])
def test_a_model_needs_a_name(backend: Backend, model: object) -> None:
    assert backend.http.post("/api/models/pull", json={"model": model}).status_code == 422
