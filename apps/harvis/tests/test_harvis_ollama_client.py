"""Ollama's answers and failures, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import re
import socket

import pytest
from harvis_fake_http import Answer, Asked, FakeHttp
from python_back_end.errors import ApiError
from python_back_end.ollama_client import Done, Model, OllamaClient, Token, has_model

HTML = Answer(b"<!doctype html><title>Sign in</title>", content_type="text/html; charset=utf-8")
QUESTION = [{"role": "user", "content": "Hi"}]


def chat(url: str, *, timeout: float = 10, max_tokens: int = 32) -> list[Token | Done]:
    async def ask() -> list[Token | Done]:
        client = OllamaClient(url, connect_timeout=2, timeout=timeout)
        try:
            return [part async for part in client.chat("llama3", QUESTION, max_tokens=max_tokens)]  # type: ignore[arg-type]
        finally:
            await client.close()

    return asyncio.run(ask())


def refused(url: str, *, timeout: float = 10) -> tuple[int, str]:
    with pytest.raises(ApiError) as caught:
        chat(url, timeout=timeout)
    assert url in caught.value.cause or "llama3" in caught.value.cause
    return caught.value.status, caught.value.code


def part(text: str) -> dict[str, object]:
    return {"model": "llama3", "message": {"role": "assistant", "content": text}, "done": False}


def test_tokens_come_as_they_are_said_and_are_counted_by_ollama(ollama: FakeHttp) -> None:
    end = {"model": "llama3", "message": {"content": ""}, "done": True, "eval_count": 7}
    ollama.stream("POST", "/api/chat", part("Hello"), part(" there"), end)
    assert chat(ollama.url) == [Token("Hello"), Token(" there"), Done("llama3", 7)]


def test_the_answer_is_bounded(ollama: FakeHttp) -> None:
    ollama.stream("POST", "/api/chat", part("Hi"), {"done": True, "eval_count": 1})
    chat(ollama.url, max_tokens=17)
    body = {"model": "llama3", "messages": QUESTION, "stream": True, "options": {"num_predict": 17}}
    assert ollama.asked == [Asked("POST", "/api/chat", body)]


def test_a_web_page_with_status_200_is_not_an_answer(ollama: FakeHttp) -> None:
    ollama.answer_raw("POST", "/api/chat", HTML)
    assert refused(ollama.url) == (502, "ollama_not_json")


def test_a_web_page_that_calls_itself_json_is_not_an_answer(ollama: FakeHttp) -> None:
    ollama.answer_raw("POST", "/api/chat", Answer(content_type="application/json", lines=(HTML.body,)))
    assert refused(ollama.url) == (502, "ollama_not_json")


def test_a_missing_model_is_told_from_a_missing_path(ollama: FakeHttp) -> None:
    ollama.answer("POST", "/api/chat", {"error": "model 'llama3' not found"}, status=404)
    assert refused(ollama.url) == (404, "model_missing")


# As Ollama 0.17 and the libraries below it word them.
FAILURES = [
    ("model requires more system memory (5.6 GiB) than is available (3.1 GiB)", 503, "out_of_memory"),
    ("llama runner process has terminated: cudaMalloc failed: out of memory", 503, "vram_short"),
    ("llama runner process has terminated: error loading model: unable to allocate CUDA0 buffer", 503, "vram_short"),
    ("CUDA error: out of memory", 503, "vram_short"),
    ("llama runner process has terminated: signal: killed", 503, "out_of_memory"),
    ("llama runner process has terminated: exit status 2", 502, "model_crashed"),
    ("model runner has unexpectedly stopped, this may be due to resource limitations", 502, "model_crashed"),
    ("server busy, please try again.  maximum pending requests exceeded", 503, "ollama_busy"),
    ("timed out waiting for llama runner to start", 504, "ollama_timed_out"),
    ("invalid model name", 404, "model_missing"),
    ('"llama3" does not support chat', 502, "ollama_error"),
]


@pytest.mark.parametrize(("said", "status", "code"), FAILURES)
def test_failures_are_told_apart_by_ollamas_words(ollama: FakeHttp, said: str, status: int, code: str) -> None:
    ollama.answer("POST", "/api/chat", {"error": said}, status=500)
    with pytest.raises(ApiError, match=re.escape(said)) as caught:
        chat(ollama.url)
    assert (caught.value.status, caught.value.code) == (status, code)
    ollama.stream("POST", "/api/chat", part("Hel"), {"error": said})
    assert refused(ollama.url) == (status, code)


def test_a_busy_ollama_says_when_to_come_back(ollama: FakeHttp) -> None:
    ollama.answer("POST", "/api/chat", {"error": "server busy, please try again"}, status=503)
    with pytest.raises(ApiError) as caught:
        chat(ollama.url)
    assert caught.value.headers() == {"Retry-After": "5"}


def test_a_token_may_hold_what_other_readers_take_for_the_end_of_a_line(ollama: FakeHttp) -> None:
    said = "one\x85two\u2028three"
    token = json.dumps({"message": {"content": said}}, ensure_ascii=False).encode()
    end = b'{"done": true, "eval_count": 1}'
    ollama.answer_raw(
        "POST", "/api/chat", Answer(content_type="application/x-ndjson", lines=(token[:20], token[20:] + b"\n" + end))
    )
    assert chat(ollama.url) == [Token(said), Done("llama3", 1)]


@pytest.mark.parametrize("odd", [{"message": "text"}, {"message": {"content": 3}}, ["a list"], "a word"])
def test_a_part_that_is_none_of_ollamas_is_told_as_such(ollama: FakeHttp, odd: object) -> None:
    ollama.stream("POST", "/api/chat", odd)
    assert refused(ollama.url) == (502, "ollama_not_json")


def test_a_stream_without_lines_does_not_fill_the_memory(ollama: FakeHttp) -> None:
    endless = tuple(b"x" * 1_000_000 for _ in range(40))
    ollama.answer_raw("POST", "/api/chat", Answer(content_type="application/json", lines=endless))
    assert refused(ollama.url) == (502, "ollama_not_json")


@pytest.mark.parametrize("listed", [{"models": [{"size": 1}]}, {"models": ["llama3"]}, {"models": None}, {}])
def test_a_list_without_names_is_not_ollamas(ollama: FakeHttp, listed: object) -> None:
    ollama.answer("GET", "/api/tags", listed)

    async def names() -> list[str]:
        client = OllamaClient(ollama.url, connect_timeout=2, timeout=10)
        try:
            return await client.model_names()
        finally:
            await client.close()

    with pytest.raises(ApiError, match="without a list of models"):
        asyncio.run(names())


def test_a_stream_that_breaks_off_is_an_error(ollama: FakeHttp) -> None:
    ollama.stream("POST", "/api/chat", part("Hel"), cut=True)
    assert refused(ollama.url) == (502, "ollama_cut_off")


def test_a_stream_that_ends_early_is_an_error(ollama: FakeHttp) -> None:
    ollama.stream("POST", "/api/chat", part("Hel"))
    assert refused(ollama.url) == (502, "ollama_cut_off")


@pytest.mark.parametrize("end", [{"done": True}, {"done": True, "eval_count": 3}], ids=["no count", "no text"])
def test_an_answer_without_tokens_is_an_error(ollama: FakeHttp, end: dict[str, object]) -> None:
    ollama.stream("POST", "/api/chat", end)
    assert refused(ollama.url) == (502, "no_tokens")


def test_silence_ends_at_the_time_limit(ollama: FakeHttp) -> None:
    ollama.answer_raw("POST", "/api/chat", Answer(stalls=True))
    assert refused(ollama.url, timeout=0.2) == (504, "ollama_timed_out")


def test_nobody_there_is_told_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert refused(f"http://127.0.0.1:{port}") == (503, "ollama_unreachable")


def test_a_password_in_the_address_is_not_shown(ollama: FakeHttp) -> None:
    ollama.answer_raw("POST", "/api/chat", HTML)
    with pytest.raises(ApiError) as caught:
        chat(ollama.url.replace("http://", "http://me:hunter2@"))
    assert "hunter2" not in caught.value.cause
    assert ollama.url in caught.value.cause


@pytest.mark.parametrize(
    ("about", "weights"),
    [
        ({"general.name": "Llama 3", "general.basename": "Llama"}, "Llama 3"),
        ({"general.basename": "Llama", "general.description": "A model."}, "Llama"),
        ({"general.architecture": "llama", "general.description": "A model."}, "A model."),
        ({"general.architecture": "llama"}, None),
    ],
)
def test_models_say_what_their_weights_are(ollama: FakeHttp, about: dict[str, str], weights: str | None) -> None:
    ollama.answer("POST", "/api/show", {"model_info": about})

    async def models() -> list[Model]:
        client = OllamaClient(ollama.url, connect_timeout=2, timeout=10)
        try:
            return await client.models()
        finally:
            await client.close()

    assert asyncio.run(models()) == [Model("llama3:latest", 4_661_224_676, weights)]


@pytest.mark.parametrize(
    ("wanted", "there"),
    [("llama3", True), ("llama3:latest", True), ("llama3:8b", False), ("llama", False)],
)
def test_a_model_is_known_with_and_without_its_tag(wanted: str, there: bool) -> None:
    assert has_model(["llama3:latest"], wanted) is there
