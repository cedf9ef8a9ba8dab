"""The replay of dead letters: as they came, marked, a bounded number of times, and never beyond what was there."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from vhm_common_utils import replay
from vhm_common_utils.errors import TransientError
from vhm_common_utils.messages import Answer, DeadLetter, Event, Headers, Outgoing, to_outgoing
from vhm_common_utils.replay import Choice, Replay, ReplayError, letter_to_message, parse, replays
from vhm_fakes import FakePublisher

TOPIC = "anchors-write"
DLQ = f"{TOPIC}.dlq"
OWN: Headers = (("trace", b"t1"), ("reason", b"the event's own"), ("empty", None))


def letter(offset: int = 0, *, headers: Headers = OWN, value: bytes | None = b"\xff raw", partition: int = 0) -> Event:
    event = Event(TOPIC, 2, 40 + offset, b"key", value, headers)
    kept = to_outgoing(event, DeadLetter("qdrant_storage_failed", "away"))
    return Event(kept.topic, partition, offset, kept.key, kept.value, kept.headers)


def marked(count: int) -> Headers:
    return (("replays", str(count).encode()),)


def test_message_goes_back_as_it_came_and_marked() -> None:
    assert letter_to_message(letter()) == Outgoing(TOPIC, b"key", b"\xff raw", (*OWN, ("replays", b"1")))


def test_mark_counts_and_is_not_repeated() -> None:
    assert letter_to_message(letter(headers=marked(1))).headers == marked(2)
    assert [replays(headers) for headers in ((), marked(2), (("replays", b"x"),), (("replays", None),))] == [0, 2, 0, 0]


@pytest.mark.parametrize("headers", [(), (("source-topic", DLQ.encode()),), (("source-topic", None),)])
def test_letter_that_names_no_topic_is_refused(headers: Headers) -> None:
    with pytest.raises(ValueError, match="names no topic"):
        letter_to_message(Event(DLQ, 0, 0, None, b"", headers))


class Record:
    """A message of the client's, from an event."""

    def __init__(self, event: Event, error: KafkaError | None = None) -> None:
        self.event, self.failure = event, error

    def __getattr__(self, name: str) -> Any:
        return lambda: getattr(self.event, name)

    def headers(self) -> list[tuple[str, bytes | None]]:
        return list(self.event.headers)

    def error(self) -> KafkaError | None:
        return self.failure


class Letters:
    """A dead-letter topic, and what a group committed in it."""

    def __init__(self, *partitions: list[Event], first: int = 0, committed: int = -1001) -> None:
        self.partitions = partitions
        self.first = first
        self.group = dict.fromkeys(range(len(partitions)), committed)
        self.ends = [len(letters) for letters in partitions]
        self.assigned = TopicPartition(DLQ, 0, 0)
        self.topic_error: KafkaError | None = None

    def list_topics(self, topic: str, *, timeout: float) -> Any:
        assert timeout > 0
        parts = dict.fromkeys(range(len(self.partitions)))
        return SimpleNamespace(topics={topic: SimpleNamespace(error=self.topic_error, partitions=parts)})

    def committed(self, parts: list[TopicPartition], *, timeout: float) -> list[TopicPartition]:
        assert timeout > 0
        return [TopicPartition(part.topic, part.partition, self.group[part.partition]) for part in parts]

    def get_watermark_offsets(self, part: TopicPartition, *, timeout: float) -> tuple[int, int]:
        assert timeout > 0
        return self.first, self.ends[part.partition]

    def assign(self, parts: list[TopicPartition]) -> None:
        (self.assigned,) = parts

    def consume(self, most: int, _: float) -> list[Record]:
        letters = self.partitions[self.assigned.partition][self.assigned.offset :][:most]
        self.assigned.offset += len(letters)
        return [Record(one) for one in letters]

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        self.group |= {part.partition: part.offset for part in offsets}


def run(letters: Letters, publisher: FakePublisher | None = None, **choice: Any) -> tuple[list[Any], list[Outgoing]]:
    publisher = publisher or FakePublisher([])
    records = list(Replay(letters, publisher, Choice(DLQ, **choice), wait_seconds=0.1).run())
    return [(one["partition"], one["offset"], one["done"]) for one in records], publisher.delivered


def test_all_letters_of_all_partitions_go_back_and_are_committed() -> None:
    letters = Letters([letter(0), letter(1)], [letter(0, partition=1)])
    done, sent = run(letters)
    assert done == [(0, 0, "sent"), (0, 1, "sent"), (1, 0, "sent")]
    assert [message.topic for message in sent] == [TOPIC] * 3
    assert letters.group == {0: 2, 1: 1}


