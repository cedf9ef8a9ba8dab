"""All probes against a real server: a healthy one, and one broken promise at a time."""

from __future__ import annotations

import datetime as dt
import os
import signal
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Proof
from ansible_collections.harvis.platform.plugins.module_utils.probe.suite import CHECKS, run_checks
from ansible_collections.harvis.platform.plugins.module_utils.probe.visit import Settings, Visit

CHAT, SPEAK, REMEMBER, RECALL = (
    ("POST", "/api/chat"),
    ("POST", "/api/speak"),
    ("POST", "/api/memories"),
    ("POST", "/api/recall"),
)
DELETE = ("DELETE", "/api/memories/{id}")
NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)


def verify(backend: t.Any, names: t.Iterable[str] = tuple(CHECKS), **settings: t.Any) -> dict[str, Proof]:
    visit = Visit(Settings(backend.url, **settings), backend.client, now=NOW, token="t-1")
    return {proof.row.check: proof for proof in run_checks(visit, names)}


def failed(proofs: dict[str, Proof]) -> list[str]:
    return [name for name, proof in proofs.items() if not proof.row.passed]


def test_a_healthy_backend_passes_every_check(backend: t.Any) -> None:
    proofs = verify(backend)

    assert {name: proof.row.evidence for name, proof in proofs.items()} == {
        "ready": "ready: kafka, ollama",
        "models": "models: harvis-random-test (Harvis random test weights)",
        "chat": "harvis-random-test (Harvis random test weights) answered 2 tokens as JSON and 2 in 2 streamed events",
        "speak": "piper: 2.0 s at 22050 Hz, 98% of it audible",
        "remember": "stored and indexed as anchor-1, dated 2026-03-01T11:00:00Z",
        "recall": "recalled among 1: yesterday, activation 2.50",
        "retell": "ollama retold it in 27 characters",
        "forget": "deleted anchor-1",
    }
    assert failed(proofs) == []
    assert all(0 < proof.row.seconds < 30 for proof in proofs.values())
    assert backend.memories == {}


def test_the_memory_outweighs_every_other_and_is_dated_an_hour_back(backend: t.Any) -> None:
    verify(backend, ["remember"])

    assert [body for method, path, body in backend.asked if (method, path) == REMEMBER] == [
        {
            "text": "Harvis verification t-1: the ferry stayed ashore because the river was high.",
            "stored_at": "2026-03-01T11:00:00Z",
            "salience": 2.5,
            "meta": {"source": "harvis verification"},
        }
    ]


def test_a_memory_whose_id_was_never_told_is_found_by_its_text_and_deleted(backend: t.Any) -> None:
    backend.broken[REMEMBER] = lambda body: (backend.store(body), backend.json({"cause": "late"}, 504))[1]

    proofs = verify(backend, ["remember"])

    assert failed(proofs) == ["remember"]
    assert proofs["forget"].row.evidence == "deleted anchor-1"
    assert backend.memories == {}


def test_an_unknown_outcome_without_recall_is_a_leftover_that_names_the_text(backend: t.Any) -> None:
    late = backend.json({"cause": "late"}, 504)
    backend.broken = {REMEMBER: lambda _: late, RECALL: lambda _: late}

    proofs = verify(backend, ["remember"])

    assert failed(proofs) == ["remember", "forget"]
    assert proofs["forget"].findings[0].code == "PRB-LEFTOVER"
    assert "'Harvis verification t-1:" in proofs["forget"].findings[0].fix


