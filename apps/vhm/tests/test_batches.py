"""Batches: gathered within limits, answered each by each, taken apart where one fails, and committed as far as done."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from prometheus_client import CollectorRegistry
from vhm_common_utils.deciding import each
from vhm_common_utils.errors import PermanentError, ProcessingError, TransientError
from vhm_common_utils.health import Check
from vhm_common_utils.loop import ConsumerLoop, LoopSettings
from vhm_common_utils.messages import Answer, Event, Outcome
from vhm_common_utils.metrics import Metrics
from vhm_common_utils.reading import BatchLimits, Reader
from vhm_common_utils.retry import RetryPolicy
from vhm_fakes import TOPIC, FakeConsumer, FakeMessage, FakePublisher

DLQ = f"{TOPIC}.dlq"
ANSWERS = "answers"
TOO_LARGE = PermanentError("publish_failed", "too large")
AWAY = TransientError("publish_failed", "away")
EIGHT = tuple(str(number).encode() for number in range(8))

Handle = Callable[[Sequence[Event]], Sequence[Outcome]]


def answer(event: Event) -> Outcome:
    return Answer(ANSWERS, str(event.offset), {"offset": event.offset})


def answer_all(events: Sequence[Event]) -> list[Outcome]:
    return [answer(event) for event in events]


class Run:
    """A loop over a fake broker that ends when all is read, or at the third idle turn."""

    def __init__(
        self,
        handle: Handle = answer_all,
        contents: tuple[bytes | None, ...] = EIGHT,
        *,
        failures: Mapping[str, list[ProcessingError | None]] | None = None,
        gates: Mapping[str, Check] | None = None,
        retries: int = 0,
    ) -> None:
        self.journal: list[tuple[Any, ...]] = []
        self.consumer = FakeConsumer(contents, self.journal, on_idle=self._idle)
        self.publisher = FakePublisher(self.journal, dict(failures or {}))
        self.batches: list[int] = []
        self.handle = handle
        policy = RetryPolicy(retries, 0.0)
        settings = LoopSettings(policy, policy, poll_seconds=0.0, batch=BatchLimits(messages=100))
        self.registry = CollectorRegistry()
        self.loop = ConsumerLoop(
            self.consumer, self.publisher, self._handle, settings, gates or {}, Metrics(self.registry)
        )
        self.idle = 0

    def _handle(self, events: Sequence[Event]) -> Sequence[Outcome]:
        self.batches.append(len(events))
        return self.handle(events)

    def _idle(self) -> None:
        self.idle += 1
        if self.idle == 3 or self.consumer.at >= len(self.consumer.contents):
            self.loop.stop()

    def run(self) -> Run:
        self.loop.run(TOPIC)
        return self

    def published(self, topic: str) -> list[int]:
        """The offsets of the events whose outcome went to this topic."""
        if topic == DLQ:
            return [
                int(dict(one.headers)["source-offset"] or b"") for one in self.publisher.delivered if one.topic == DLQ
            ]
        return [json.loads(one.value or b"")["offset"] for one in self.publisher.delivered if one.topic == topic]

    def figure(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


def test_what_waits_is_one_batch_and_one_commit() -> None:
    run = Run().run()
    assert run.batches == [8]
    assert run.journal == [*[("publish", ANSWERS)] * 8, ("commit", 8), ("close",)]


def test_answers_keep_the_order_of_the_events() -> None:
    assert Run().run().published(ANSWERS) == list(range(8))


def test_event_that_needs_no_message_is_committed() -> None:
    run = Run(lambda events: [None] * len(events)).run()
    assert run.journal == [("commit", 8), ("close",)]
    assert run.figure("vhm_outcomes_total", outcome="nothing_to_say") == 8


def refuse(*offsets: int, error: Exception) -> Handle:
    def handle(events: Sequence[Event]) -> Sequence[Outcome]:
        if any(event.offset in offsets for event in events):
            raise error
        return answer_all(events)

    return handle


ERRORS = [PermanentError("no_use", "because"), KeyError("a defect of ours")]


@pytest.mark.parametrize("error", ERRORS, ids=["refused", "defect"])
@pytest.mark.parametrize("bad", [(0,), (7,), (3, 4), tuple(range(8))], ids=str)
def test_event_that_fails_for_good_takes_no_other_with_it(bad: tuple[int, ...], error: Exception) -> None:
    run = Run(refuse(*bad, error=error)).run()
    assert run.published(DLQ) == list(bad)
    assert run.published(ANSWERS) == [offset for offset in range(8) if offset not in bad]
    assert run.journal[-2:] == [("commit", 8), ("close",)]


def test_halving_finds_the_bad_one_in_few_steps() -> None:
    run = Run(refuse(5, error=ERRORS[0])).run()
    assert run.batches == [8, 4, 4, 2, 1, 1, 2]


def test_wrong_number_of_outcomes_is_a_defect() -> None:
    run = Run(lambda events: answer_all(events)[1:]).run()
    assert run.published(DLQ) == list(range(8))


def test_transient_error_is_tried_again_with_the_whole_batch() -> None:
    left = [1, 1]

    def handle(events: Sequence[Event]) -> Sequence[Outcome]:
        if left:
            left.pop()
            raise TransientError("away", "twice")
        return answer_all(events)

    run = Run(handle, retries=2).run()
    assert run.batches == [8, 8, 8]
    assert run.published(ANSWERS) == list(range(8))
    assert run.figure("vhm_retries_total", stage="handling", reason="away") == 2


def test_used_up_retries_part_the_batch_and_only_the_cause_is_a_dead_letter() -> None:
    run = Run(refuse(2, 6, error=TransientError("away", "for this one")), retries=1).run()
    assert run.batches == [8, 8, *[1] * 8]
    assert run.published(DLQ) == [2, 6]
    assert run.published(ANSWERS) == [0, 1, 3, 4, 5, 7]


def test_an_outage_costs_one_event_of_a_batch() -> None:
    is_away = [True]
    # Asked before reading, after the first dead letter, and once more while it holds.
    said = [None, "away", "away"]

    def gate() -> str | None:
        cause = said.pop(0) if said else None
        is_away[0] = is_away[0] and bool(said)
        return cause

    def handle(events: Sequence[Event]) -> Sequence[Outcome]:
        if is_away[0]:
            raise TransientError("away", "all of it")
        return answer_all(events)

    run = Run(handle, gates={"store": gate}).run()
    assert run.published(DLQ) == [0]
    assert run.published(ANSWERS) == list(range(1, 8))
    assert [entry for entry in run.journal if entry[0] in ("commit", "seek")] == [
        ("commit", 1),
        ("seek", 1),
        ("commit", 8),
    ]


def test_stop_while_a_batch_is_taken_apart_leaves_the_rest() -> None:
    def handle(events: Sequence[Event]) -> Sequence[Outcome]:
        if len(events) > 1:
            raise TransientError("away", "together")
        if events[0].offset == 2:
            run.loop.stop()
        return answer_all(events)

    run = Run(handle)
    run.run()
    assert run.published(ANSWERS) == [0, 1, 2]
    assert run.journal[-2:] == [("commit", 3), ("close",)]


def test_stop_in_the_first_half_leaves_the_second() -> None:
    def handle(events: Sequence[Event]) -> Sequence[Outcome]:
        if len(events) == 8:
            raise PermanentError("no_use", "together")
        run.loop.stop()
        raise TransientError("away", "half")

    run = Run(handle, retries=1)
    run.run()
    assert run.batches == [8, 4]
    assert run.journal == [("close",)]


def test_answer_that_is_refused_for_good_is_a_dead_letter_and_the_others_go_out() -> None:
    run = Run(failures={ANSWERS: [None, TOO_LARGE]})
    run.publisher.failures[ANSWERS] = [TOO_LARGE]
    run.run()
    assert run.published(DLQ) == [0]
    assert run.published(ANSWERS) == list(range(1, 8))
    assert run.journal[-2:] == [("commit", 8), ("close",)]
    assert run.figure("vhm_dead_letters_total", reason="publish_failed") == 1


def test_only_what_was_not_delivered_is_published_again() -> None:
    run = Run(failures={ANSWERS: [AWAY, AWAY]}, retries=1).run()
    assert run.published(ANSWERS) == [*range(2, 8), 0, 1]
    assert run.journal[-2:] == [("commit", 8), ("close",)]
    assert run.figure("vhm_retries_total", stage="publishing", reason="publish_failed") == 1


@pytest.mark.parametrize("cause", ["away", None], ids=["still away", "back meanwhile"])
def test_broker_that_goes_away_while_publishing_loses_nothing_and_fills_no_dead_letters(cause: str | None) -> None:
    said = [None, cause]
    run = Run(failures={ANSWERS: [AWAY] * 8}, gates={"broker": lambda: said.pop(0) if said else None}).run()
    assert run.published(DLQ) == []
    assert run.published(ANSWERS) == list(range(8))
    assert run.batches == [8, 8]
    assert [entry for entry in run.journal if entry[0] != "publish"] == [("seek", 0), ("commit", 8), ("close",)]


def test_events_up_to_the_first_unpublished_one_are_committed() -> None:
    # Of two answers that the broker refuses, one can't even be kept as a dead letter.
    run = Run(lambda events: [Answer(topic_of(event), "k", {"offset": event.offset}) for event in events])
    run.publisher.failures = {"bad": [TOO_LARGE, TOO_LARGE], DLQ: [None, TransientError("publish_failed", "full")]}
    run.publisher.failures[DLQ].pop(0)
    run.run()
    assert [entry for entry in run.journal if entry[0] in ("commit", "seek")] == [
        ("commit", 3),
        ("seek", 3),
        ("commit", 8),
    ]


def topic_of(event: Event) -> str:
    return "bad" if event.offset in (3, 5) else ANSWERS


def test_stop_while_publishing_commits_what_is_out() -> None:
    run = Run(retries=1)
    original = run.publisher._publish

    def publish(message: Any) -> ProcessingError | None:
        if message.key == b"4":
            run.loop.stop()
            return AWAY
        return original(message)

    run.publisher._publish = publish  # type: ignore[method-assign]
    run.run()
    assert run.published(ANSWERS) == [0, 1, 2, 3, 5, 6, 7]
    assert run.journal[-2:] == [("commit", 4), ("close",)]


def test_answer_that_can_not_be_written_is_a_dead_letter() -> None:
    run = Run(lambda events: [Answer(ANSWERS, "k", {"text": "\ud800"}) for _ in events], contents=(b"a",)).run()
    assert run.published(DLQ) == [0]
    assert run.figure("vhm_outcomes_total", outcome="dead_letter") == 1


def test_figures_of_a_batch() -> None:
    run = Run().run()
    assert run.figure("vhm_messages_total") == 8
    assert run.figure("vhm_outcomes_total", outcome="answered") == 8
    assert run.figure("vhm_batch_messages_sum") == 8
    assert run.figure("vhm_batch_seconds_count") == 1
    assert run.figure("vhm_lag_messages", topic=TOPIC, partition="0") == 0
    assert run.figure("vhm_reading") == 1


def test_every_id_is_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    from vhm_common_utils.logs import configure_logs

    configure_logs(worker="indexer", level="INFO")
    contents = tuple(json.dumps({"anchor_id": f"a{number}", "request_id": "r1"}).encode() for number in range(150))
    run = Run(contents=contents)
    run.loop._reader._limits = BatchLimits(messages=200, linger_seconds=1.0)
    run.run()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    answered = [line for line in lines if line["event"] == "answered"]
    assert [line["messages"] for line in answered] == [100, 50]
    assert [one for line in answered for one in line["anchor_ids"]] == [f"a{number}" for number in range(150)]
    assert set(answered[0]["request_ids"]) == {"r1"}


class Group:
    """A consumer whose group takes and gives partitions in the middle of a read."""

    def __init__(self, *reads: Any) -> None:
        self.reads = list(reads)
        self.callbacks: dict[str, Callable[..., None]] = {}
        self.committed: list[tuple[int, int]] = []
        self.portions: list[int] = []

    def subscribe(self, _: list[str], **callbacks: Callable[..., None]) -> None:
        self.callbacks = callbacks

    def poll(self, _: float) -> Any:
        return (self.consume(1, 0.0) or [None])[0]

    def consume(self, most: int, _: float) -> list[Any]:
        self.portions.append(most)
        found = self.reads.pop(0) if self.reads else []
        return found() or [] if callable(found) else found

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        self.committed += [(part.partition, part.offset) for part in offsets]

    def tell(self, what: str, *partitions: int) -> None:
        self.callbacks[what](self, [TopicPartition(TOPIC, partition) for partition in partitions])


class Record(FakeMessage):
    def __init__(self, partition: int, offset: int, content: bytes = b"x") -> None:
        super().__init__(offset, content)
        self.part = partition

    def partition(self) -> int:
        return self.part


def reader(group: Group, limits: BatchLimits | None = None) -> Reader:
    made = Reader(group, limits or BatchLimits(messages=100, linger_seconds=1.0))
    made.subscribe(TOPIC)
    group.tell("on_assign", 0, 1)
    return made


def places(events: Sequence[Event]) -> list[tuple[int, int]]:
    return [(event.partition, event.offset) for event in events]


@pytest.mark.parametrize("how", ["on_revoke", "on_lost"])
def test_events_of_a_partition_that_goes_while_reading_are_let_go(how: str) -> None:
    group = Group([Record(0, 5)], [Record(1, 7)], lambda: group.tell(how, 0))
    found = reader(group).read(0.0)
    assert places(found) == [(1, 7)]


def test_events_of_a_partition_that_goes_and_comes_back_are_read_again() -> None:
    def go_and_come() -> list[Any]:
        group.tell("on_revoke", 0)
        group.tell("on_assign", 0)
        return [Record(0, 5)]

    group = Group([Record(0, 5)], [Record(0, 6)], go_and_come)
    assert places(reader(group).read(0.0)) == [(0, 5)]


def test_partition_that_is_lost_is_not_committed() -> None:
    group = Group()
    member = reader(group)
    group.tell("on_lost", 0)
    member.commit({(TOPIC, 0): 8, (TOPIC, 1): 9})
    member.commit({(TOPIC, 0): 8})
    assert group.committed == [(1, 9)]


def test_commit_that_fails_is_survived() -> None:
    class Rebalancing(Group):
        def commit(self, **_: Any) -> None:
            raise KafkaException(KafkaError(KafkaError.REBALANCE_IN_PROGRESS))

    reader(Rebalancing()).commit({(TOPIC, 0): 8})


def test_batch_ends_at_its_size_in_bytes() -> None:
    large = [[Record(0, offset, b"x" * 600)] for offset in range(9)]
    found = reader(Group(*large), BatchLimits(messages=100, linger_seconds=1.0, size_bytes=1000)).read(0.0)
    assert places(found) == [(0, 0), (0, 1)]


def test_batch_ends_at_its_number_of_messages() -> None:
    group = Group([Record(0, 0)], [Record(0, 1), Record(0, 2)], [Record(0, 3)])
    assert len(reader(group, BatchLimits(messages=3, linger_seconds=1.0)).read(0.0)) == 3
    assert group.portions == [1, 2]


def test_batch_without_linger_takes_what_is_there() -> None:
    group = Group([Record(0, 0)], [Record(0, 1)], [Record(0, 2)])
    assert len(reader(group, BatchLimits(messages=9)).read(0.0)) == 2


class Failure:
    def __init__(self, *, fatal: bool) -> None:
        self.kafka_error = KafkaError(KafkaError._ALL_BROKERS_DOWN, "down", fatal)

    def error(self) -> KafkaError:
        return self.kafka_error


def test_error_among_messages_is_noted_and_passed_over() -> None:
    group = Group([Record(0, 0)], [Failure(fatal=False), Record(0, 1)])
    assert len(reader(group, BatchLimits(messages=9)).read(0.0)) == 2


def test_fatal_error_ends_the_worker() -> None:
    with pytest.raises(KafkaException):
        reader(Group([Failure(fatal=True)])).read(0.0)


def test_one_event_handler_as_a_batch_handler() -> None:
    event = Event(TOPIC, 0, 3, None, None)
    assert each(answer)([event]) == [answer(event)]
