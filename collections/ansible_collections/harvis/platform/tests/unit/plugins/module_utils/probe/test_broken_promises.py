"""One broken promise at a time: its checks fail with the cause, the others pass, and no memory is left behind."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.probe.client import Client
from ansible_collections.harvis.platform.plugins.module_utils.probe.suite import CHECKS, run_checks
from ansible_collections.harvis.platform.plugins.module_utils.probe.visit import Settings, Visit

READY, MODELS = ("GET", "/ready"), ("GET", "/api/models")
CHAT, SPEAK = ("POST", "/api/chat"), ("POST", "/api/speak")
REMEMBER, RECALL = ("POST", "/api/memories"), ("POST", "/api/recall")
DELETE = ("DELETE", "/api/memories/{id}")
NOT_READY = {"ready": False, "checks": {"kafka": {"ok": False, "cause": "no broker"}, "ollama": {"ok": True}}}
PAGE = b"<!doctype html><html><body>It works!</body></html>"


@dataclass(frozen=True)
class Broken:
    """``answer`` takes the backend and the request's body; ``None`` leaves the promise kept."""

    name: str
    route: tuple[str, str]
    answer: t.Callable[[t.Any, t.Any], t.Any]
    fails: tuple[str, ...]
    code: str
    words: str


def html(b: t.Any, _: t.Any) -> t.Any:
    return b.raw(content_type="text/html; charset=utf-8", body=PAGE)


def chatted(**reply: t.Any) -> t.Callable[[t.Any, t.Any], t.Any]:
    return lambda b, body: None if body["stream"] else b.json(reply)


def streamed(*events: tuple[str, t.Any]) -> t.Callable[[t.Any, t.Any], t.Any]:
    return lambda b, body: b.events(*events) if body["stream"] else None


def spoken(change: t.Callable[[t.Any], bytes], engine: str = "piper") -> t.Callable[[t.Any, t.Any], t.Any]:
    headers = {"X-Speech-Engine": engine} if engine else {}
    return lambda b, _: b.raw(content_type="audio/wav", body=change(b), headers=headers)


def recalled(*, retell: bool, **changes: t.Any) -> t.Callable[[t.Any, t.Any], t.Any]:
    return lambda b, body: b.json(b.recalled(**changes)) if bool(body.get("retell")) is retell else None


def aged(age: str | None) -> t.Callable[[t.Any, t.Any], t.Any]:
    def answer(b: t.Any, body: t.Any) -> t.Any:
        found = b.recalled()
        beats = [{**beat, "perceived_age": age} for beat in found["beats"]]
        return None if body.get("retell") else b.json({**found, "beats": beats})

    return answer


def stored_but_late(b: t.Any, body: t.Any) -> t.Any:
    b.store(body)
    return b.json({"code": "timeout", "cause": "not indexed within 30 s"}, 504)


