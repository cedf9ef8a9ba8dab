"""Kafka clients: a consumer that commits by hand, and a publisher that returns once the broker has spoken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from vhm_common_utils.errors import PermanentError, ProcessingError, TransientError
from vhm_common_utils.messages import Outgoing

PUBLISH_FAILED = "publish_failed"
METADATA_TIMEOUT_SECONDS = 2.0
_REPEAT_LOG_SECONDS = 30.0
# What no retry changes, whatever the state of the broker.
_REFUSED = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError._INVALID_ARG,
    }
)


class ErrorLog:
    """Logs a client's errors: each kind at once and then every half minute, however often the client repeats it."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("vhm.kafka")
        self._logged_at: dict[str, float] = {}

    def __call__(self, error: KafkaError) -> None:
        now = time.monotonic()
        if now - self._logged_at.get(error.name(), -_REPEAT_LOG_SECONDS) >= _REPEAT_LOG_SECONDS:
            self._logged_at[error.name()] = now
            self._log.warning("kafka_client_error", code=error.name(), detail=error.str())


def _common(bootstrap: str, client: str) -> dict[str, Any]:
    return {
        "bootstrap.servers": bootstrap,
        "client.id": client,
        # Errors come through the consumer's error_cb; the library's own log would repeat each on standard error.
        "log_level": 2,
        "reconnect.backoff.max.ms": 2000,
        # A topic that is made after the worker's start is noticed in seconds, not in the default five minutes.
        "topic.metadata.refresh.interval.ms": 5000,
        "allow.auto.create.topics": False,
    }


def consumer_config(bootstrap: str, group: str) -> dict[str, Any]:
    return {
        **_common(bootstrap, f"vhm-{group}"),
        "error_cb": ErrorLog(),
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "partition.assignment.strategy": "cooperative-sticky",
        "fetch.wait.max.ms": 50,
        "fetch.queue.backoff.ms": 50,
        "queued.min.messages": 2000,
        "queued.max.messages.kbytes": 8192,
        "session.timeout.ms": 10_000,
        "heartbeat.interval.ms": 1000,
        # A retelling by a slow model takes minutes at worst, one provider after the other.
        "max.poll.interval.ms": 600_000,
    }


def producer_config(bootstrap: str, client: str, delivery_timeout: float) -> dict[str, Any]:
    return {
        **_common(bootstrap, f"vhm-{client}"),
        "acks": "all",
        "enable.idempotence": True,
        # Gathers what one batch publishes into few requests; the flush behind it does not wait for this.
        "linger.ms": 5,
        # Below the time that `publish` waits, so that the broker's verdict always comes before the wait ends.
        "message.timeout.ms": max(1, int(delivery_timeout * 800)),
    }


def make_consumer(bootstrap: str, group: str) -> Consumer:
    return Consumer(consumer_config(bootstrap, group))


class Publisher:
    """Publishes many messages at a time and waits for the broker's word on each.

    The producer is idempotent: what it sends again on its own, after a connection broke, is kept once and in order.
    """

    def __init__(self, make_producer: Callable[[], Producer], flush_timeout: float) -> None:
        self._make_producer = make_producer
        self._producer = make_producer()
        self._flush_timeout = flush_timeout

    @classmethod
    def connect(cls, bootstrap: str, client: str, flush_timeout: float) -> Publisher:
        settings = producer_config(bootstrap, client, flush_timeout)
        return cls(lambda: Producer(settings), flush_timeout)

    def publish(self, messages: Sequence[Outgoing]) -> list[ProcessingError | None]:
        """Return when the broker has spoken, or the time is up: for each message None, or why it is not delivered."""
        slots = [_Slot(message.topic) for message in messages]
        for message, slot in zip(messages, slots, strict=True):
            self._produce(message, slot)
        self._producer.flush(self._flush_timeout)
        if any(slot.is_fatal for slot in slots):
            # Nothing goes through this producer any more. What it still holds has no verdict and is published anew.
            self._producer = self._make_producer()
        return [slot.error(self._flush_timeout) for slot in slots]

    def _produce(self, message: Outgoing, slot: _Slot) -> None:
        try:
            self._producer.produce(
                message.topic,
                value=message.value,
                key=message.key,
                headers=list(message.headers),
                on_delivery=slot.settle,
            )
        except BufferError:
            slot.refuse(TransientError(PUBLISH_FAILED, f"{message.topic}: the producer's queue is full"))
        except KafkaException as error:
            slot.settle(error.args[0])

    def missing_cause(self, topics: Iterable[str]) -> str | None:
        """Why the broker can't serve these topics now."""
        # A producer that is never polled keeps an event for every failed connection, and would grow while it waits.
        self._producer.poll(0)
        try:
            found = self._producer.list_topics(timeout=METADATA_TIMEOUT_SECONDS).topics
        except KafkaException as error:
            return f"the broker does not answer: {error.args[0].str()}"
        missing = [topic for topic in topics if topic not in found]
        return f"topics that do not exist: {', '.join(missing)}" if missing else None

    def close(self) -> None:
        self._producer.flush(self._flush_timeout)


class _Slot:
    """What became of one message."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._is_settled = False
        self._error: ProcessingError | None = None
        self.is_fatal = False

    def settle(self, error: KafkaError | None, _: object = None) -> None:
        if error is None:
            self._is_settled = True
            return
        self.is_fatal = error.fatal() or error.code() == KafkaError._FATAL
        self.refuse(_publish_error(self._topic, error))

    def refuse(self, error: ProcessingError) -> None:
        self._is_settled, self._error = True, error

    def error(self, waited: float) -> ProcessingError | None:
        if self._is_settled:
            return self._error
        return TransientError(PUBLISH_FAILED, f"{self._topic}: no delivery within {waited:g} s")


def _publish_error(topic: str, error: KafkaError) -> ProcessingError:
    kind = PermanentError if error.code() in _REFUSED else TransientError
    return kind(PUBLISH_FAILED, f"{topic}: {error.str()}")
