"""Questions find their answers, whatever else is on the topics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from harvis_fake_broker import FakeBroker
from python_back_end.broker import BrokerError, BrokerState
from python_back_end.errors import ApiError
from python_back_end.memory_gateway import MemoryGateway, Recalled, TimeLimits
from python_back_end.times import utc_now
from python_back_end.wire_models import Anchor, Beat, RecallAnswer, RecallRequest, RetellAnswer

ID = UUID("3f2b1c9e-0f6a-4d57-9f0e-6f3f0c1d2e3a")
OTHER = UUID("00000000-0000-4000-8000-000000000001")
BEAT = {"anchor_id": str(ID), "text": "the sea", "perceived_age": "yesterday", "activation": 0.9}
BEATS = RecallAnswer(
    request_id="r-1", beats=[Beat(anchor_id=ID, text="the sea", perceived_age="yesterday", activation=0.9)]
)
LONG = TimeLimits(index=20, recall=20, retell=20)


def anchor(anchor_id: UUID = ID) -> Anchor:
    return Anchor(anchor_id=anchor_id, text="the sea", stored_at=utc_now())


def question() -> RecallRequest:
    return RecallRequest(request_id="r-1", query="sea", now=utc_now())


@contextmanager
def gateway(broker: FakeBroker, limits: TimeLimits = LONG) -> Iterator[MemoryGateway]:
    running = MemoryGateway(lambda: broker, limits)
    running.start()
    try:
        assert broker.polled.wait(10)
        yield running
    finally:
        running.stop()


def ask(broker: FakeBroker, what: Callable[[MemoryGateway], Awaitable[Any]], limits: TimeLimits = LONG) -> Any:
    async def run(running: MemoryGateway) -> Any:
        return await what(running)

    with gateway(broker, limits) as running:
        try:
            return asyncio.run(run(running))
        finally:
            assert running.waiting == 0


def refused(broker: FakeBroker, what: Callable[[MemoryGateway], Awaitable[Any]], limits: TimeLimits = LONG) -> ApiError:
    with pytest.raises(ApiError) as caught:
        ask(broker, what, limits)
    return caught.value


def test_a_memory_is_stored_once_the_indexer_says_so(broker: FakeBroker) -> None:
    broker.work("anchors-write", lambda sent: [("anchors-indexed", {"anchor_id": sent["anchor_id"], "ok": True})])
    ask(broker, lambda running: running.remember(anchor()))
    [(topic, key, sent)] = broker.published
    assert (topic, key, sent["anchor_id"], sent["salience"]) == ("anchors-write", str(ID), str(ID), 1.0)


def test_answers_to_others_and_rubbish_are_passed_over(broker: FakeBroker) -> None:
    def indexer(sent: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        broker.send_bytes("anchors-indexed", b"\xff not json")
        broker.send("anchors-indexed", ["a list"])
        refusal = {"anchor_id": str(OTHER), "ok": False, "reason": "anchor_immutable_violation"}
        mine = {"anchor_id": sent["anchor_id"].upper(), "ok": True}
        return [("anchors-indexed", refusal), ("recall-response", {"request_id": str(ID)}), ("anchors-indexed", mine)]

    broker.work("anchors-write", indexer)
    ask(broker, lambda running: running.remember(anchor()))


def test_two_questions_at_a_time_get_their_own_answers(broker: FakeBroker) -> None:
    waiting: list[dict[str, Any]] = []

    def indexer(sent: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        waiting.append(sent)
        if len(waiting) < 2:
            return []
        # Answered in the other order, and the first one is refused.
        return [
            ("anchors-indexed", {"anchor_id": str(OTHER), "ok": True}),
            ("anchors-indexed", {"anchor_id": str(ID), "ok": False, "reason": "qdrant_storage_failed"}),
        ]

    broker.work("anchors-write", indexer)

    async def both(running: MemoryGateway) -> list[Any]:
        tasks = (running.remember(anchor(ID)), running.remember(anchor(OTHER)))
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    first, second = ask(broker, both)
    assert second is None
    assert isinstance(first, ApiError)
    assert first.code == "qdrant_storage_failed"


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("anchor_immutable_violation", 409),
        ("validation_failed", 422),
        ("embedding_generation_failed", 502),
        ("qdrant_storage_failed", 502),
    ],
)
def test_a_refusal_keeps_the_indexers_reason(broker: FakeBroker, reason: str, status: int) -> None:
    refusal = {"anchor_id": str(ID), "ok": False, "reason": reason, "detail": "the detail"}
    broker.work("anchors-write", lambda _sent: [("anchors-indexed", refusal)])
    error = refused(broker, lambda running: running.remember(anchor()))
    assert (error.status, error.body()) == (status, {"code": reason, "cause": "the detail", "reason": reason})


def test_silence_of_the_indexer_ends_at_the_time_limit(broker: FakeBroker) -> None:
    error = refused(broker, lambda running: running.remember(anchor()), TimeLimits(index=0.05, recall=20, retell=20))
    assert (error.status, error.code) == (504, "timed_out")
    assert str(ID) in error.cause


def test_a_late_answer_disturbs_nobody(broker: FakeBroker) -> None:
    short = TimeLimits(index=0.05, recall=20, retell=20)

    async def late_then_recall(running: MemoryGateway) -> Recalled:
        with pytest.raises(ApiError):
            await running.remember(anchor())
        broker.send("anchors-indexed", {"anchor_id": str(ID), "ok": True})
        broker.work("recall-request", lambda _sent: [("recall-response", {"request_id": "r-1", "beats": [BEAT]})])
        return await running.recall(question(), retell=False)

    assert ask(broker, late_then_recall, short) == Recalled(BEATS)


def test_a_message_that_was_not_delivered_fails_at_once(broker: FakeBroker) -> None:
    broker.delivery_failure = "Local: Message timed out"
    error = refused(broker, lambda running: running.remember(anchor()))
    assert (error.status, error.code, error.cause) == (503, "publish_failed", "anchors-write: Local: Message timed out")


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        (BrokerState(unreachable="kafka:9092: no route"), "kafka:9092: no route"),
        (BrokerState(missing_topics=("anchors-write",)), "topics missing: anchors-write"),
        (BrokerState(unassigned="positions not known yet"), "positions not known yet"),
    ],
)
def test_without_a_usable_broker_nothing_is_published(broker: FakeBroker, state: BrokerState, cause: str) -> None:
    broker.state = state
    error = refused(broker, lambda running: running.remember(anchor()))
    assert (error.status, error.code, error.cause) == (503, "broker_unavailable", cause)
    assert broker.published == []


def test_the_reader_outlives_a_broker_that_fails_and_a_bug(broker: FakeBroker) -> None:
    broker.poll_failures = [BrokerError("all brokers down"), RuntimeError("a bug")]
    broker.work("anchors-write", lambda sent: [("anchors-indexed", {"anchor_id": sent["anchor_id"], "ok": True})])

    async def until_ready(running: MemoryGateway) -> None:
        async with asyncio.timeout(20):
            while broker.poll_failures or running.state.cause is not None:
                await asyncio.sleep(0.01)
        await running.remember(anchor())

    ask(broker, until_ready)


def test_a_broker_that_is_not_there_yet_is_tried_again(broker: FakeBroker) -> None:
    attempts = []

    def open_broker() -> FakeBroker:
        attempts.append(1)
        if len(attempts) == 1:
            raise BrokerError("no resolvable bootstrap urls")
        return broker

    running = MemoryGateway(open_broker, LONG)
    running.start()
    try:
        assert broker.polled.wait(10)
        assert running.state == BrokerState()
    finally:
        running.stop()
    assert broker.closed


def test_recall_gives_beats(broker: FakeBroker) -> None:
    broker.work("recall-request", lambda _sent: [("recall-response", {"request_id": "r-1", "beats": [BEAT]})])
    assert ask(broker, lambda running: running.recall(question(), retell=False)) == Recalled(BEATS)


def test_a_retelling_that_overtakes_the_beats_is_kept(broker: FakeBroker) -> None:
    told = {"request_id": "r-1", "retelling": "Once, the sea.", "provider": "narrator", "degraded": "ollama: refused"}
    beats = {"request_id": "r-1", "beats": [BEAT]}
    broker.work("recall-request", lambda _sent: [("retell-response", told), ("recall-response", beats)])
    recalled = ask(broker, lambda running: running.recall(question(), retell=True))
    assert recalled == Recalled(BEATS, RetellAnswer(**told), "ollama: refused")


def test_beats_are_given_without_the_retelling_that_does_not_come(broker: FakeBroker) -> None:
    broker.work("recall-request", lambda _sent: [("recall-response", {"request_id": "r-1", "beats": [BEAT]})])
    limits = TimeLimits(index=20, recall=20, retell=0.05)
    recalled = ask(broker, lambda running: running.recall(question(), retell=True), limits)
    assert recalled == Recalled(BEATS, None, "no retelling within 0.05 s")


def test_no_beats_in_time_is_an_error(broker: FakeBroker) -> None:
    limits = TimeLimits(index=20, recall=0.05, retell=20)
    error = refused(broker, lambda running: running.recall(question(), retell=True), limits)
    assert (error.status, error.code) == (504, "timed_out")


def test_an_answer_of_another_shape_is_an_error(broker: FakeBroker) -> None:
    broker.work("recall-request", lambda _sent: [("recall-response", {"request_id": "r-1", "beats": "none"})])
    error = refused(broker, lambda running: running.recall(question(), retell=False))
    assert (error.status, error.code) == (502, "bad_answer")
