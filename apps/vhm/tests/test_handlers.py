"""The three handlers: every event gets exactly one outcome."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest
from vhm_common_utils.data_models import Anchor
from vhm_common_utils.deciding import side_by_side
from vhm_common_utils.errors import PermanentError, TransientError
from vhm_common_utils.messages import Answer, DeadLetter, Outcome
from vhm_common_utils.store import to_payload
from vhm_fakes import FakeStore, event
from workers.vhm_indexer import handler as indexer
from workers.vhm_resonance import handler as resonance
from workers.vhm_resonance.recall import RecallSettings
from workers.vhm_reteller import handler as reteller
from workers.vhm_reteller.tellers import TellerSettings, make_tellers, narrate

ID = "7b0d5c1e-3a52-4a4b-9a10-0c5d0e9f1a11"
ANCHOR = {"anchor_id": ID, "text": "tea", "stored_at": "2025-05-01T10:00:00+00:00", "salience": 1.5, "meta": {"a": 1}}
REQUEST = {"request_id": "r1", "query": "tea", "now": "2025-05-02T10:00:00Z"}
BEATS = [
    {"anchor_id": ID, "text": "green tea", "perceived_age": "3 days ago", "activation": 0.5},
    {"anchor_id": ID, "text": "a train", "perceived_age": "yesterday", "activation": 0.4},
]
UNREADABLE = [None, b"", b"{", b"\xff\xfe", b"[1]", b"null", b'"text"', b'{"a": NaN}', b"[" * 100_000]


def embed(texts: Sequence[str]) -> list[list[float]]:
    return [[1.0, float(len(text))] for text in texts]


def index(store: FakeStore, *values: Any, embed_many: indexer.EmbedMany = embed) -> list[Outcome]:
    return indexer.handle([event(value) for value in values], store, embed_many)


def refused(reason: str, detail: str) -> Answer:
    return Answer("anchors-indexed", ID, {"anchor_id": ID, "ok": False, "reason": reason, "detail": detail})


STORED = Answer("anchors-indexed", ID, {"anchor_id": ID, "ok": True})


def test_new_anchor_is_stored_with_its_vector() -> None:
    store = FakeStore()
    assert index(store, ANCHOR) == [STORED]
    stored = {"text": "tea", "stored_at": "2025-05-01T10:00:00Z", "salience": 1.5, "meta": {"a": 1}}
    assert (store.payloads, store.stored_vectors) == ({ID: stored}, {ID: [1.0, 3.0]})


@pytest.mark.parametrize("again", [{}, {"stored_at": "2025-05-01T12:00:00+02:00"}], ids=["equal", "other zone"])
def test_redelivered_anchor_is_answered_as_stored(again: dict[str, Any]) -> None:
    store = FakeStore(payloads={ID: to_payload(Anchor.model_validate(ANCHOR))})
    assert index(store, ANCHOR | again) == [STORED]


CHANGES = [{"text": "coffee"}, {"salience": 1.0}, {"meta": {}}, {"stored_at": "2025-05-01T10:00:01Z"}]


@pytest.mark.parametrize("change", CHANGES, ids=[next(iter(change)) for change in CHANGES])
def test_stored_anchor_is_not_overwritten(change: dict[str, Any]) -> None:
    before = to_payload(Anchor.model_validate(ANCHOR))
    store = FakeStore(payloads={ID: before})
    detail = "an anchor with this id and other contents is stored already"
    assert index(store, ANCHOR | change) == [refused("anchor_immutable_violation", detail)]
    assert store.payloads == {ID: before}


def test_invalid_anchor_with_an_id_is_answered() -> None:
    (outcome,) = index(FakeStore(), ANCHOR | {"salience": 3, "text": ""})
    assert outcome == refused(
        "validation_failed",
        "text: String should have at least 1 character; salience: Input should be less than or equal to 2.5",
    )


@pytest.mark.parametrize("value", [*UNREADABLE, {}, {"anchor_id": "x"}, {"anchor_id": 7}, {"anchor_id": None}])
def test_anchor_without_a_readable_id_is_a_dead_letter(value: Any) -> None:
    (outcome,) = index(FakeStore(), value)
    assert isinstance(outcome, DeadLetter)
    assert outcome.reason == "validation_failed"
    assert outcome.detail.startswith("the message ")


def test_permanent_errors_are_answered_with_their_reason() -> None:
    def no_model(_: Sequence[str]) -> list[list[float]]:
        raise PermanentError("embedding_generation_failed", "no such model")

    store = FakeStore(failures=[PermanentError("qdrant_storage_failed", "400")])
    assert index(store, ANCHOR) == [refused("qdrant_storage_failed", "400")]
    expected = refused("embedding_generation_failed", "no such model")
    assert index(FakeStore(), ANCHOR, embed_many=no_model) == [expected]


OTHER_ID = "7b0d5c1e-3a52-4a4b-9a10-0c5d0e9f1a12"
OTHER = ANCHOR | {"anchor_id": OTHER_ID, "text": "coffee"}
OTHER_STORED = Answer("anchors-indexed", OTHER_ID, {"anchor_id": OTHER_ID, "ok": True})


def test_batch_is_one_look_one_embedding_and_one_write() -> None:
    asked: list[Sequence[str]] = []

    def embed_many(texts: Sequence[str]) -> list[list[float]]:
        asked.append(texts)
        return embed(texts)

    store = FakeStore()
    assert index(store, ANCHOR, OTHER, embed_many=embed_many) == [STORED, OTHER_STORED]
    assert (store.calls, asked) == ([("find", 2), ("insert", 2)], [["tea", "coffee"]])
    assert store.stored_vectors == {ID: [1.0, 3.0], OTHER_ID: [1.0, 6.0]}


def test_outcomes_stand_where_their_events_stood() -> None:
    store = FakeStore(payloads={ID: to_payload(Anchor.model_validate(ANCHOR))})
    unreadable, known, invalid, new = index(store, b"{", ANCHOR, ANCHOR | {"salience": 9}, OTHER)
    assert isinstance(unreadable, DeadLetter)
    assert (known, new) == (STORED, OTHER_STORED)
    assert isinstance(invalid, Answer)
    assert invalid.payload["reason"] == "validation_failed"
    assert store.calls == [("find", 2), ("insert", 1)]


def test_equal_ids_of_one_batch_are_judged_in_order() -> None:
    store = FakeStore()
    first, again, changed, back = index(store, ANCHOR, ANCHOR, ANCHOR | {"text": "coffee"}, ANCHOR)
    assert (first, again, back) == (STORED, STORED, STORED)
    assert isinstance(changed, Answer)
    assert changed.payload["reason"] == "anchor_immutable_violation"
    assert (store.payloads[ID]["text"], store.calls) == ("tea", [("find", 1), ("insert", 1)])


def test_batch_without_an_anchor_asks_nobody() -> None:
    store = FakeStore()
    assert len(index(store, b"{", ANCHOR | {"salience": 9})) == 2
    assert store.calls == []


def test_permanent_error_of_several_is_left_to_the_loop_to_part() -> None:
    store = FakeStore(failures=[PermanentError("qdrant_storage_failed", "400")])
    with pytest.raises(PermanentError):
        index(store, ANCHOR, OTHER)


def test_requests_of_a_batch_are_one_embedding() -> None:
    asked: list[Sequence[str]] = []

    def embed_many(texts: Sequence[str]) -> list[list[float]]:
        asked.append(texts)
        return embed(texts)

    store = FakeStore()
    events = [event(REQUEST), event(b"{"), event(REQUEST | {"request_id": "r2", "query": "coffee"})]
    first, bad, second = resonance.handle(events, store, embed_many, RecallSettings(3, 0.85))
    assert isinstance(bad, DeadLetter)
    assert [one.key for one in (first, second) if isinstance(one, Answer)] == ["r1", "r2"]
    assert asked == [["tea", "coffee"]]


def test_transient_error_passes_through() -> None:
    with pytest.raises(TransientError):
        index(FakeStore(failures=[TransientError("qdrant_storage_failed", "away")]), ANCHOR)


def test_recall_is_answered() -> None:
    store = FakeStore(payloads={ID: to_payload(Anchor.model_validate(ANCHOR))}, stored_vectors={ID: [0.1, 0.0]})
    (outcome,) = resonance.handle([event(REQUEST)], store, embed, RecallSettings(3, 0.85))
    beat = {"anchor_id": ID, "text": "tea", "perceived_age": "1 days ago"}
    assert isinstance(outcome, Answer)
    assert (outcome.topic, outcome.key, outcome.payload["request_id"]) == ("recall-response", "r1", "r1")
    assert [{k: b[k] for k in beat} for b in outcome.payload["beats"]] == [beat]


@pytest.mark.parametrize("value", [*UNREADABLE, {}, REQUEST | {"top_k": 0}, REQUEST | {"now": "soon"}])
def test_bad_request_is_a_dead_letter(value: Any) -> None:
    (outcome,) = resonance.handle([event(value)], FakeStore(), embed, RecallSettings(3, 0.85))
    assert isinstance(outcome, DeadLetter)
    assert outcome.reason == "validation_failed"


@pytest.mark.parametrize("value", [*UNREADABLE, {"request_id": ""}, {"request_id": "r1", "beats": [{}]}])
def test_bad_response_is_a_dead_letter(value: Any) -> None:
    outcome = reteller.handle(event(value), [])
    assert isinstance(outcome, DeadLetter)
    assert outcome.reason == "validation_failed"


class Models:
    """The model providers' HTTP APIs, by host; a host that is not named refuses connections."""

    def __init__(self, **answers: httpx.Response) -> None:
        self.answers = answers
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host not in self.answers:
            raise httpx.ConnectError("refused")
        return self.answers[request.url.host]

    def retell(self, settings: TellerSettings, beats: list[dict[str, Any]]) -> dict[str, Any]:
        client = httpx.Client(transport=httpx.MockTransport(self))
        outcome = reteller.handle(event({"request_id": "r1", "beats": beats}), make_tellers(settings, client))
        assert isinstance(outcome, Answer)
        assert (outcome.topic, outcome.key) == ("retell-response", "r1")
        return dict(outcome.payload)


