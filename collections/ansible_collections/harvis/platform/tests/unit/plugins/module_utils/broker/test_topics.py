from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.broker.errors import BrokerError
from ansible_collections.harvis.platform.plugins.module_utils.broker.topics import (
    FoundTopic,
    Topic,
    TopicPlan,
    plan_topics,
)

THERE = FoundTopic("a", 2, 1, {"retention.ms": "1000", "cleanup.policy": "compact,delete"})

PLANS: list[tuple[str, Topic, dict[str, t.Any]]] = [
    ("as described", Topic("a", 2, 1, {"retention.ms": "1000"}), {}),
    ("nothing said about numbers", Topic("a"), {}),
    ("a list in another order", Topic("a", config={"cleanup.policy": "delete, compact"}), {}),
    (
        "missing",
        Topic("b", 3),
        {"create": (Topic("b", 3),), "reasons": ("topic b is missing",), "unknown": ("a",)},
    ),
    ("more partitions", Topic("a", 4), {"grow": {"a": 4}, "reasons": ("topic a: partitions 2 -> 4",)}),
    (
        "another configuration",
        Topic("a", config={"retention.ms": "5", "cleanup.policy": "compact,delete"}),
        {"configure": {"a": {"retention.ms": "5"}}, "reasons": ("topic a: retention.ms 1000 -> 5",)},
    ),
    (
        "a configuration that the broker does not show",
        Topic("a", config={"new.key": "x"}),
        {"configure": {"a": {"new.key": "x"}}, "reasons": ("topic a: new.key None -> x",)},
    ),
    ("unwanted", Topic("a", absent=True), {"delete": ("a",), "reasons": ("topic a is there",)}),
    ("unwanted and not there", Topic("b", absent=True), {"unknown": ("a",)}),
]


@pytest.mark.parametrize(("wanted", "expected"), [p[1:] for p in PLANS], ids=[p[0] for p in PLANS])
def test_the_plan_is_what_differs(wanted: Topic, expected: dict[str, t.Any]) -> None:
    plan = plan_topics([wanted], {"a": THERE})
    assert plan == TopicPlan(**expected)
    assert plan.changed is bool(expected.get("reasons"))


UNMENDABLE: list[tuple[str, Topic, str]] = [
    ("fewer partitions", Topic("a", 1), "it has 2 partitions and is described with 1"),
    ("more replicas", Topic("a", 2, 3), "it has 1 replicas and is described with 3"),
]


@pytest.mark.fault("F77", code="KFK-DRIFT", when="after deploy")
@pytest.mark.parametrize(("wanted", "cause"), [u[1:] for u in UNMENDABLE], ids=[u[0] for u in UNMENDABLE])
def test_what_cannot_be_mended_is_a_finding(wanted: Topic, cause: str) -> None:
    plan = plan_topics([wanted], {"a": THERE})
    assert [(f.code, f.subject, f.cause) for f in plan.findings] == [("KFK-DRIFT", "topic a", cause)]
    assert plan.changed is False


def test_topics_that_nobody_described_are_told_and_left_alone() -> None:
    found = {name: FoundTopic(name, 1, 1, internal=name.startswith("__")) for name in ("typo", "a", "__offsets")}
    plan = plan_topics([Topic("a")], found)
    assert (plan.unknown, plan.internal, plan.changed) == (("typo",), ("__offsets",), False)


PARAMS: list[tuple[dict[str, t.Any], Topic]] = [
    ({"name": "a"}, Topic("a")),
    (
        {"name": "a", "partitions": 3, "replication_factor": 1, "config": {"retention.ms": 604800000}},
        Topic("a", 3, 1, {"retention.ms": "604800000"}),
    ),
    ({"name": "a", "config": {"preallocate": True}}, Topic("a", config={"preallocate": "true"})),
    ({"name": "a", "state": "absent"}, Topic("a", absent=True)),
]


@pytest.mark.parametrize(("params", "topic"), PARAMS)
def test_parameters_become_a_topic(params: dict[str, t.Any], topic: Topic) -> None:
    assert Topic.from_params(params) == topic


BAD: list[tuple[dict[str, t.Any], str]] = [
    ({"name": "a b"}, "this is not a topic name"),
    ({"name": "."}, "this is not a topic name"),
    ({"name": "x" * 250}, "this is not a topic name"),
    ({"name": "a", "partitions": 0}, "partitions is 0"),
    ({"name": "a", "replication_factor": -1}, "replication_factor is -1"),
]


@pytest.mark.parametrize(("params", "message"), BAD)
def test_what_kafka_would_not_take_is_refused_at_once(params: dict[str, t.Any], message: str) -> None:
    with pytest.raises(BrokerError, match=message):
        Topic.from_params(params)
