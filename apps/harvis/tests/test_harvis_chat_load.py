"""Chats that are given up, and more of them than there is room for: over real sockets, on a real server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from harvis_fake_broker import FakeBroker
from harvis_fake_http import FakeHttp
from harvis_fake_ollama import FakeOllama, Pace
from harvis_running_app import Backend, running_backend
from python_back_end.admission import Admission
from python_back_end.errors import ApiError

ENDLESS = Pace(tokens=1_000_000, between=0.02)
SILENT = Pace(first=3600)
HI = {"message": "Hi"}


@contextmanager
def running(pace: Pace, store: FakeHttp, **settings: Any) -> Iterator[tuple[Backend, FakeOllama]]:
    with (
        FakeOllama.serving(pace) as ollama,
        running_backend(ollama_url=ollama.url, qdrant_url=store.url, broker=FakeBroker(), **settings) as backend,
    ):
        yield backend, ollama


def until_idle(backend: Backend) -> None:
    ends = time.monotonic() + 10
    while backend.services.chats.answering or backend.services.chats.waiting:
        assert time.monotonic() < ends, "a place was never left"
        time.sleep(0.01)


def stream(backend: Backend) -> Any:
    """Keep what `iter_lines` gives: a response closes with the last who reads it."""
    return backend.http.stream("POST", "/api/chat", json=HI)


def test_a_stream_that_its_client_leaves_ends_ollamas_work(store: FakeHttp) -> None:
    with running(ENDLESS, store) as (backend, ollama):
        with stream(backend) as response:
            lines = response.iter_lines()
            next(lines)
            ollama.until("open", 1)
        ollama.until("hung_up", 1)
        ollama.until("open", 0)
        until_idle(backend)


def test_a_client_that_leaves_before_the_first_token_ends_it_too(store: FakeHttp) -> None:
    with running(SILENT, store) as (backend, ollama):
        with stream(backend) as response:
            assert response.status_code == 200
            ollama.until("open", 1)
        until_idle(backend)


def test_an_answer_as_a_whole_is_given_up_with_its_client(store: FakeHttp) -> None:
    with running(ENDLESS, store) as (backend, ollama):
        with pytest.raises(httpx.ReadTimeout):
            backend.http.post("/api/chat", json={**HI, "stream": False}, timeout=0.5)
        ollama.until("hung_up", 1)
        until_idle(backend)


def test_who_is_behind_the_queue_is_told_to_come_back(store: FakeHttp) -> None:
    with running(ENDLESS, store, chat_streams=1, chat_queue=1) as (backend, ollama):
        with stream(backend) as first, stream(backend) as second:
            assert (first.status_code, second.status_code) == (200, 200)
            ollama.until("open", 1)
            for whole in (False, True):
                refused = backend.http.post("/api/chat", json={**HI, "stream": not whole})
                assert (refused.status_code, refused.json()["code"]) == (503, "too_busy")
                assert int(refused.headers["retry-after"]) >= 1
            assert "1 answers are under way and 1 requests wait" in refused.json()["cause"]
            assert ollama.seen.most_open == 1
        until_idle(backend)


def test_who_waits_gets_the_answer_when_the_one_before_is_done(store: FakeHttp) -> None:
    with running(Pace(tokens=3, between=0.05), store, chat_streams=1, chat_queue=9) as (backend, ollama):
        with ThreadPoolExecutor(6) as pool:
            bodies = [{**HI, "stream": number % 2 == 0} for number in range(6)]
            answers = list(pool.map(lambda body: backend.http.post("/api/chat", json=body), bodies))
        assert [answer.status_code for answer in answers] == [200] * 6
        assert sum("event: done" in answer.text for answer in answers) == 3
        assert [answer.json()["reply"] for answer in answers[1::2]] == ["word word word "] * 3
        assert ollama.seen.most_open == 1


def test_who_waits_and_leaves_makes_room(store: FakeHttp) -> None:
    with running(ENDLESS, store, chat_streams=1, chat_queue=1) as (backend, ollama):
        with stream(backend) as first:
            lines = first.iter_lines()
            next(lines)
            for _ in range(3):
                with stream(backend) as second:
                    assert second.status_code == 200
                ends = time.monotonic() + 10
                while backend.services.chats.waiting and time.monotonic() < ends:
                    time.sleep(0.01)
                assert backend.services.chats.waiting == 0
        until_idle(backend)
        assert [path for path, _ in ollama.seen.asked] == ["/api/chat"]


def test_waiting_has_an_end(store: FakeHttp) -> None:
    with running(ENDLESS, store, chat_streams=1, ollama_timeout=0.3) as (backend, _), stream(backend) as first:
        lines = first.iter_lines()
        next(lines)
        late = backend.http.post("/api/chat", json={**HI, "stream": False})
        assert (late.status_code, late.json()["code"]) == (503, "too_busy")
        with stream(backend) as streamed:
            text = streamed.read().decode()
        assert "event: error" in text
        assert '"too_busy"' in text


def test_many_streams_at_once_all_come_to_their_end(store: FakeHttp) -> None:
    """More than the hundred connections that an HTTP client opens by itself."""

    async def say(client: httpx.AsyncClient) -> str:
        answer = await client.post("/api/chat", json=HI)
        return answer.text

    async def all_of_them(url: httpx.URL) -> list[str]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client:
            return list(await asyncio.gather(*(say(client) for _ in range(120))))

    with running(Pace(tokens=3), store) as (backend, ollama):
        ollama.hold_until = 120
        texts = asyncio.run(all_of_them(backend.http.base_url))
        assert {text.count("event: token") for text in texts} == {3}
        assert {text.count("event: done") for text in texts} == {1}


def test_a_pace_is_kept_and_tokens_are_not_held_back(store: FakeHttp) -> None:
    with running(Pace(tokens=3, between=0.3), store) as (backend, _), stream(backend) as response:
        times = [time.monotonic() for line in response.iter_lines() if line.startswith("event: token")]
    assert times[2] - times[0] > 0.5


def test_the_time_to_come_back_follows_what_answers_take() -> None:
    now = [0.0]

    async def refused_after(seconds: float) -> float:
        admission = Admission(at_once=1, waiting=1, clock=lambda: now[0])
        for _ in range(50):
            place = admission.enter()
            await place.turn(1)
            now[0] += seconds
            place.leave()
            place.leave()
        admission.enter()
        admission.enter()
        with pytest.raises(ApiError) as caught:
            admission.enter()
        assert caught.value.retry_after is not None
        return caught.value.retry_after

    assert asyncio.run(refused_after(30)) == pytest.approx(90, rel=0.01)
    assert asyncio.run(refused_after(0.1)) == pytest.approx(0.3, rel=0.01)


def test_the_server_ends_while_a_stream_is_open() -> None:
    """A pod is stopped in its grace period, whatever a client still listens to."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    argv = [sys.executable, "-m", "uvicorn", "python_back_end.main:app", "--port", str(port)]
    with FakeOllama.serving(ENDLESS) as ollama:
        nowhere = {"KAFKA_BOOTSTRAP": "127.0.0.1:1", "QDRANT_URL": "http://127.0.0.1:1", "OLLAMA_URL": ollama.url}
        environ = {**os.environ, **nowhere, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        server = subprocess.Popen(argv, env=environ)
        try:
            with (
                httpx.Client(
                    base_url=f"http://127.0.0.1:{port}", transport=httpx.HTTPTransport(retries=9), timeout=60
                ) as http,
                http.stream("POST", "/api/chat", json=HI) as response,
            ):
                lines = response.iter_lines()
                next(lines)
                server.send_signal(signal.SIGTERM)
                server.wait(30)
            ollama.until("hung_up", 1)
        finally:
            server.kill()
            server.wait()


def test_an_error_that_nobody_foresaw_is_told_by_its_type(store: FakeHttp, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(Pace(), store) as (backend, _):

        def fails(*_given: object) -> None:
            raise LookupError("a secret")

        monkeypatch.setattr(backend.services.conversations, "messages", fails)
        text = backend.http.post("/api/chat", json=HI).text
        [data] = [line for line in text.splitlines() if line.startswith("data:")]
        assert json.loads(data.removeprefix("data:")) == {"code": "internal_error", "cause": "LookupError"}
        until_idle(backend)