EVERYTHING = TellerSettings(
    portkey_api_key="portkey-key",
    portkey_base_url="http://portkey/v1/",
    portkey_config_id="pc-1",
    portkey_model="@a/large",
    openai_api_key="openai-key",
    openai_model="small",
    openai_base_url="http://openai/v1",
    ollama_base_url="http://ollama:11434",
    ollama_model="llama3",
)
NARRATION = "The built-in narrator speaks, not a language model. 3 days ago: “green tea”. Yesterday: “a train”."


def chat(text: str) -> httpx.Response:
    return httpx.Response(200, json={"choices": [{"message": {"content": text}}]})


def test_narrator_says_what_it_is() -> None:
    assert Models().retell(TellerSettings(), BEATS) == {
        "request_id": "r1",
        "retelling": NARRATION,
        "provider": "narrator",
    }


def test_nothing_recalled_is_not_given_to_a_model() -> None:
    models = Models(portkey=chat("I made this up"))
    assert models.retell(EVERYTHING, []) == {"request_id": "r1", "retelling": narrate([]), "provider": "narrator"}
    assert models.requests == []


def test_first_configured_provider_answers() -> None:
    models = Models(portkey=chat(" You drank tea. "))
    assert models.retell(EVERYTHING, BEATS) == {
        "request_id": "r1",
        "retelling": "You drank tea.",
        "provider": "portkey",
        "model": "@a/large",
    }
    (asked,) = models.requests
    assert str(asked.url) == "http://portkey/v1/chat/completions"
    assert asked.headers.items() >= {"x-portkey-api-key": "portkey-key", "x-portkey-config": "pc-1"}.items()
    sent = json.loads(asked.content)
    assert sent["model"] == "@a/large"
    assert sent["messages"][1]["content"] == "The memories:\n- 3 days ago: green tea\n- yesterday: a train"


