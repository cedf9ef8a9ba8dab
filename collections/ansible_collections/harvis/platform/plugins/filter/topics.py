"""Shaping of topic descriptions for the role."""

from __future__ import annotations

import typing as t


def topic(name: str, partitions: int, replication_factor: int, config: dict[str, t.Any]) -> dict[str, t.Any]:
    """The description, for module kafka_topics, of one topic."""
    return {"name": name, "partitions": partitions, "replication_factor": replication_factor, "config": config}


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"topic": topic}
