"""Recall: what is left out, how it is scored, and that the answer is full whenever the store could fill it."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from vhm_common_utils.data_models import RecallRequest
from vhm_fakes import FakeStore
from workers.vhm_resonance.recall import FIRST_DEPTH, RecallSettings, activation, recall

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
HOUR_AGO = NOW - timedelta(hours=1)
SPACE = UUID("7b0d5c1e-3a52-4a4b-9a10-0c5d0e9f1a11")
SETTINGS = RecallSettings(max_beats=50, diversity_threshold=0.85)


def anchor_id(number: int) -> str:
    return str(uuid5(SPACE, str(number)))


def request(**fields: Any) -> RecallRequest:
    return RecallRequest.model_validate({"request_id": "r1", "query": "tea", "now": NOW} | fields)


def payload(text: Any, stored_at: Any = HOUR_AGO, **fields: Any) -> dict[str, Any]:
    moment = stored_at.isoformat() if isinstance(stored_at, datetime) else stored_at
    return {"text": text, "stored_at": moment, "salience": 1.0, "meta": {}} | fields


def unit(angle: float) -> list[float]:
    return [math.cos(angle), math.sin(angle)]


def texts(store: FakeStore, settings: RecallSettings = SETTINGS, **fields: Any) -> list[str]:
    return [beat.text for beat in recall(request(**fields), unit(0.0), store, settings)]


LEFT_OUT: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("ignored", payload("x"), {"ignore_anchor_ids": [anchor_id(1)]}),
    ("of the asking session", payload("x", meta={"session": "s1"}), {"session_id": "s1"}),
    ("just stored", payload("x", NOW - timedelta(seconds=4.9)), {}),
    ("in the future", payload("x", NOW + timedelta(days=1)), {}),
    ("without text", payload(None), {}),
    ("blank", payload("  "), {}),
    ("without a date", payload("x", None), {}),
    ("with a date that is none", payload("x", "soon"), {}),
    ("empty", {}, {}),
]
LET_IN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("of another session", payload("x", meta={"session": "s2"}), {"session_id": "s1"}),
    ("of a session, asked without one", payload("x", meta={"session": "s1"}), {}),
    ("without a session, asked with one", payload("x"), {"session_id": "s1"}),
    ("five seconds old", payload("x", NOW - timedelta(seconds=5)), {}),
    ("dated without a zone", payload("x", "2025-06-01T11:00:00"), {}),
    ("without salience or meta", {"text": "x", "stored_at": HOUR_AGO.isoformat()}, {}),
]


@pytest.mark.parametrize(("_", "stored", "asked"), LEFT_OUT, ids=[row[0] for row in LEFT_OUT])
def test_left_out(_: str, stored: dict[str, Any], asked: dict[str, Any]) -> None:
    store = FakeStore()
    store.add(anchor_id(1), stored, unit(0.0))
    store.add(anchor_id(2), payload("kept"), unit(0.1))
    assert texts(store, **asked) == ["kept"]


@pytest.mark.parametrize(("_", "stored", "asked"), LET_IN, ids=[row[0] for row in LET_IN])
def test_let_in(_: str, stored: dict[str, Any], asked: dict[str, Any]) -> None:
    store = FakeStore()
    store.add(anchor_id(1), stored, unit(0.0))
    assert texts(store, **asked) == ["x"]


def test_activation_counts_whole_days() -> None:
    assert activation(0.8, timedelta(days=10, hours=23), 1.5) == pytest.approx(0.8 * math.exp(-0.02) * 1.5)
    assert activation(0.8, timedelta(hours=23), 1.5) == pytest.approx(1.2)


def test_a_beat_holds_age_and_activation() -> None:
    store = FakeStore()
    store.add(anchor_id(1), payload("tea", NOW - timedelta(days=8), salience=2.0), unit(0.0))
    (beat,) = recall(request(), unit(0.0), store, SETTINGS)
    assert beat.model_dump(mode="json") == {
        "anchor_id": anchor_id(1),
        "text": "tea",
        "perceived_age": "1 weeks ago",
        "activation": pytest.approx(2.0 * math.exp(-0.016)),
    }


def test_equal_texts_are_told_once_and_the_strongest_stays() -> None:
    store = FakeStore()
    store.add(anchor_id(1), payload("Green Tea ", salience=0.5), unit(0.0))
    store.add(anchor_id(2), payload("green tea", salience=2.0), unit(0.0))
    assert texts(store) == ["green tea"]


def test_diverse_ones_come_first_and_the_others_fill_up() -> None:
    store = FakeStore()
    for number, angle in enumerate([0.0, 0.1, 0.2, 0.9, 1.0]):
        store.add(anchor_id(number), payload(f"angle {angle}"), unit(angle))
    # cos(0.55) is just above 0.85: the threshold separates the two groups.
    assert texts(store, top_k=4) == ["angle 0.0", "angle 0.9", "angle 0.1", "angle 0.2"]


@pytest.mark.parametrize(("max_beats", "top_k", "length"), [(3, 10, 3), (10, 2, 2), (10, 10, 6)])
def test_length_is_the_smaller_bound(max_beats: int, top_k: int, length: int) -> None:
    store = FakeStore()
    for number in range(6):
        store.add(anchor_id(number), payload(f"note {number}"), unit(number / 10))
    assert len(texts(store, RecallSettings(max_beats, 0.85), top_k=top_k)) == length


def test_answer_is_full_though_the_nearest_thousand_are_left_out() -> None:
    store = FakeStore()
    for number in range(1000):
        store.add(anchor_id(number), payload(f"mine {number}", meta={"session": "s1"}), unit(0.0))
    for number in range(1000, 1003):
        store.add(anchor_id(number), payload(f"other {number}"), unit(0.5))
    assert sorted(texts(store, session_id="s1", top_k=3)) == ["other 1000", "other 1001", "other 1002"]


def test_a_salient_anchor_beyond_the_first_look_is_found() -> None:
    store = FakeStore()
    for number in range(FIRST_DEPTH):
        store.add(anchor_id(number), payload(f"near {number}", salience=0.3), unit(0.1))
    store.add(anchor_id(FIRST_DEPTH), payload("far and salient", salience=2.5), unit(0.5))
    assert texts(store, top_k=1) == ["far and salient"]


def test_a_salient_anchor_is_looked_for_among_the_salient_alone() -> None:
    store = FakeStore()
    store.add(anchor_id(0), payload("nearest", salience=1.2), unit(0.0))
    for number in range(1, 2000):
        store.add(anchor_id(number), payload(f"near {number}"), unit(0.1))
    store.add(anchor_id(2000), payload("far and salient", salience=2.5), unit(0.5))
    assert texts(store, top_k=1) == ["far and salient"]
    assert store.depths == [FIRST_DEPTH, FIRST_DEPTH]


def test_anchor_that_says_nothing_of_its_salience_is_found_beyond_the_first_look() -> None:
    store = FakeStore()
    for number in range(FIRST_DEPTH):
        store.add(anchor_id(number), payload(f"near {number}", salience=0.3), unit(0.1))
    unsaid = payload("unsaid")
    del unsaid["salience"]
    store.add(anchor_id(FIRST_DEPTH), unsaid, unit(0.5))
    assert texts(store, top_k=1) == ["unsaid"]


def test_search_goes_no_deeper_than_needed() -> None:
    store = FakeStore()
    store.add(anchor_id(0), payload("near"), unit(0.0))
    for number in range(1, 500):
        store.add(anchor_id(number), payload(f"far {number}"), unit(1.5))
    assert texts(store, top_k=1) == ["near"]
    assert store.depths == [FIRST_DEPTH]


def test_an_anchor_deleted_meanwhile_is_not_told() -> None:
    class Vanishing(FakeStore):
        def vectors(self, anchor_ids):
            return {one: vector for one, vector in super().vectors(anchor_ids).items() if one != anchor_id(0)}

    store = Vanishing()
    store.add(anchor_id(0), payload("gone"), unit(0.0))
    store.add(anchor_id(1), payload("there"), unit(0.1))
    assert texts(store) == ["there"]


def test_empty_store() -> None:
    assert texts(FakeStore()) == []


def reference(store: FakeStore, query: list[float], limit: int, threshold: float) -> list[str]:
    """The contract read off word by word, over every anchor."""
    scored = []
    for one, vector in store.stored_vectors.items():
        stored = store.payloads[one]
        age = NOW - datetime.fromisoformat(stored["stored_at"])
        similarity = sum(a * b for a, b in zip(query, vector, strict=True))
        scored.append((similarity * math.exp(-0.002 * age.days) * stored["salience"], one))
    scored.sort(reverse=True)
    diverse: list[str] = []
    rest: list[str] = []
    for _, one in scored:
        near = [
            sum(a * b for a, b in zip(store.stored_vectors[one], store.stored_vectors[d], strict=True)) for d in diverse
        ]
        (diverse if len(diverse) < limit and all(value < threshold for value in near) else rest).append(one)
    return (diverse + rest)[:limit]


@pytest.mark.parametrize("seed", range(40))
def test_recall_agrees_with_the_plain_reference(seed: int) -> None:
    dice = random.Random(seed)
    store = FakeStore()
    dimension = dice.choice([2, 3, 8])
    for number in range(dice.choice([3, 40, 400, 900])):
        stored_at = NOW - timedelta(days=dice.uniform(0.1, 900))
        salience = round(dice.uniform(0.3, 2.5), 3)
        store.add(anchor_id(number), payload(f"note {number}", stored_at, salience=salience), vector(dice, dimension))
    query, top_k = vector(dice, dimension), dice.randint(1, 8)
    beats = recall(request(top_k=top_k), query, store, RecallSettings(50, 0.7))
    assert [str(beat.anchor_id) for beat in beats] == reference(store, query, top_k, 0.7)


def vector(dice: random.Random, dimension: int) -> list[float]:
    numbers = [dice.gauss(0, 1) for _ in range(dimension)]
    length = math.sqrt(sum(number * number for number in numbers))
    return [number / length for number in numbers]
