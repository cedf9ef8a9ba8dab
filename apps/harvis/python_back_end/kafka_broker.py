"""Kafka behind the Broker protocol, through librdkafka."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from python_back_end.broker import BrokerError, BrokerState, MessageTooLarge, Received

_log = logging.getLogger("python_back_end.kafka")
_CLOSE_SECONDS = 3.0


class KafkaBroker:
    """Reads the answers' partitions by hand, from their end at first sight.

    A consumer group would move partitions about (and miss answers) whenever a back end starts or stops, and commits
    would make a new process answer for the dead. By hand every process sees every answer, from a position that is
    known before the first question is asked.
    """

    def __init__(
        self, bootstrap: str, *, topics: Sequence[str], answers: Sequence[str], timeout: float, delivery_timeout: float
    ) -> None:
        self._topics = tuple(topics)
        self._answers = tuple(answers)
        self._timeout = timeout
        self._bootstrap = bootstrap
        self._read: dict[str, set[int]] = {}
        common: dict[str, str | int] = {
            "bootstrap.servers": bootstrap,
            "client.id": "harvis-backend",
            "reconnect.backoff.ms": 500,
            "reconnect.backoff.max.ms": 5000,
            # librdkafka logs every failed attempt, dozens a second where a name does not resolve; `check` says it once.
            "log_level": 2,
            "socket.connection.setup.timeout.ms": 5000,
        }
        try:
            self._consumer = _consumer(common)
            self._producer = _producer(common, delivery_timeout)
        except KafkaException as error:
            raise BrokerError(_said(error)) from error

    def check(self) -> BrokerState:
        try:
            known = self._consumer.list_topics(timeout=self._timeout).topics
        except KafkaException as error:
            return BrokerState(unreachable=f"{self._bootstrap}: {_said(error)}")
        usable = {name: meta for name, meta in known.items() if meta.error is None and meta.partitions}
        try:
            for name in self._answers:
                if name in usable:
                    self._take_up(name, set(usable[name].partitions))
        except KafkaException as error:
            return BrokerState(unassigned=f"positions not known yet: {_said(error)}")
        return BrokerState(missing_topics=tuple(name for name in self._topics if name not in usable))

    def _take_up(self, topic: str, partitions: set[int]) -> None:
        """Read from a position that was asked for: `latest` is found out later, and skips what came meanwhile."""
        first_sight = topic not in self._read
        fresh = partitions - self._read.get(topic, set())
        if not fresh:
            return
        positions = []
        for partition in sorted(fresh):
            low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=self._timeout)
            # A partition added later holds nothing but news.
            positions.append(TopicPartition(topic, partition, high if first_sight else low))
        self._consumer.incremental_assign(positions)
        self._read[topic] = self._read.get(topic, set()) | fresh

    def poll(self, timeout: float) -> Received | None:
        self._producer.poll(0)
        message = self._consumer.poll(timeout)
        if message is None:
            return None
        error = message.error()
        if error is not None:
            if error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_PARTITION):
                return None  # the next check reports the topic as missing
            raise BrokerError(error.str())
        topic, value = message.topic(), message.value()
        if topic is None or value is None:
            return None
        return Received(topic, value)

    def publish(self, topic: str, key: str, value: bytes, on_failure: Callable[[str], None]) -> None:
        def delivered(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                on_failure(error.str())

        try:
            self._producer.produce(topic, value=value, key=key.encode(), on_delivery=delivered)
        except BufferError as error:
            raise BrokerError("too many messages wait for the broker") from error
        except KafkaException as error:
            if error.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
                raise MessageTooLarge(_said(error)) from error
            raise BrokerError(_said(error)) from error

    def close(self) -> None:
        self._producer.flush(_CLOSE_SECONDS)
        self._consumer.close()


def _said(error: KafkaException) -> str:
    cause = error.args[0] if error.args else error
    return cause.str() if isinstance(cause, KafkaError) else str(cause)


def _consumer(common: dict[str, str | int]) -> Consumer:
    settings = {
        **common,
        "allow.auto.create.topics": False,
        # librdkafka wants a group even where none is joined; nothing is ever committed to it.
        "group.id": f"harvis-backend-{uuid.uuid4()}",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # Only for a topic that was made anew under us: all that it holds is news.
        "auto.offset.reset": "earliest",
    }
    return Consumer(settings, logger=_log)


def _producer(common: dict[str, str | int], delivery_timeout: float) -> Producer:
    settings = {
        **common,
        # Without it a retry could write a memory twice, and the second copy would be refused.
        "enable.idempotence": True,
        "message.timeout.ms": int(delivery_timeout * 1000),
        "linger.ms": 0,
    }
    return Producer(settings, logger=_log)