def test_fall_through_keeps_the_order_and_says_why() -> None:
    models = Models(
        portkey=httpx.Response(401, text="bad key"),
        openai=httpx.Response(200, html="<html>"),
        ollama=httpx.Response(200, json={"response": "You drank tea."}),
    )
    told = models.retell(EVERYTHING, BEATS)
    assert [asked.url.host for asked in models.requests] == ["portkey", "openai", "ollama"]
    assert (told["retelling"], told["provider"], told["model"]) == ("You drank tea.", "ollama", "llama3")
    assert told["degraded"] == (
        "portkey: http://portkey/v1/chat/completions answered 401: bad key; "
        "openai: http://openai/v1/chat/completions answered 200 with text/html; charset=utf-8, not JSON"
    )


EMPTY_ANSWERS = [{"response": "  "}, {"response": None}, {"error": "x"}, [], "text"]


@pytest.mark.parametrize("answer", EMPTY_ANSWERS, ids=json.dumps)
def test_answer_without_text_falls_through_to_the_narrator(answer: Any) -> None:
    settings = TellerSettings(ollama_base_url="http://ollama", ollama_model="llama3")
    told = Models(ollama=httpx.Response(200, json=answer)).retell(settings, BEATS)
    assert (told["retelling"], told["provider"]) == (NARRATION, "narrator")
    assert told["degraded"].startswith("ollama: the answer h")


