"""Fakes at the boundary: a log of Kafka, a publisher, a store. Hand-written, and strict about how they are used."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from confluent_kafka import TopicPartition
from vhm_common_utils.data_models import Anchor
from vhm_common_utils.errors import ProcessingError
from vhm_common_utils.messages import Event, Outgoing
from vhm_common_utils.store import Hit, to_payload

TOPIC = "source"


def event(value: Any, topic: str = TOPIC) -> Event:
    raw = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    return Event(topic, 0, 0, b"key", raw)


@dataclass
class FakeMessage:
    """A record of the log."""

    position: int
    content: bytes | None
    own_headers: list[tuple[str, bytes]] | None = None

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.position

    def key(self) -> bytes | None:
        return b"key"

    def value(self) -> bytes | None:
        return self.content

    def headers(self) -> list[tuple[str, bytes]] | None:
        return self.own_headers

    def error(self) -> None:
        return None

    def __len__(self) -> int:
        # As in the real client: a message without a value is falsy.
        return len(self.content or b"")


@dataclass
class FakeConsumer:
    """One partition. Reading moves a position, as in Kafka; only a commit is remembered by the group."""

    contents: Sequence[bytes | None]
    journal: list[tuple[Any, ...]]
    headers: list[tuple[str, bytes]] | None = None
    on_idle: Callable[[], None] = lambda: None
    at: int = 0
    is_paused: bool = False
    callbacks: dict[str, Callable[..., None]] = field(default_factory=dict)

    def subscribe(self, topics: list[str], **callbacks: Callable[..., None]) -> None:
        self.callbacks = callbacks
        callbacks["on_assign"](self, [TopicPartition(topics[0], 0)])

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(TOPIC, 0)]

    def poll(self, _: float) -> FakeMessage | None:
        found = self.consume(1, 0.0)
        if not found:
            self.on_idle()
        return found[0] if found else None

    def consume(self, most: int, _: float) -> list[FakeMessage]:
        if self.is_paused:
            return []
        found = [FakeMessage(self.at + n, one, self.headers) for n, one in enumerate(self.contents[self.at :][:most])]
        self.at += len(found)
        return found

    def position(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition(part.topic, part.partition, self.at) for part in partitions]

    def get_watermark_offsets(self, _: TopicPartition, *, cached: bool) -> tuple[int, int]:
        assert cached
        return 0, len(self.contents)

    def pause(self, _: list[TopicPartition]) -> None:
        self.is_paused = True

    def resume(self, _: list[TopicPartition]) -> None:
        self.is_paused = False

    def seek(self, to: TopicPartition) -> None:
        self.at = to.offset
        self.journal.append(("seek", to.offset))

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        self.journal.append(("commit", offsets[0].offset))

    def close(self) -> None:
        self.journal.append(("close",))


@dataclass
class FakePublisher:
    """Writes what is delivered to the journal; `failures` are given first, one for each message to a topic."""

    journal: list[tuple[Any, ...]]
    failures: dict[str, list[ProcessingError | None]] = field(default_factory=dict)
    delivered: list[Outgoing] = field(default_factory=list)

    def publish(self, messages: Sequence[Outgoing]) -> list[ProcessingError | None]:
        return [self._publish(message) for message in messages]

    def _publish(self, message: Outgoing) -> ProcessingError | None:
        waiting = self.failures.get(message.topic, [])
        if waiting:
            return waiting.pop(0)
        self.delivered.append(message)
        self.journal.append(("publish", message.topic))
        return None


@dataclass
class FakeStore:
    """Anchors in memory, with exact search."""

    payloads: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    stored_vectors: dict[str, Sequence[float]] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    calls: list[tuple[str, int]] = field(default_factory=list)

    def find_many(self, anchor_ids: Sequence[UUID]) -> dict[UUID, Mapping[str, Any]]:
        self._fail("find", len(anchor_ids))
        return {one: self.payloads[str(one)] for one in anchor_ids if str(one) in self.payloads}

    def insert_many(self, anchors: Sequence[Anchor], vectors: Sequence[Sequence[float]]) -> None:
        self._fail("insert", len(anchors))
        for anchor, vector in zip(anchors, vectors, strict=True):
            assert str(anchor.anchor_id) not in self.payloads
            self.add(str(anchor.anchor_id), to_payload(anchor), vector)

    def add(self, anchor_id: str, payload: Mapping[str, Any], vector: Sequence[float]) -> None:
        self.payloads[anchor_id] = payload
        self.stored_vectors[anchor_id] = vector

    def search(self, vector: Sequence[float], limit: int, *, least_salience: float | None = None) -> list[Hit]:
        self._fail("search", limit)
        self.depths.append(limit)
        least = -math.inf if least_salience is None else least_salience
        hits = [
            Hit(anchor_id, sum(a * b for a, b in zip(vector, other, strict=True)), self.payloads[anchor_id])
            for anchor_id, other in self.stored_vectors.items()
            # As in Qdrant: a payload that says nothing of it is in no range.
            if least_salience is None or self.payloads[anchor_id].get("salience", -math.inf) >= least
        ]
        return sorted(hits, key=lambda hit: -hit.similarity)[:limit]

    def vectors(self, anchor_ids: Iterable[str]) -> dict[str, Sequence[float]]:
        return {one: self.stored_vectors[one] for one in anchor_ids if one in self.stored_vectors}

    def _fail(self, call: str, size: int) -> None:
        self.calls.append((call, size))
        if self.failures:
            raise self.failures.pop(0)
