"""Kafka's own protocol, against the mock cluster that librdkafka carries: real sockets, no Java."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from python_back_end.broker import BrokerState, MessageTooLarge, Received
from python_back_end.kafka_broker import KafkaBroker

TOPICS = ("question", "answer")


class Cluster:
    """Lives as long as the client that made it."""

    def __init__(self) -> None:
        self._host = Producer({"test.mock.num.brokers": 1, "log_level": 2})
        brokers = self._host.list_topics(timeout=10).brokers.values()
        self.address = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def send(self, topic: str, value: bytes, partition: int | None = None) -> None:
        options = {} if partition is None else {"partition": partition}
        self._host.produce(topic, value, **options)
        assert self._host.flush(10) == 0


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def kafka(cluster: Cluster) -> Iterator[KafkaBroker]:
    yield from _open(cluster.address)


def _open(address: str) -> Iterator[KafkaBroker]:
    broker = KafkaBroker(address, topics=TOPICS, answers=("answer",), timeout=5, delivery_timeout=5)
    yield broker
    broker.close()


def next_answer(broker: KafkaBroker) -> Received | None:
    for _ in range(20):
        received = broker.poll(0.5)
        if received is not None:
            return received
    return None


def fail(cause: str) -> None:
    raise AssertionError(cause)


def test_topics_that_are_missing_are_named(cluster: Cluster, kafka: KafkaBroker) -> None:
    assert kafka.check() == BrokerState(missing_topics=TOPICS)
    cluster.send("answer", b"x")
    assert kafka.check() == BrokerState(missing_topics=("question",))


def test_what_was_said_before_is_passed_over_and_what_comes_after_is_not(cluster: Cluster, kafka: KafkaBroker) -> None:
    cluster.send("question", b"x")
    for partition in range(4):
        cluster.send("answer", b"old", partition)
    assert kafka.check() == BrokerState()
    cluster.send("answer", b"new", 2)
    assert next_answer(kafka) == Received("answer", b"new")


def test_every_process_gets_every_answer(cluster: Cluster, kafka: KafkaBroker) -> None:
    cluster.send("question", b"x")
    cluster.send("answer", b"old")
    for second in _open(cluster.address):
        assert kafka.check() == second.check() == BrokerState()
        cluster.send("answer", b"new")
        assert next_answer(kafka) == next_answer(second) == Received("answer", b"new")


def test_what_is_published_arrives(cluster: Cluster, kafka: KafkaBroker) -> None:
    cluster.send("question", b"x")
    cluster.send("answer", b"old")
    kafka.check()
    kafka.publish("answer", "key", b"hello", fail)
    assert next_answer(kafka) == Received("answer", b"hello")


def test_a_message_over_the_brokers_limit_is_told_apart(kafka: KafkaBroker) -> None:
    with pytest.raises(MessageTooLarge):
        kafka.publish("question", "key", b"x" * 2_000_000, fail)


def test_no_broker_is_a_state_and_not_an_exception() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    broker = KafkaBroker(address, topics=TOPICS, answers=("answer",), timeout=0.5, delivery_timeout=1)
    state = broker.check()
    assert state.unreachable is not None
    assert address in state.unreachable
    assert broker.poll(0) is None
    broker.close()


def test_a_publisher_hears_that_nothing_was_delivered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    broker = KafkaBroker(address, topics=TOPICS, answers=("answer",), timeout=0.5, delivery_timeout=0.5)
    causes: list[str] = []
    broker.publish("question", "key", b"hello", causes.append)
    for _ in range(20):
        if causes:
            break
        try:
            broker.poll(0.5)
        except Exception:  # the broker's own complaints come by poll too
            continue
    broker.close()
    assert len(causes) == 1
    assert "timed out" in causes[0]
