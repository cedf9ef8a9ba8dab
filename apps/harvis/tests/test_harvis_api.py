"""The HTTP API as its contract has it, through uvicorn, over loopback."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from harvis_fake_broker import FakeBroker
from harvis_fake_http import Answer, FakeHttp
from harvis_running_app import Backend, running_backend
from harvis_speech_doubles import engine, load_crasher, wav
from python_back_end.broker import BrokerState
from python_back_end.memory_gateway import TimeLimits

ID = "3f2b1c9e-0f6a-4d57-9f0e-6f3f0c1d2e3a"
BEAT = {"anchor_id": ID, "text": "the sea", "perceived_age": "yesterday", "activation": 0.9}
FINE = {"ok": True}
ALL_FINE = dict.fromkeys(("ollama", "model", "broker", "topics", "assignment", "store"), FINE)
DELETE_PATH = "/collections/anchors/points/delete"

INVALID: list[tuple[str, str, dict[str, Any]]] = [
    ("no message", "/api/chat", {}),
    ("blank message", "/api/chat", {"message": "  "}),
    ("unknown field", "/api/chat", {"message": "hi", "max_tokens": 3}),
    ("nothing to speak", "/api/speak", {"text": "\n"}),
    ("blank memory", "/api/memories", {"text": "  "}),
    ("memory too long", "/api/memories", {"text": "x" * 10_001}),
    ("too salient", "/api/memories", {"text": "x", "salience": 2.6}),
    ("no date", "/api/memories", {"text": "x", "stored_at": "yesterday"}),
    ("too many beats", "/api/recall", {"query": "x", "top_k": 51}),
]


def speak_json(backend: Backend, text: str = "hello") -> Any:
    return backend.http.post("/api/speak", json={"text": text})


def events(response: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for block in response.text.replace("\r\n", "\n").strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def say(ollama: FakeHttp, *words: str, tokens: int = 3) -> None:
    parts = [{"model": "llama3", "message": {"content": word}, "done": False} for word in words]
    ollama.stream("POST", "/api/chat", *parts, {"model": "llama3", "done": True, "eval_count": tokens})


def index_everything(broker: FakeBroker) -> None:
    broker.work("anchors-write", lambda sent: [("anchors-indexed", {"anchor_id": sent["anchor_id"], "ok": True})])


def test_health_is_static(backend: Backend, ollama: FakeHttp) -> None:
    assert backend.http.get("/health").json() == {"status": "ok"}
    assert ollama.asked == []


def test_ready_when_all_is_there(backend: Backend) -> None:
    response = backend.http.get("/ready")
    assert (response.status_code, response.json()) == (200, {"ready": True, "checks": ALL_FINE})


def test_a_missing_model_is_named_with_those_that_are_there(backend: Backend, ollama: FakeHttp) -> None:
    ollama.answer("GET", "/api/tags", {"models": [{"name": "phi3:mini"}]})
    response = backend.http.get("/ready")
    missing = {"ok": False, "cause": "Ollama has no model llama3; it has: phi3:mini"}
    assert (response.status_code, response.json()) == (503, {"ready": False, "checks": {**ALL_FINE, "model": missing}})


def test_a_web_page_in_ollamas_place_is_not_ready(backend: Backend, ollama: FakeHttp) -> None:
    ollama.answer_raw("GET", "/api/tags", Answer(b"<html></html>", content_type="text/html"))
    check = backend.http.get("/ready").json()["checks"]["ollama"]
    assert check["ok"] is False
    assert "text/html with status 200" in check["cause"]


def test_a_store_that_fails_is_not_ready(backend: Backend, store: FakeHttp) -> None:
    store.answer("GET", "/collections", {"status": {"error": "disk is full"}}, status=500)
    cause = f"the vector store at {store.url} answered 500: disk is full"
    assert backend.http.get("/ready").json()["checks"]["store"] == {"ok": False, "cause": cause}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (
            BrokerState(unreachable="kafka:9092: no route"),
            {
                "broker": {"ok": False, "cause": "kafka:9092: no route"},
                "topics": {"ok": False, "cause": "not known while the broker is unreachable"},
                "assignment": {"ok": False, "cause": "not known while the broker is unreachable"},
            },
        ),
        (
            BrokerState(missing_topics=("recall-request", "recall-response")),
            {"topics": {"ok": False, "cause": "missing: recall-request, recall-response"}},
        ),
        (BrokerState(unassigned="no offsets"), {"assignment": {"ok": False, "cause": "no offsets"}}),
    ],
    ids=["unreachable", "topics", "assignment"],
)
def test_a_broker_that_cannot_serve_is_not_ready(
    ollama: FakeHttp, store: FakeHttp, broker: FakeBroker, state: BrokerState, expected: dict[str, Any]
) -> None:
    broker.state = state
    with running_backend(ollama_url=ollama.url, qdrant_url=store.url, broker=broker) as backend:
        response = backend.http.get("/ready")
        assert (response.status_code, response.json()["checks"]) == (503, {**ALL_FINE, **expected})
        assert backend.http.get("/health").status_code == 200


def test_chat_as_a_whole(backend: Backend, ollama: FakeHttp) -> None:
    say(ollama, "Good", " day", tokens=5)
    response = backend.http.post("/api/chat", json={"message": "Hi", "stream": False})
    assert response.json() == {"reply": "Good day", "model": "llama3", "tokens": 5}


def test_chat_streams_tokens_and_then_done(backend: Backend, ollama: FakeHttp) -> None:
    say(ollama, "Good", " day\n\n", tokens=5)
    response = backend.http.post("/api/chat", json={"message": "Hi"})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert events(response) == [
        ("token", {"text": "Good"}),
        ("token", {"text": " day\n\n"}),
        ("done", {"model": "llama3", "tokens": 5}),
    ]


def test_a_stream_ends_with_the_error(backend: Backend, ollama: FakeHttp) -> None:
    ollama.stream("POST", "/api/chat", {"message": {"content": "Go"}}, {"error": "out of memory"})
    [token, error] = events(backend.http.post("/api/chat", json={"message": "Hi"}))
    assert token == ("token", {"text": "Go"})
    assert error == ("error", {"code": "out_of_memory", "cause": f"Ollama at {ollama.url}: out of memory"})


def test_no_tokens_is_an_error(backend: Backend, ollama: FakeHttp) -> None:
    say(ollama, tokens=0)
    response = backend.http.post("/api/chat", json={"message": "Hi", "stream": False})
    assert response.status_code == 502
    assert response.json() == {"code": "no_tokens", "cause": "model llama3 ended its answer without saying anything"}


def test_a_model_that_was_asked_for_and_is_missing(backend: Backend, ollama: FakeHttp) -> None:
    ollama.answer("POST", "/api/chat", {"error": "model 'x' not found"}, status=404)
    response = backend.http.post("/api/chat", json={"message": "Hi", "model": "x", "stream": False})
    assert (response.status_code, response.json()["code"]) == (404, "model_missing")


def test_a_session_goes_on_where_it_was_and_others_know_nothing(backend: Backend, ollama: FakeHttp) -> None:
    say(ollama, "Hello", " Ann")
    for message, session in (("I am Ann", "a"), ("Who am I?", "a"), ("Who am I?", "b"), ("Who am I?", None)):
        body = {"message": message, "stream": False, **({"session_id": session} if session else {})}
        assert backend.http.post("/api/chat", json=body).status_code == 200
    question = {"role": "user", "content": "Who am I?"}
    past = [{"role": "user", "content": "I am Ann"}, {"role": "assistant", "content": "Hello Ann"}]
    assert [asked.body["messages"] for asked in ollama.asked] == [[past[0]], [*past, question], [question], [question]]


def test_models_with_the_weights_they_name(backend: Backend, ollama: FakeHttp) -> None:
    ollama.answer("POST", "/api/show", {"model_info": {"general.name": "Harvis random test weights"}})
    listed = {"name": "llama3:latest", "size": 4_661_224_676, "weights": "Harvis random test weights"}
    assert backend.http.get("/api/models").json() == {"models": [listed], "default": "llama3"}


def test_speech_is_a_wav_that_names_its_engine(backend: Backend) -> None:
    response = speak_json(backend)
    assert (response.headers["content-type"], response.headers["x-speech-engine"]) == ("audio/wav", "piper")
    assert response.headers["x-speech-device"] == "cpu"
    assert response.content == wav(500)


def test_a_crashing_engine_leaves_the_server_answering(ollama: FakeHttp, store: FakeHttp, broker: FakeBroker) -> None:
    engines = [engine("chatterbox", load_crasher)]
    with running_backend(ollama_url=ollama.url, qdrant_url=store.url, broker=broker, engines=engines) as backend:
        response = speak_json(backend)
        degraded = "chatterbox: chatterbox ended answering: SIGSEGV"
        assert response.status_code == 200
        assert response.json() == {"text": "hello", "audio": None, "degraded": degraded}
        assert backend.http.get("/ready").status_code == 200


def test_diagnostics_state_why_there_is_no_card(backend: Backend) -> None:
    found = backend.http.get("/api/diagnostics").json()
    assert (found["cuda"]["available"], found["cuda"]["cause"]) == (False, "torch not installed")
    piper = {"name": "piper", "device": "cpu", "available": True, "loaded": False, "cause": None}
    assert found["speech"]["engines"] == [{**piper, "clones_voices": False, "vram_needed": 0}]
    assert found["vram"] is None
    assert found["checks"] == ALL_FINE


def test_diagnostics_tell_what_of_a_model_lies_in_gpu_memory(backend: Backend, ollama: FakeHttp) -> None:
    """As Ollama 0.17 answers where a model's layers are split."""
    entry = {"name": "llama3:latest", "size": 6_654_289_920, "size_vram": 5_137_025_024, "expires_at": "2026-01-02T03"}
    ollama.answer("GET", "/api/ps", {"models": [entry]})
    loaded = [{"name": "llama3:latest", "size": 6_654_289_920, "size_vram": 5_137_025_024}]
    assert backend.http.get("/api/diagnostics").json()["ollama"] == {"loaded": loaded, "cause": None}


