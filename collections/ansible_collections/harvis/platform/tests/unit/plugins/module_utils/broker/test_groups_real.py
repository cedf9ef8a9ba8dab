"""Consumer groups of a real broker (see test_broker_real.py)."""

from __future__ import annotations

import os
import typing as t
import uuid

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.broker.admin import KafkaAdmin
from ansible_collections.harvis.platform.plugins.module_utils.broker.converge import converge_topics
from ansible_collections.harvis.platform.plugins.module_utils.broker.errors import BrokerError
from ansible_collections.harvis.platform.plugins.module_utils.broker.group_admin import GroupAdmin
from ansible_collections.harvis.platform.plugins.module_utils.broker.groups import Group, prove_groups
from ansible_collections.harvis.platform.plugins.module_utils.broker.topics import Topic

BROKER = os.environ.get("HARVIS_TEST_KAFKA", "")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not BROKER, reason="HARVIS_TEST_KAFKA names no broker"),
]


@pytest.fixture
def topic() -> t.Iterator[str]:
    name = f"harvis-test-{uuid.uuid4().hex[:8]}"
    admin = KafkaAdmin(BROKER, 20)
    converge_topics(admin, [Topic(name, 2)], check_mode=False)
    yield name
    converge_topics(admin, [Topic(name, absent=True)], check_mode=False)


def produce(topic: str, count: int) -> None:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": BROKER})
    for number in range(count):
        producer.produce(topic, value=str(number).encode(), partition=number % 2)
    assert producer.flush(20) == 0


class Member:
    """A consumer that reads one message and commits when it is told to."""

    def __init__(self, topic: str, group: str) -> None:
        from confluent_kafka import Consumer

        settings = {"bootstrap.servers": BROKER, "group.id": group, "auto.offset.reset": "earliest"}
        self.consumer: t.Any = Consumer({**settings, "enable.auto.commit": False})
        self.consumer.subscribe([topic])
        self.message = self.consumer.poll(30)

    def commit(self) -> None:
        self.consumer.commit(self.message, asynchronous=False)

    def __enter__(self) -> Member:
        return self

    def __exit__(self, *_: object) -> None:
        self.consumer.close()


def look(topic: str, group: str, meanwhile: t.Callable[[], None] = lambda: None) -> tuple[list[str], str]:
    """Causes, and the row's evidence."""
    wanted = [Group(group, (topic,), 1)]
    [proof] = prove_groups(GroupAdmin(BROKER, 20), wanted, 3, lambda _seconds: meanwhile())
    return [finding.cause for finding in proof.findings], proof.row.evidence


@pytest.mark.fault("F78", "F81", code="KFK-LAG", when="after deploy", by="real")
def test_a_group_that_nobody_joined(topic: str) -> None:
    produce(topic, 5)
    assert look(topic, topic)[0] == ["it has no member, and 5 messages wait for one"]


@pytest.mark.fault("F80", code="KFK-LAG", when="after deploy", by="real")
def test_a_member_that_works_on_one_message_for_ever(topic: str) -> None:
    produce(topic, 6)
    with Member(topic, topic) as member:
        stuck, evidence = look(topic, topic)
        moving, _ = look(topic, topic, member.commit)

    assert stuck == ["it does not move: 6 messages wait, and nothing was committed in 3 s"]
    assert f"waiting: {topic}/0: 3, {topic}/1: 3" in evidence
    assert moving == []


def test_what_is_committed_does_not_wait(topic: str) -> None:
    produce(topic, 1)
    with Member(topic, topic) as member:
        member.commit()
        assert look(topic, topic) == ([], "1 member, 0 messages wait")


def test_a_topic_that_is_not_there_has_nothing_waiting() -> None:
    assert look("harvis-test-none", "harvis-test-none")[0] == ["it has no member, and 0 messages wait for one"]


def test_a_broker_that_is_not_there_is_named() -> None:
    with pytest.raises(BrokerError, match="KFK-UNREACHABLE"):
        GroupAdmin("127.0.0.1:9", 2).groups([Group("x", ("y",))])