def test_an_error_of_our_own_still_deletes_the_memory(backend: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(_: Visit) -> str:
        raise RuntimeError("a bug")

    monkeypatch.setitem(CHECKS, "recall", break_down)

    with pytest.raises(RuntimeError, match="a bug"):
        verify(backend)
    assert backend.deleted() == ["/api/memories/anchor-1"]
    assert backend.memories == {}


def test_being_asked_to_end_still_deletes_the_memory(backend: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(_: Visit) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return "never"

    monkeypatch.setitem(CHECKS, "recall", end)
    before = signal.getsignal(signal.SIGTERM)

    with pytest.raises(SystemExit):
        verify(backend)
    assert backend.memories == {}
    assert len(backend.deleted()) == 1
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_deletion_that_fails_once_is_tried_again(backend: t.Any) -> None:
    answers = iter([backend.json({}, 503)])
    backend.broken[DELETE] = lambda _: next(answers, None)

    assert failed(verify(backend, ["remember"])) == []
    assert len(backend.deleted()) == 2


def test_degraded_speech_passes_where_it_is_allowed(backend: t.Any) -> None:
    backend.broken[SPEAK] = lambda _: backend.json({"text": "a", "audio": None, "degraded": "no engine"})

    proof = verify(backend, ["speak"], allow_degraded=True)["speak"]

    assert (proof.row.passed, proof.row.evidence) == (True, "no speech, as allowed: no engine")


def test_a_degraded_retelling_quotes_the_reason(backend: t.Any) -> None:
    told = {"retelling": "Once.", "provider": "narrator", "degraded": "Ollama: connection refused"}
    backend.broken[RECALL] = lambda _: backend.json(backend.recalled(**told))

    proof = verify(backend, ["retell"])["retell"]

    assert proof.row.passed
    assert proof.row.evidence == "narrator retold it in 5 characters; degraded: Ollama: connection refused"


@pytest.mark.parametrize(
    ("model", "wrong"),
    [("harvis-random-test", []), ("harvis-random-test:latest", []), ("llama3", ["models", "chat"])],
)
def test_the_expected_model_must_answer(backend: t.Any, model: str, wrong: list[str]) -> None:
    proofs = verify(backend, ["models", "chat"], model=model)

    assert failed(proofs) == wrong
    assert next(body["model"] for _, path, body in backend.asked if path == "/api/chat") == model


def test_chat_says_when_the_weights_are_unknown(backend: t.Any) -> None:
    backend.broken[("GET", "/api/models")] = lambda _: backend.json({}, 500)

    proof = verify(backend, ["chat"])["chat"]

    assert proof.row.passed
    assert proof.row.evidence.startswith("harvis-random-test (weights unknown) answered")


def test_readiness_is_waited_for(backend: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.harvis.platform.plugins.module_utils.probe import ready

    slept: list[float] = []
    monkeypatch.setitem(CHECKS, "ready", lambda visit: ready.check(visit, sleep=slept.append))
    not_yet = backend.json({"ready": False, "checks": {"kafka": {"ok": False, "cause": "no broker"}}}, 503)
    answers = iter([not_yet, not_yet])
    backend.broken[("GET", "/ready")] = lambda _: next(answers, None)

    proofs = verify(backend, ["ready"], wait=60)

    assert (failed(proofs), slept) == ([], [2.0, 2.0])


def test_an_answer_that_trickles_ends_at_its_time_limit(backend: t.Any) -> None:
    backend.broken[SPEAK] = lambda _: backend.raw(content_type="audio/wav", body=[b"R"] * 50, pause=0.05)

    proof = verify(backend, ["speak"], time_limits={"speak": 0.3})["speak"]

    assert [finding.code for finding in proof.findings] == ["PRB-SLOW"]
    assert proof.row.evidence == "no complete answer within 0.3 s"
    assert proof.row.seconds < 2


def test_a_stream_that_trickles_ends_at_its_time_limit(backend: t.Any) -> None:
    events = [b'event: token\ndata: {"text": "a"}\n\n'] * 50
    reply = backend.raw(content_type="text/event-stream", body=events, pause=0.05)
    backend.broken[CHAT] = lambda body: reply if body["stream"] else None

    proof = verify(backend, ["chat"], time_limits={"chat": 0.3})["chat"]

    assert [finding.code for finding in proof.findings] == ["PRB-SLOW"]
    assert proof.row.seconds < 2


def test_nobody_at_the_address_is_one_finding_per_check(backend: t.Any) -> None:
    backend.url = "http://127.0.0.1:1"

    proofs = verify(backend)

    assert failed(proofs) == [*CHECKS, "forget"]
    assert {proofs[name].findings[0].code for name in CHECKS} == {"PRB-UNREACHABLE"}