def test_next_run_starts_behind_the_last() -> None:
    letters = Letters([letter(offset) for offset in range(250)])
    assert len(run(letters, limit=120)[0]) == 120
    assert letters.group == {0: 120}
    assert run(letters)[0][0] == (0, 120, "sent")
    assert run(letters) == ([], [])


def test_letters_that_the_broker_deleted_are_not_waited_for() -> None:
    assert [offset for _, offset, _ in run(Letters([letter(offset) for offset in range(4)], first=2))[0]] == [2, 3]


def test_what_fails_again_meanwhile_is_for_another_run() -> None:
    letters = Letters([letter(0), letter(1)])
    letters.ends = [1]
    assert run(letters)[0] == [(0, 0, "sent")]
    assert letters.group == {0: 1}


def test_dry_run_changes_nothing() -> None:
    letters = Letters([letter(0)])
    assert run(letters, is_dry=True) == ([(0, 0, "would send")], [])
    assert letters.group == {0: -1001}


def test_poison_does_not_circle_for_ever() -> None:
    letters = Letters([letter(0, headers=marked(3)), letter(1, headers=marked(2)), Event(DLQ, 0, 2, None, b"", ())])
    done, sent = run(letters)
    assert done == [(0, 0, "passed over"), (0, 1, "sent"), (0, 2, "passed over")]
    assert [message.headers for message in sent] == [marked(3)]
    assert letters.group == {0: 3}


def test_letters_that_can_not_be_sent_stay() -> None:
    letters = Letters([letter(0), letter(1)])
    publisher = FakePublisher([], {TOPIC: [TransientError("publish_failed", "away")]})
    with pytest.raises(ReplayError, match="1 of 2 letters were not sent: away"):
        run(letters, publisher)
    assert letters.group == {0: -1001}


def test_topic_that_is_not_there_is_named() -> None:
    letters = Letters([])
    letters.topic_error = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
    with pytest.raises(ReplayError, match=r"anchors-write\.dlq: "):
        run(letters)


def test_failures_of_the_broker_are_said() -> None:
    class Away(Letters):
        def committed(self, *_: Any, **__: Any) -> list[TopicPartition]:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    class Deaf(Letters):
        def commit(self, **_: Any) -> None:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    class Broken(Letters):
        def consume(self, *_: Any) -> list[Record]:
            return [Record(letter(0), KafkaError(KafkaError._TRANSPORT))]

    for kind, words in ((Away, "does not answer"), (Deaf, "sent, and not committed"), (Broken, "transport failure")):
        with pytest.raises(ReplayError, match=words):
            run(kind([letter(0)]))


def test_end_that_holds_no_message_ends_the_run() -> None:
    letters = Letters([letter(0)])
    letters.ends = [5]
    assert run(letters)[0] == [(0, 0, "sent")]


def test_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(["--topic", DLQ]) == Choice(DLQ, None, 3, False)
    assert parse(["--topic", DLQ, "--limit", "5", "--most", "1", "--dry-run"]) == Choice(DLQ, 5, 1, True)
    for bad, words in (
        (["--topic", TOPIC], "no dead-letter topic"),
        (["--topic", DLQ, "--limit", "0"], "0 is not a whole number above 0"),
    ):
        with pytest.raises(SystemExit):
            parse(bad)
        assert words in capsys.readouterr().err


def test_command_without_a_broker(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(replay, "WAIT_SECONDS", 0.1)
    monkeypatch.setattr(replay.config, "KAFKA_BOOTSTRAP", "127.0.0.1:1")
    assert replay.main(["--topic", DLQ]) == 1
    assert "replay: the broker does not answer" in capsys.readouterr().err


def test_command_prints_a_line_for_each_letter(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    letters = Letters([letter(0)])
    letters.close = lambda: None  # type: ignore[attr-defined]
    publisher = FakePublisher([])
    monkeypatch.setattr(replay, "Consumer", lambda _: letters)
    monkeypatch.setattr(replay.Publisher, "connect", lambda *_: publisher)
    assert replay.main(["--topic", DLQ]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "partition": 0,
        "offset": 0,
        "done": "sent",
        "to": TOPIC,
        "reason": "qdrant_storage_failed",
    }


def test_dead_letter_keeps_the_mark_of_its_event() -> None:
    """So that a message which was sent back and fails again comes back with its count."""
    event = Event(TOPIC, 0, 0, b"k", b"v", marked(2))
    assert replays(to_outgoing(event, DeadLetter("reason", "detail")).headers) == 2
    assert to_outgoing(event, Answer("t", "k", {})).headers == ()
