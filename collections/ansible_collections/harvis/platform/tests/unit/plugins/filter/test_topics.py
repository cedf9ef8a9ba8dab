"""Shaping of topic descriptions."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.filter.topics import FilterModule, topic


def test_a_topic_as_the_module_takes_it() -> None:
    (described,) = map(FilterModule().filters()["topic"], ["anchors-write"], [3], [1], [{"retention.ms": "1"}])

    assert described == topic("anchors-write", 3, 1, {"retention.ms": "1"})
    assert described == {
        "name": "anchors-write",
        "partitions": 3,
        "replication_factor": 1,
        "config": {"retention.ms": "1"},
    }
