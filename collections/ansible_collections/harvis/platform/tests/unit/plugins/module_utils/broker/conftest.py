"""A broker that lives in memory, behind the same boundary as the real one."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.broker.topics import FoundTopic, TopicPlan


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real: needs a real service, named by an environment variable")


class FakeAdmin:
    """Keeps topics as a broker with one node would; its defaults are one partition and one replica."""

    def __init__(self, *found: FoundTopic) -> None:
        self.found = {topic.name: topic for topic in found}
        self.applied: list[TopicPlan] = []

    def topics(self, configs_of: t.Collection[str]) -> dict[str, FoundTopic]:
        return {
            name: topic if name in configs_of else dataclasses.replace(topic, config={})
            for name, topic in self.found.items()
        }

    def apply(self, plan: TopicPlan) -> None:
        self.applied.append(plan)
        for name in plan.delete:
            del self.found[name]
        for topic in plan.create:
            counts = topic.partitions or 1, topic.replication_factor or 1
            self.found[topic.name] = FoundTopic(topic.name, *counts, config={"retention.ms": "1000", **topic.config})
        for name, count in plan.grow.items():
            self.found[name] = dataclasses.replace(self.found[name], partitions=count)
        for name, config in plan.configure.items():
            merged = {**self.found[name].config, **config}
            self.found[name] = dataclasses.replace(self.found[name], config=merged)


@pytest.fixture
def fake_admin() -> type[FakeAdmin]:
    return FakeAdmin