def test_diagnostics_say_when_ollama_does_not_tell(backend: Backend, ollama: FakeHttp) -> None:
    ollama.answer("GET", "/api/ps", {"error": "starting"}, status=500)
    found = backend.http.get("/api/diagnostics").json()["ollama"]
    assert (found["loaded"], "answered 500: starting" in found["cause"]) == ([], True)


def test_a_memory_is_created_once_it_is_indexed(backend: Backend) -> None:
    index_everything(backend.broker)
    body = {"text": " the sea ", "stored_at": "2026-01-02T03:04:05", "session_id": "s", "meta": {"mood": "calm"}}
    response = backend.http.post("/api/memories", json=body)
    [(topic, key, sent)] = backend.broker.published
    assert (response.status_code, response.json()) == (201, {"anchor_id": key})
    assert (topic, sent) == (
        "anchors-write",
        {
            "anchor_id": str(UUID(key)),
            "text": " the sea ",
            "stored_at": "2026-01-02T03:04:05Z",
            "salience": 1.0,
            "meta": {"mood": "calm", "session": "s"},
        },
    )


def test_a_memory_that_is_there_already_is_a_conflict(backend: Backend) -> None:
    refusal = {"anchor_id": ID, "ok": False, "reason": "anchor_immutable_violation", "detail": "it exists"}
    backend.broker.work("anchors-write", lambda _sent: [("anchors-indexed", refusal)])
    response = backend.http.post("/api/memories", json={"text": "the sea", "anchor_id": ID})
    reason = "anchor_immutable_violation"
    assert (response.status_code, response.json()) == (409, {"code": reason, "cause": "it exists", "reason": reason})