def test_keys_are_in_no_answer() -> None:
    told = json.dumps(Models().retell(EVERYTHING, BEATS))
    assert "portkey: http://portkey" in told
    assert "openai-key" not in told
    assert "portkey-key" not in told


def test_retellings_are_asked_for_at_once_and_keep_their_order() -> None:
    together = threading.Barrier(4, timeout=30)

    def answer(request: httpx.Request) -> httpx.Response:
        # Nobody passes before all four are here.
        together.wait()
        return httpx.Response(200, json={"response": json.loads(request.content)["prompt"].rpartition(" ")[2]})

    client = httpx.Client(transport=httpx.MockTransport(answer))
    tellers = make_tellers(TellerSettings(ollama_base_url="http://ollama"), client)
    events = [
        event({"request_id": f"r{number}", "beats": [BEATS[0] | {"text": f"note-{number}"}]}) for number in range(8)
    ]
    outcomes = side_by_side(lambda one: reteller.handle(one, tellers), 4)(events)
    told = [one.payload for one in outcomes if isinstance(one, Answer)]
    assert [(one["request_id"], one["retelling"]) for one in told] == [(f"r{n}", f"note-{n}") for n in range(8)]


def test_hosted_model_gets_less_time_than_one_on_a_cpu() -> None:
    models = Models()
    models.retell(EVERYTHING, BEATS)
    limits = {asked.url.host: asked.extensions["timeout"]["read"] for asked in models.requests}
    assert limits == {"portkey": 30.0, "openai": 30.0, "ollama": 90.0}


def test_model_that_never_ends_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def drip() -> Iterator[bytes]:
        while True:
            time.sleep(0.02)
            yield b" "

    monkeypatch.setattr("workers.vhm_reteller.tellers.HOSTED_SECONDS", 0.1)
    told = Models(portkey=httpx.Response(200, content=drip()), openai=chat("You drank tea.")).retell(EVERYTHING, BEATS)
    assert (told["provider"], told["retelling"]) == ("openai", "You drank tea.")
    assert told["degraded"].endswith("TimeoutError: the answer was not whole after 0.1 s")


def test_ollama_is_asked_only_where_its_address_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_BASE_URL", raising=False)
    assert TellerSettings.from_config().ollama_base_url is None
    monkeypatch.setenv("OLLAMA_BASE_URL", "http://ollama")
    assert TellerSettings.from_config().ollama_base_url is not None
