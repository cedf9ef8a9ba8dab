"""The module's work on a real broker: ``HARVIS_TEST_KAFKA`` is its address (host:port).

``HARVIS_TEST_KAFKA_MISADVERTISED``, optional, is a listener of it that sends clients to where nothing listens.
"""

from __future__ import annotations

import os
import typing as t
import uuid

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.broker.admin import KafkaAdmin
from ansible_collections.harvis.platform.plugins.module_utils.broker.converge import converge_topics
from ansible_collections.harvis.platform.plugins.module_utils.broker.errors import BrokerError
from ansible_collections.harvis.platform.plugins.module_utils.broker.topics import Topic

BROKER = os.environ.get("HARVIS_TEST_KAFKA", "")
MISADVERTISED = os.environ.get("HARVIS_TEST_KAFKA_MISADVERTISED", "")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not BROKER, reason="HARVIS_TEST_KAFKA names no broker"),
]


@pytest.fixture
def admin() -> KafkaAdmin:
    return KafkaAdmin(BROKER, 20)


@pytest.fixture
def name(admin: KafkaAdmin) -> t.Iterator[str]:
    topic = f"harvis-test-{uuid.uuid4().hex[:8]}"
    yield topic
    converge_topics(admin, [Topic(topic, absent=True)], check_mode=False)


STEPS: list[tuple[str, dict[str, t.Any], dict[str, t.Any], str]] = [
    ("create", {}, {"partitions": 2, "config": {"retention.ms": "60000"}}, "is missing"),
    ("grow", {"partitions": 1}, {"partitions": 3}, "partitions 1 -> 3"),
    ("configure", {"config": {"retention.ms": "1"}}, {"config": {"retention.ms": "2"}}, "retention.ms 1 -> 2"),
    (
        "override a default",
        {"partitions": 1},
        {"config": {"cleanup.policy": "compact"}},
        "cleanup.policy delete -> compact",
    ),
    ("delete", {"partitions": 1}, {"absent": True}, "is there"),
]


@pytest.mark.parametrize(("before", "wanted", "reason"), [s[1:] for s in STEPS], ids=[s[0] for s in STEPS])
def test_check_then_do_then_nothing(
    admin: KafkaAdmin, name: str, before: dict[str, t.Any], wanted: dict[str, t.Any], reason: str
) -> None:
    if before:
        converge_topics(admin, [Topic(name, **before)], check_mode=False)
    described = [Topic(name, **wanted)]
    foreseen = converge_topics(admin, described, check_mode=True)
    assert converge_topics(admin, described, check_mode=True)["changed"] is True
    done = converge_topics(admin, described, check_mode=False)
    assert foreseen["reasons"] == done["reasons"]
    assert done["reasons"][0].endswith(reason)
    assert converge_topics(admin, described, check_mode=False)["changed"] is False


def test_an_unknown_configuration_is_refused_with_the_brokers_reason(admin: KafkaAdmin, name: str) -> None:
    with pytest.raises(BrokerError, match="INVALID_CONFIG") as caught:
        converge_topics(admin, [Topic(name, config={"retention.mss": "1"})], check_mode=False)
    assert [(f.code, f.subject) for f in caught.value.findings] == [("KFK-REFUSED", f"topic {name}")]


def test_a_refusal_does_not_keep_back_the_others(admin: KafkaAdmin, name: str) -> None:
    wanted = [Topic(name, 1), Topic(f"{name}-bad", replication_factor=99)]
    with pytest.raises(BrokerError, match=f"KFK-REFUSED topic {name}-bad"):
        converge_topics(admin, wanted, check_mode=False)
    assert name in admin.topics(())


def test_fewer_partitions_are_a_finding(admin: KafkaAdmin, name: str) -> None:
    converge_topics(admin, [Topic(name, 3)], check_mode=False)
    with pytest.raises(BrokerError, match="KFK-DRIFT"):
        converge_topics(admin, [Topic(name, 2)], check_mode=False)


@pytest.mark.skipif(not MISADVERTISED, reason="HARVIS_TEST_KAFKA_MISADVERTISED names no listener")
def test_f79_an_advertised_address_that_leads_nowhere_is_named() -> None:
    with pytest.raises(BrokerError) as caught:
        KafkaAdmin(MISADVERTISED, 5).topics(())
    (finding,) = caught.value.findings
    assert finding.code == "KFK-UNREACHABLE"
    assert f"{MISADVERTISED} answers and sends clients to " in finding.cause