def test_no_answer_in_time_is_a_504(ollama: FakeHttp, store: FakeHttp, broker: FakeBroker) -> None:
    limits = TimeLimits(index=0.05, recall=0.05, retell=0.05)
    with running_backend(ollama_url=ollama.url, qdrant_url=store.url, broker=broker, limits=limits) as backend:
        for path, body in (("/api/memories", {"text": "x"}), ("/api/recall", {"query": "x"})):
            response = backend.http.post(path, json=body)
            assert (response.status_code, response.json()["code"]) == (504, "timed_out")


def test_a_memory_is_deleted_in_the_store(backend: Backend, store: FakeHttp) -> None:
    store.answer("POST", DELETE_PATH, {"result": {"status": "completed"}, "status": "ok"})
    response = backend.http.delete(f"/api/memories/{ID}")
    assert (response.status_code, response.content) == (204, b"")
    [asked] = store.asked
    assert (asked.path, asked.body) == (f"{DELETE_PATH}?wait=true", {"points": [ID]})


def test_a_collection_that_is_not_there_is_no_deletion(backend: Backend, store: FakeHttp) -> None:
    store.answer("POST", DELETE_PATH, {"status": {"error": "Collection `anchors` doesn't exist!"}}, status=404)
    response = backend.http.delete(f"/api/memories/{ID}")
    assert (response.status_code, response.json()["code"]) == (502, "store_error")


def test_recall_with_a_retelling(backend: Backend) -> None:
    def resonance(sent: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        assert (sent["query"], sent["top_k"], sent["session_id"], sent["ignore_anchor_ids"]) == ("sea", 2, "s", [])
        told = {"request_id": sent["request_id"], "retelling": "Once, the sea.", "provider": "narrator"}
        beats = {"request_id": sent["request_id"], "beats": [BEAT]}
        return [("recall-response", beats), ("retell-response", told)]

    backend.broker.work("recall-request", resonance)
    body = {"query": "sea", "top_k": 2, "session_id": "s", "retell": True}
    answer = backend.http.post("/api/recall", json=body).json()
    assert UUID(answer.pop("request_id"))
    assert answer == {"beats": [BEAT], "retelling": "Once, the sea.", "provider": "narrator"}


def test_recall_without_a_retelling(backend: Backend) -> None:
    backend.broker.work(
        "recall-request", lambda sent: [("recall-response", {"request_id": sent["request_id"], "beats": []})]
    )
    answer = backend.http.post("/api/recall", json={"query": "sea"}).json()
    assert sorted(answer) == ["beats", "request_id"]


@pytest.mark.parametrize(("path", "body"), [row[1:] for row in INVALID], ids=[row[0] for row in INVALID])
def test_a_bad_request_is_refused_with_code_and_cause(backend: Backend, path: str, body: dict[str, Any]) -> None:
    response = backend.http.post(path, json=body)
    answer = response.json()
    assert (response.status_code, answer["code"], answer["reason"]) == (422, "validation_failed", "validation_failed")
    assert answer["cause"].startswith("body.")
    assert backend.broker.published == []


def test_an_answer_carries_the_id_of_its_request(backend: Backend) -> None:
    assert backend.http.get("/health", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    forged = backend.http.get("/health", headers={"X-Request-ID": 'a"} {"level":"fake'}).headers["x-request-id"]
    assert len(forged) == 32
