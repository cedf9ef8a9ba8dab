"""Reading in batches from what the consumer group gives this member, and saying how far the group is done."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from confluent_kafka import KafkaException, TopicPartition

from vhm_common_utils.broker import ErrorLog
from vhm_common_utils.messages import Event

# Messages are taken in portions, so that a batch of large ones ends soon after its limit in bytes.
_PORTION = 64
_MIB = 1 << 20

Place = tuple[str, int]
"""A topic and a partition of it."""


@dataclass(frozen=True)
class BatchLimits:
    """A batch ends with whichever comes first; `linger_seconds` counts from its first message."""

    messages: int = 1
    linger_seconds: float = 0.0
    size_bytes: int = 4 * _MIB


class Reader:
    """One member of the group. It reads no further while a batch is at hand, so its memory is bounded by one batch.

    The group's callbacks run inside `read`, `hold` and `close` alone: whatever was read is handled and committed before
    the group can take a partition away, and what a call was still gathering from a partition that goes is let go.
    """

    def __init__(self, consumer: Any, limits: BatchLimits) -> None:
        self._consumer = consumer
        self._limits = limits
        self._owned: set[Place] = set()
        self._gathered: list[Event] = []
        self._log = structlog.get_logger("vhm.reader")
        self._log_error = ErrorLog()
        self.is_member = False

    def subscribe(self, topic: str) -> None:
        self._consumer.subscribe([topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost)

    def close(self) -> None:
        """Leave the group: it hands the partitions to the next member at once, without a session timeout."""
        self._consumer.close()

    def read(self, seconds: float) -> list[Event]:
        """Wait so long for a first message, and gather what follows it within the limits."""
        self._gathered = []
        self._take([self._consumer.poll(seconds)])
        ends = time.monotonic() + self._limits.linger_seconds
        while self._gathered and self._has_room():
            left = max(0.0, ends - time.monotonic())
            more = self._consumer.consume(min(_PORTION, self._limits.messages - len(self._gathered)), left)
            self._take(more)
            if not more or left == 0.0:
                break
        return [event for event in self._gathered if (event.topic, event.partition) in self._owned]

    def hold(self, seconds: float) -> bool:
        """Stay in the group without reading: a member that does not poll loses its partitions. False after an error."""
        self._consumer.pause(self._consumer.assignment())
        message = self._consumer.poll(seconds)
        if message is None:
            return True
        if message.error():
            self._note_error(message.error())
            return False
        self.rewind({(message.topic(), message.partition()): message.offset()})
        return True

    def resume(self) -> None:
        self._consumer.resume(self._consumer.assignment())

    def commit(self, offsets: Mapping[Place, int]) -> None:
        """Tell the group which offset comes next in each partition."""
        positions = [TopicPartition(*place, offset) for place, offset in offsets.items() if place in self._owned]
        if not positions:
            return
        try:
            self._consumer.commit(offsets=positions, asynchronous=False)
        except KafkaException as error:
            # The answers are out; the events come again, and every handler gives the same answer to them.
            self._log.warning("commit_failed", detail=error.args[0].str())

    def rewind(self, offsets: Mapping[Place, int]) -> None:
        for place, offset in offsets.items():
            try:
                self._consumer.seek(TopicPartition(*place, offset))
            except KafkaException as error:
                # The partition was taken away meanwhile: its next owner starts at the committed offset.
                self._log.info("not_rewound", detail=error.args[0].str())

    def lag(self) -> dict[Place, int]:
        """How many messages wait behind the last one read, as far as the last answer of the broker told."""
        found = {}
        for position in self._consumer.position([TopicPartition(*place) for place in self._owned]):
            _, end = self._consumer.get_watermark_offsets(position, cached=True)
            if position.offset >= 0 and end >= 0:
                found[position.topic, position.partition] = max(0, end - position.offset)
        return found

    def _has_room(self) -> bool:
        size = sum(len(event.value or b"") for event in self._gathered)
        return len(self._gathered) < self._limits.messages and size < self._limits.size_bytes

    def _take(self, messages: Iterable[Any]) -> None:
        for message in messages:
            # A message without a value is falsy.
            if message is None:
                continue
            if message.error():
                self._note_error(message.error())
                continue
            self._gathered.append(to_event(message))

    def _on_assign(self, _: Any, partitions: list[TopicPartition]) -> None:
        self.is_member = True
        self._owned |= _places(partitions)
        self._log.info("assigned", partitions=[part.partition for part in partitions])

    def _on_revoke(self, _: Any, partitions: list[TopicPartition]) -> None:
        self._let_go(partitions)
        self._log.info("revoked", partitions=[part.partition for part in partitions])

    def _on_lost(self, _: Any, partitions: list[TopicPartition]) -> None:
        self._let_go(partitions)
        self.is_member = False
        self._log.warning("assignment_lost", partitions=[part.partition for part in partitions])

    def _let_go(self, partitions: list[TopicPartition]) -> None:
        gone = _places(partitions)
        self._owned -= gone
        # A partition that comes back later starts at its committed offset, so these come again or go to its next owner.
        self._gathered = [event for event in self._gathered if (event.topic, event.partition) not in gone]

    def _note_error(self, error: Any) -> None:
        if error.fatal():
            raise KafkaException(error)
        self._log_error(error)


def _places(partitions: Iterable[TopicPartition]) -> set[Place]:
    return {(part.topic, part.partition) for part in partitions}


def to_event(message: Any) -> Event:
    return Event(
        message.topic(),
        message.partition(),
        message.offset(),
        message.key(),
        message.value(),
        tuple(message.headers() or ()),
    )
