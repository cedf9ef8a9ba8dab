"""Whatever lies in a topic: every message ends in one answer or one dead letter, and the worker goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import from_json, to_json
from vhm_common_utils.deciding import INTERNAL_ERROR, Handle, each
from vhm_common_utils.deterministic import deterministic_embed_many
from vhm_common_utils.loop import ConsumerLoop, LoopSettings
from vhm_common_utils.messages import DEAD_LETTER_HEADERS, Event
from vhm_common_utils.reading import BatchLimits
from vhm_common_utils.replay import REPLAYS, letter_to_message, replays
from vhm_common_utils.retry import RetryPolicy
from vhm_fakes import TOPIC, FakeConsumer, FakePublisher, FakeStore
from workers.vhm_indexer import handler as indexer
from workers.vhm_resonance import handler as resonance
from workers.vhm_resonance.recall import RecallSettings
from workers.vhm_reteller import handler as reteller

ID = "7b0d5c1e-3a52-4a4b-9a10-0c5d0e9f1a11"
OTHER_ID = "7b0d5c1e-3a52-4a4b-9a10-0c5d0e9f1a12"
MOMENT = "2025-05-01T10:00:00Z"
BEAT = {"anchor_id": ID, "text": "tea", "perceived_age": "yesterday", "activation": 0.5}
DLQ = f"{TOPIC}.dlq"


class StrictStore(FakeStore):
    """Takes what can be written as JSON and read again, as a server does."""

    def add(self, anchor_id: str, payload: Mapping[str, Any], vector: Sequence[float]) -> None:
        assert from_json(to_json(payload), allow_inf_nan=False) == payload
        super().add(anchor_id, payload, vector)


def embed(texts: Sequence[str]) -> list[list[float]]:
    return deterministic_embed_many(texts, 8)


def index() -> Handle:
    store = StrictStore()
    return lambda events: indexer.handle(events, store, embed)


def resonate() -> Handle:
    store = FakeStore()
    for number, text in enumerate(("tea", "a train", "rain")):
        stored = {"text": text, "stored_at": f"0{number + 1}01-01-01T00:00:00+14:00", "salience": 1.0, "meta": {}}
        store.add(f"{ID[:-1]}{number}", stored, embed([text])[0])
    return lambda events: resonance.handle(events, store, embed, RecallSettings(3, 0.85))


def retell() -> Handle:
    return each(lambda event: reteller.handle(event, []))


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(timezones=st.none() | ZONES).map(lambda moment: moment.isoformat())


def nearly(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """A message with some fields as they should be, some of any kind, some left out and some more."""
    some = {name: wanted | ANY_JSON for name, wanted in fields.items()}
    whole = st.fixed_dictionaries({}, optional=some) | st.fixed_dictionaries(fields)
    return st.builds(lambda one, more: json.dumps({**more, **one}).encode(), whole, st.just({}) | st.just({"x": [1]}))


ANCHORS = nearly(
    anchor_id=st.sampled_from([ID, OTHER_ID]) | st.uuids().map(str),
    text=ANY_TEXT,
    stored_at=MOMENTS,
    salience=st.floats(0.3, 2.5),
    meta=st.dictionaries(ANY_TEXT, ANY_JSON, max_size=3),
)
REQUESTS = nearly(
    request_id=ANY_TEXT,
    query=ANY_TEXT,
    now=MOMENTS,
    top_k=st.integers(1, 50),
    session_id=st.none() | ANY_TEXT,
    ignore_anchor_ids=st.lists(st.uuids().map(str), max_size=3),
)
RESPONSES = nearly(request_id=ANY_TEXT, beats=st.lists(st.just(BEAT) | ANY_JSON, max_size=3))


def broken(message: bytes, place: int, byte: int) -> bytes:
    at = place % (len(message) + 1)
    return message[:at] + bytes([byte]) + message[at + 1 :]


def contents(messages: st.SearchStrategy[bytes]) -> st.SearchStrategy[list[bytes | None]]:
    damaged = st.builds(broken, messages, st.integers(0, 500), st.integers(0, 255))
    deep = st.integers(1, 3000).map(lambda levels: b'{"anchor_id":' + b"[" * levels)
    one: st.SearchStrategy[bytes | None] = st.none() | st.binary(max_size=60) | messages | damaged | deep
    return st.lists(one, min_size=1, max_size=6)


WORKERS = [
    ("anchors-write", index, ANCHORS),
    ("recall-request", resonate, REQUESTS),
    ("recall-response", retell, RESPONSES),
]


@pytest.mark.parametrize(("_", "make", "messages"), WORKERS, ids=[row[0] for row in WORKERS])
@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_message_ends_in_an_answer_or_a_dead_letter(_: str, make: Any, messages: Any, data: st.DataObject) -> None:
    given_ones = data.draw(contents(messages))
    journal: list[tuple[Any, ...]] = []
    policy = RetryPolicy(0, 0.0)
    publisher = FakePublisher(journal)
    consumer = FakeConsumer(given_ones, journal, on_idle=lambda: loop.stop())
    limits = LoopSettings(policy, policy, poll_seconds=0.0, batch=BatchLimits(messages=100, linger_seconds=0.01))
    loop = ConsumerLoop(consumer, publisher, make(), limits, {})
    loop.run(TOPIC)
    letters = [one for one in publisher.delivered if one.topic == DLQ]
    kept = {int(dict(one.headers)["source-offset"] or b""): one for one in letters}
    assert len(publisher.delivered) == len(given_ones)
    assert [one.value for _, one in sorted(kept.items())] == [given_ones[offset] for offset in sorted(kept)]
    assert {dict(one.headers)["reason"] for one in letters} <= {b"validation_failed"}
    assert INTERNAL_ERROR.encode() not in {dict(one.headers)["reason"] for one in letters}
    assert all(isinstance(json.loads(one.value or b""), dict) for one in publisher.delivered if one.topic != DLQ)
    assert journal[-2:] == [("commit", len(given_ones)), ("close",)]


HEADERS = st.lists(
    st.tuples(
        st.sampled_from([*DEAD_LETTER_HEADERS, REPLAYS]) | st.text(max_size=8),
        st.none() | st.binary(max_size=12) | st.integers(1, 6000).map(lambda digits: b"9" * digits),
    ),
    max_size=10,
)


@settings(deadline=None, max_examples=300)
@given(headers=HEADERS, key=st.none() | st.binary(max_size=8), value=st.none() | st.binary(max_size=40))
def test_any_letter_is_sent_back_as_it_came_or_passed_over(headers: Any, key: Any, value: Any) -> None:
    letter = Event(DLQ, 0, 0, key, value, tuple(headers))
    assert replays(letter.headers) >= 0
    topic = (dict(headers).get("source-topic") or b"").decode(errors="replace")
    if not topic or topic.endswith(".dlq"):
        with pytest.raises(ValueError, match="names no topic"):
            letter_to_message(letter)
        return
    sent = letter_to_message(letter)
    assert (sent.key, sent.value) == (key, value)
    assert sent.headers[-1] == (REPLAYS, str(replays(letter.headers) + 1).encode())
