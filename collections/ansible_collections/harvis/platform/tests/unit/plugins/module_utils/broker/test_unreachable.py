"""Loopback ports on which nothing, or no Kafka, listens; the client is the real one."""

from __future__ import annotations

import socket
import types
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.broker.admin import KafkaAdmin
from ansible_collections.harvis.platform.plugins.module_utils.broker.errors import BrokerError

pytest.importorskip("confluent_kafka")


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def silent_port() -> t.Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_closed_port_is_named_with_the_reason(closed_port: int) -> None:
    with pytest.raises(BrokerError) as caught:
        KafkaAdmin(f"127.0.0.1:{closed_port}", 1).topics(())
    (finding,) = caught.value.findings
    assert (finding.code, finding.subject) == ("KFK-UNREACHABLE", f"broker 127.0.0.1:{closed_port}")
    assert finding.evidence == f"127.0.0.1:{closed_port}: Connection refused"


def test_something_else_on_the_port_is_told_from_nothing(silent_port: int) -> None:
    with pytest.raises(BrokerError, match="something listens, and does not answer as a Kafka broker"):
        KafkaAdmin(f"127.0.0.1:{silent_port}", 1).topics(())


@pytest.mark.fault("F79", code="KFK-UNREACHABLE", when="after deploy")
def test_f79_an_advertised_address_that_leads_nowhere_is_named(
    monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    broker = types.SimpleNamespace(host="127.0.0.1", port=closed_port)
    metadata = types.SimpleNamespace(brokers={1: broker}, topics={})
    client = types.SimpleNamespace(list_topics=lambda **_: metadata)
    monkeypatch.setattr(KafkaAdmin, "client", lambda _: client)
    with pytest.raises(BrokerError) as caught:
        KafkaAdmin("kafka.example:9092", 1).topics(())
    (finding,) = caught.value.findings
    assert (finding.code, finding.subject) == ("KFK-UNREACHABLE", f"broker 127.0.0.1:{closed_port}")
    assert finding.cause.startswith(f"kafka.example:9092 answers and sends clients to 127.0.0.1:{closed_port}")


def test_an_address_without_a_port_is_told_as_such() -> None:
    with pytest.raises(BrokerError, match="this is not host:port"):
        KafkaAdmin("localhost:", 1).topics(())
