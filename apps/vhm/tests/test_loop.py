"""The loop: publish before commit, try again, keep what can't be handled, and hold back while something is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from vhm_common_utils.deciding import each
from vhm_common_utils.errors import BusyError, PermanentError, TransientError
from vhm_common_utils.health import Check
from vhm_common_utils.loop import ConsumerLoop, LoopSettings, correlation
from vhm_common_utils.messages import Answer, Event, Outcome
from vhm_common_utils.retry import RetryPolicy
from vhm_fakes import TOPIC, FakeConsumer, FakePublisher

DLQ = f"{TOPIC}.dlq"
ANSWERS = "answers"
PROMPT = LoopSettings(handling=RetryPolicy(2, 0.0), publishing=RetryPolicy(2, 0.0), poll_seconds=0.0)
AWAY = TransientError("publish_failed", "away")
# Of a dead letter's headers: the event's own, then five of ours.
REASON, DETAIL = -5, -4


def answer(event: Event) -> Outcome:
    return Answer(ANSWERS, "r1", {"request_id": "r1", "offset": event.offset})


class Run:
    """A loop over a fake broker that ends when all is read, or when something is missing for the third time."""

    def __init__(
        self,
        handle: Callable[[Event], Outcome] = answer,
        contents: tuple[bytes | None, ...] = (b"one", b"two"),
        failures: Mapping[str, list[Exception]] | None = None,
        gates: Mapping[str, Check] | None = None,
    ) -> None:
        self.journal: list[tuple[Any, ...]] = []
        self.consumer = FakeConsumer(contents, self.journal, on_idle=self._idle)
        self.publisher = FakePublisher(self.journal, dict(failures or {}))
        self.loop = ConsumerLoop(self.consumer, self.publisher, each(handle), PROMPT, gates or {})
        self.idle = 0
        self.causes: list[str | None] = []

    def _idle(self) -> None:
        self.idle += 1
        self.causes.append(self.loop.hold_cause())
        if self.idle == 3 or self.consumer.at >= len(self.consumer.contents):
            self.loop.stop()

    def run(self) -> Run:
        self.loop.run(TOPIC)
        return self


def test_commit_follows_the_publication_of_each_answer() -> None:
    assert Run().run().journal == [
        ("publish", ANSWERS),
        ("commit", 1),
        ("publish", ANSWERS),
        ("commit", 2),
        ("close",),
    ]


def test_answer_is_published_under_its_key() -> None:
    (message,) = Run(contents=(b"one",)).run().publisher.delivered
    assert (message.topic, message.key, message.value) == (ANSWERS, b"r1", b'{"request_id":"r1","offset":0}')


def test_failed_publication_is_tried_again_before_the_commit() -> None:
    run = Run(contents=(b"one",), failures={ANSWERS: [AWAY, AWAY]}).run()
    assert run.journal == [("publish", ANSWERS), ("commit", 1), ("close",)]


def test_unpublishable_answer_leaves_the_event_as_a_dead_letter() -> None:
    run = Run(contents=(b"one",), failures={ANSWERS: [PermanentError("publish_failed", "too large")]}).run()
    assert run.journal == [("publish", DLQ), ("commit", 1), ("close",)]


def test_dead_letter_holds_the_original_bytes_and_the_reason() -> None:
    def refuse(_: Event) -> Outcome:
        raise PermanentError("no_use", "because")

    run = Run(refuse, contents=(b"\xff raw",))
    run.consumer.headers = [("trace", b"t1")]
    (message,) = run.run().publisher.delivered
    assert (message.topic, message.key, message.value) == (DLQ, b"key", b"\xff raw")
    assert message.headers == (
        ("trace", b"t1"),
        ("reason", b"no_use"),
        ("detail", b"because"),
        ("source-topic", TOPIC.encode()),
        ("source-partition", b"0"),
        ("source-offset", b"0"),
    )


def test_nothing_is_committed_while_nothing_can_be_published() -> None:
    run = Run(contents=(b"one",), failures={ANSWERS: [AWAY] * 3})
    run.loop._gates = {"broker": lambda: "away" if run.publisher.failures[ANSWERS] == [] and run.idle < 2 else None}
    run.run()
    assert run.journal == [("seek", 0), ("publish", ANSWERS), ("commit", 1), ("close",)]


def test_dead_letter_that_can_not_be_kept_leaves_its_event() -> None:
    def refuse(_: Event) -> Outcome:
        raise PermanentError("no_use", "because")

    run = Run(refuse, contents=(b"one",), failures={DLQ: [AWAY] * 3}).run()
    assert run.journal == [("seek", 0), ("publish", DLQ), ("commit", 1), ("close",)]


def test_transient_error_is_tried_again_as_often_as_configured() -> None:
    attempts: list[int] = []

    def handle(event: Event) -> Outcome:
        attempts.append(event.offset)
        if len(attempts) < 3:
            raise TransientError("away", "twice")
        return answer(event)

    assert Run(handle, contents=(b"one",)).run().journal[0] == ("publish", ANSWERS)
    assert attempts == [0, 0, 0]


def test_used_up_retries_make_a_dead_letter_and_nothing_else() -> None:
    attempts: list[int] = []

    def handle(event: Event) -> Outcome:
        attempts.append(event.offset)
        raise TransientError("qdrant_storage_failed", "away")

    run = Run(handle, contents=(b"one",)).run()
    assert len(attempts) == 3
    assert run.journal == [("publish", DLQ), ("commit", 1), ("close",)]
    assert run.publisher.delivered[0].headers[REASON] == ("reason", b"qdrant_storage_failed")


def test_an_outage_costs_one_event_and_not_the_whole_backlog() -> None:
    outage = {"left": 2}

    def gate() -> str | None:
        outage["left"] -= 1
        return "away" if 0 <= outage["left"] < 1 else None

    def handle(event: Event) -> Outcome:
        if event.offset == 0:
            raise TransientError("qdrant_storage_failed", "away")
        return answer(event)

    run = Run(handle, gates={"store": gate}).run()
    assert run.causes[0] == "store: away"
    assert [entry for entry in run.journal if entry[0] == "publish"] == [("publish", DLQ), ("publish", ANSWERS)]


def test_defect_of_a_handler_is_a_dead_letter() -> None:
    def broken(_: Event) -> Outcome:
        raise KeyError("oops")

    run = Run(broken, contents=(b"one",)).run()
    assert run.journal == [("publish", DLQ), ("commit", 1), ("close",)]
    assert run.publisher.delivered[0].headers[REASON] == ("reason", b"internal_error")
    assert run.publisher.delivered[0].headers[DETAIL] == ("detail", b"KeyError: 'oops'")


def test_nothing_is_read_while_something_is_missing() -> None:
    run = Run(gates={"store": lambda: "no answer", "broker": lambda: None}).run()
    assert run.journal == [("close",)]
    assert run.causes == ["store: no answer"] * 3


def test_message_that_slips_through_a_pause_is_not_lost() -> None:
    asked: list[int] = []

    def gate() -> str | None:
        asked.append(1)
        return "away" if len(asked) == 1 else None

    run = Run(contents=(b"one",), gates={"store": gate})
    run.consumer.pause = lambda _: None  # type: ignore[method-assign]
    run.run()
    assert run.journal == [("seek", 0), ("publish", ANSWERS), ("commit", 1), ("close",)]


def test_stop_during_a_back_off_leaves_the_event_uncommitted() -> None:
    def handle(_: Event) -> Outcome:
        run.loop.stop()
        raise TransientError("away", "still")

    run = Run(handle, contents=(b"one",))
    assert run.run().journal == [("close",)]


def test_event_without_a_value_is_handled() -> None:
    assert Run(contents=(None,)).run().journal == [("publish", ANSWERS), ("commit", 1), ("close",)]


def test_membership_is_what_the_group_says() -> None:
    run = Run()
    assert run.loop.assignment_cause() == "the consumer group has not assigned this worker yet"
    run.run()
    assert run.loop.assignment_cause() is None
    run.consumer.callbacks["on_lost"](run.consumer, [])
    assert run.loop.assignment_cause() == "the consumer group has not assigned this worker yet"


@pytest.mark.parametrize(
    ("error", "chance", "expected"),
    [
        (AWAY, 0.0, [0.25, 0.5, 0.75]),
        (AWAY, 1.0, [0.3125, 0.625, 0.9375]),
        (BusyError("publish_failed", "busy"), 0.0, [1.0, 2.0, 3.0]),
    ],
    ids=["away", "away, by chance later", "busy"],
)
def test_backoff_grows_with_the_attempt(error: TransientError, chance: float, expected: list[float]) -> None:
    waits: list[float] = []

    def fail() -> None:
        raise error

    with pytest.raises(TransientError, match="publish_failed"):
        RetryPolicy(3, 0.25, lambda: chance).run(fail, lambda seconds: bool(waits.append(seconds)), lambda *_: None)
    assert waits == expected


def test_correlation_reads_ids_and_survives_anything() -> None:
    assert correlation(b'{"request_id": "r1", "anchor_id": 7}') == {"request_id": "r1"}
    assert [correlation(value) for value in (None, b"", b"[]", b"\xff", b"[" * 100_000)] == [{}] * 5
