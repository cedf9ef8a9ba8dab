"""The Kafka clients: their settings are accepted by the library, and a publication ends with the broker's word."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from vhm_common_utils.broker import Publisher, consumer_config, producer_config
from vhm_common_utils.errors import PermanentError, ProcessingError, TransientError
from vhm_common_utils.messages import Outgoing

MESSAGE = Outgoing("answers", b"r1", b"{}", (("reason", b"none"), ("reason", None)))


def test_consumer_never_commits_by_itself_and_starts_at_the_earliest() -> None:
    settings = consumer_config("127.0.0.1:1", "indexer")
    wanted = {
        "group.id": "indexer",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "allow.auto.create.topics": False,
    }
    assert settings.items() >= wanted.items()
    Consumer(settings).close()


def test_producer_is_idempotent_waits_for_all_replicas_and_reports_before_the_flush_ends() -> None:
    settings = producer_config("127.0.0.1:1", "indexer", 5.0)
    assert settings["acks"] == "all"
    assert settings["enable.idempotence"] is True
    assert settings["message.timeout.ms"] < 5000
    Producer(settings)


class FakeProducer:
    """Answers the delivery callback during `flush`, as the library does, or not at all."""

    def __init__(
        self, verdict: KafkaError | None, *, is_delivered: bool = True, refusal: Exception | None = None
    ) -> None:
        self.verdict = verdict
        self.is_delivered = is_delivered
        self.refusal = refusal
        self.waiting: list[Callable[[KafkaError | None, Any], None]] = []
        self.sent: list[tuple[Any, ...]] = []

    def produce(
        self, topic: str, *, value: bytes, key: bytes, headers: list[Any], on_delivery: Callable[..., None]
    ) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.waiting.append(on_delivery)
        self.sent.append((topic, key, value, headers))

    def flush(self, _: float) -> int:
        while self.is_delivered and self.waiting:
            self.waiting.pop(0)(self.verdict, None)
        return len(self.waiting)


def publish(producer: FakeProducer, *messages: Outgoing) -> list[ProcessingError | None]:
    return Publisher(lambda: producer, 0.1).publish(messages or [MESSAGE])  # type: ignore[arg-type,return-value]


def test_delivered_message() -> None:
    producer = FakeProducer(None)
    assert publish(producer) == [None]
    assert producer.sent == [("answers", b"r1", b"{}", [("reason", b"none"), ("reason", None)])]


def test_each_message_has_a_verdict_of_its_own() -> None:
    class Choosy(FakeProducer):
        def produce(self, topic: str, **fields: Any) -> None:
            if topic == "full":
                raise BufferError
            super().produce(topic, **fields)

        def flush(self, _: float) -> int:
            self.waiting.pop(0)(None, None)
            self.waiting.pop(0)(TOO_LARGE, None)
            return len(self.waiting)

    messages = [Outgoing(topic, None, None) for topic in ("full", "taken", "large", "silent")]
    full, taken, large, silent = publish(Choosy(None), *messages)
    assert (str(full), taken) == ("publish_failed: full: the producer's queue is full", None)
    assert isinstance(large, PermanentError)
    assert str(silent) == "publish_failed: silent: no delivery within 0.1 s"


def test_producer_that_can_do_no_more_is_replaced() -> None:
    broken, fresh = FakeProducer(KafkaError(KafkaError._FATAL)), FakeProducer(None)
    producers = [broken, fresh]
    publisher = Publisher(lambda: producers.pop(0), 0.1)  # type: ignore[arg-type,return-value]
    (error,) = publisher.publish([MESSAGE])
    assert isinstance(error, TransientError)
    assert publisher.publish([MESSAGE]) == [None]
    assert (len(broken.sent), len(fresh.sent)) == (1, 1)


TOO_LARGE = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
FAILURES = [
    ("timed out", FakeProducer(KafkaError(KafkaError._MSG_TIMED_OUT)), TransientError),
    ("unknown topic", FakeProducer(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)), TransientError),
    ("no word", FakeProducer(None, is_delivered=False), TransientError),
    ("queue full", FakeProducer(None, refusal=BufferError()), TransientError),
    ("too large", FakeProducer(TOO_LARGE), PermanentError),
    ("refused at once", FakeProducer(None, refusal=KafkaException(TOO_LARGE)), PermanentError),
]


@pytest.mark.parametrize(("_", "producer", "kind"), FAILURES, ids=[row[0] for row in FAILURES])
def test_undelivered_message_is_an_error(_: str, producer: FakeProducer, kind: type[Exception]) -> None:
    (error,) = publish(producer)
    assert type(error) is kind
    assert str(error).startswith("publish_failed: answers: ")


def test_broker_that_is_away_is_a_cause() -> None:
    publisher = Publisher.connect("127.0.0.1:1", "indexer", 0.1)
    assert (publisher.missing_cause(["anchors-write"]) or "").startswith("the broker does not answer")


def test_missing_topics_are_named() -> None:
    polls: list[float] = []

    class Listing:
        def poll(self, seconds: float) -> None:
            polls.append(seconds)

        def list_topics(self, *, timeout: float) -> SimpleNamespace:
            assert timeout > 0
            return SimpleNamespace(topics={"there": object()})

    publisher = Publisher(Listing, 0.1)  # type: ignore[arg-type]
    assert publisher.missing_cause(["there", "a", "b"]) == "topics that do not exist: a, b"
    assert publisher.missing_cause(["there"]) is None
    assert polls == [0, 0]