TOKEN, DONE = ("token", {"text": "a"}), ("done", {"model": "harvis-random-test", "tokens": 2})
NOT_JSON = b"event: token\ndata: hello\n\n"
CASES = [
    Broken(
        "not ready", READY, lambda b, _: b.json(NOT_READY, 503), ("ready",), "PRB-FAILED", "not ready: kafka: no broker"
    ),
    Broken(
        "only claims to be ready",
        READY,
        lambda b, _: b.json({**NOT_READY, "ready": True}),
        ("ready",),
        "PRB-FAILED",
        "kafka: no broker",
    ),
    Broken("ready page", READY, html, ("ready",), "PRB-CONTENT", "answers text/html instead of application/json"),
    Broken("no model", MODELS, lambda b, _: b.json({"models": []}), ("models",), "PRB-CONTENT", "no model is there"),
    Broken("chat page", CHAT, html, ("chat",), "PRB-CONTENT", "answers text/html instead of application/json"),
    Broken(
        "stream page",
        CHAT,
        lambda b, body: html(b, body) if body["stream"] else None,
        ("chat",),
        "PRB-CONTENT",
        "answers text/html instead of text/event-stream (<!doctype html>",
    ),
    Broken(
        "chat fails",
        CHAT,
        lambda b, _: b.json({"code": "ollama_unreachable", "cause": "nothing answers"}, 503),
        ("chat",),
        "PRB-CONTENT",
        "status 503 instead of 200: ollama_unreachable: nothing answers",
    ),
    Broken(
        "no tokens", CHAT, chatted(reply="a", model="m", tokens=0), ("chat",), "PRB-CONTENT", "answer holds 0 tokens"
    ),
    Broken(
        "empty reply",
        CHAT,
        chatted(reply="", model="m", tokens=3),
        ("chat",),
        "PRB-CONTENT",
        "3 tokens and 0 characters",
    ),
    Broken(
        "model unnamed", CHAT, chatted(reply="a", tokens=3), ("chat",), "PRB-CONTENT", "'model' is a required property"
    ),
    Broken(
        "not JSON",
        CHAT,
        lambda b, body: None if body["stream"] else b.raw(body=b"{"),
        ("chat",),
        "PRB-CONTENT",
        "the body is not JSON",
    ),
    Broken(
        "empty tokens",
        CHAT,
        streamed(("token", {"text": ""}), DONE),
        ("chat",),
        "PRB-CONTENT",
        "the stream holds 2 tokens and 0 characters",
    ),
    Broken("no done", CHAT, streamed(TOKEN), ("chat",), "PRB-CONTENT", "ends after 1 token events without `done`"),
    Broken(
        "no count",
        CHAT,
        streamed(TOKEN, ("done", {"model": "m"})),
        ("chat",),
        "PRB-CONTENT",
        "`done` names no model or no",
    ),
    Broken(
        "stream error",
        CHAT,
        streamed(TOKEN, ("error", {"code": "cut", "cause": "Ollama broke off"})),
        ("chat",),
        "PRB-FAILED",
        "cut: Ollama broke off",
    ),
    Broken(
        "event not JSON",
        CHAT,
        lambda b, body: b.raw(content_type="text/event-stream", body=NOT_JSON) if body["stream"] else None,
        ("chat",),
        "PRB-CONTENT",
        "not a JSON object (hello)",
    ),
    Broken("silence", SPEAK, spoken(lambda b: b.wav(amplitude=0)), ("speak",), "PRB-CONTENT", "the WAV is silence: 0%"),
    Broken(
        "truncated",
        SPEAK,
        spoken(lambda b: b.wav()[:-1000]),
        ("speak",),
        "PRB-CONTENT",
        "44100 frames, 43600 are there",
    ),
    Broken("header cut", SPEAK, spoken(lambda b: b.wav()[:20]), ("speak",), "PRB-CONTENT", "not a WAV"),
    Broken(
        "too short", SPEAK, spoken(lambda b: b.wav(seconds=0.2)), ("speak",), "PRB-CONTENT", "0.2 s is no plausible"
    ),
    Broken(
        "too long",
        SPEAK,
        spoken(lambda b: b.wav(seconds=16, rate=2000)),
        ("speak",),
        "PRB-CONTENT",
        "16.0 s is no plausible",
    ),
    Broken("MP3", SPEAK, spoken(lambda _: b"ID3\x03" + bytes(900)), ("speak",), "PRB-CONTENT", "not a WAV"),
    Broken(
        "engine unnamed",
        SPEAK,
        spoken(lambda b: b.wav(), engine=""),
        ("speak",),
        "PRB-CONTENT",
        "does not name its engine",
    ),
    Broken("speech page", SPEAK, html, ("speak",), "PRB-CONTENT", "answers text/html instead of audio/wav"),
    Broken(
        "no speech",
        SPEAK,
        lambda b, _: b.json({"text": "a", "audio": None, "degraded": "piper is not installed"}),
        ("speak",),
        "PRB-DEGRADED",
        "no speech: piper is not installed",
    ),
    Broken(
        "memory refused",
        REMEMBER,
        lambda b, _: b.json({"reason": "validation_failed", "detail": "text too long"}, 422),
        ("remember", "recall", "retell"),
        "PRB-CONTENT",
        "status 422 instead of 201: validation_failed: text too long",
    ),
    Broken("memory late", REMEMBER, stored_but_late, ("remember",), "PRB-CONTENT", "timeout: not indexed within 30 s"),
    Broken(
        "recall late",
        RECALL,
        lambda b, _: b.json({"code": "recall_timeout", "cause": "no answer in 20 s"}, 504),
        ("recall", "retell"),
        "PRB-CONTENT",
        "status 504 instead of 200: recall_timeout: no answer in 20 s",
    ),
    # What the vector store acknowledged and then threw away is stored for everybody but who looks for it.
    Broken(
        "recall empty",
        RECALL,
        recalled(retell=False, beats=[]),
        ("recall",),
        "PRB-FAILED",
        "0 beats, the memory is not among them",
    ),
    Broken("wrong age", RECALL, aged("3 weeks ago"), ("recall",), "PRB-CONTENT", "recalled with age '3 weeks ago'"),
    Broken("no age", RECALL, aged(None), ("recall",), "PRB-CONTENT", "$.beats[0].perceived_age: None is not of type"),
    Broken(
        "no retelling", RECALL, recalled(retell=True), ("retell",), "PRB-CONTENT", "has no retelling and no provider"
    ),
    Broken(
        "another one retold",
        RECALL,
        recalled(retell=True, beats=[], retelling="Once.", provider="narrator"),
        ("retell",),
        "PRB-FAILED",
        "not of the memory that was stored",
    ),
    Broken(
        "not deleted",
        DELETE,
        lambda b, _: b.json({"detail": "store down"}, 500),
        ("forget",),
        "PRB-LEFTOVER",
        "store down",
    ),
    Broken(
        "deletion unknown",
        DELETE,
        lambda b, _: b.json({"detail": "Not Found"}, 404),
        ("forget",),
        "PRB-LEFTOVER",
        "404",
    ),
]


@pytest.mark.fault("F72", "F90", code="PRB-CONTENT", when="after deploy")
@pytest.mark.fault("F85", code="PRB-FAILED", when="after deploy")
@pytest.mark.fault("F94", code="PRB-DEGRADED", when="after deploy")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_promise_fails_its_own_checks_and_leaves_no_memory(
    backend: t.Any, client: Client, case: Broken
) -> None:
    backend.broken[case.route] = lambda body: case.answer(backend, body)

    proofs = {p.row.check: p for p in run_checks(Visit(Settings(backend.url), client, token="t-1"), CHECKS)}

    assert tuple(name for name, proof in proofs.items() if not proof.row.passed) == case.fails
    assert list(proofs) == [*CHECKS, "forget"]
    first = proofs[case.fails[0]]
    assert [finding.code for finding in first.findings] == [case.code]
    assert case.words in first.row.evidence
    assert first.findings[0].fix
    if case.name != "memory refused":
        assert set(backend.deleted()) == {"/api/memories/anchor-1"}
    if case.route != DELETE:
        assert backend.memories == {}, "the memory was left behind"
