"""The loop that every worker shares: read, handle, publish, and only then commit."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from confluent_kafka import KafkaException, TopicPartition

from vhm_common_utils.broker import ErrorLog
from vhm_common_utils.errors import PermanentError, ProcessingError, TransientError
from vhm_common_utils.health import Check
from vhm_common_utils.messages import DeadLetter, Event, Outcome, Outgoing, to_outgoing
from vhm_common_utils.retry import RetryPolicy, StopRequested

INTERNAL_ERROR = "internal_error"
HOLD_SECONDS = 0.5
_CORRELATION_KEYS = ("request_id", "anchor_id")

Handle = Callable[[Event], Outcome]


class Publishes(Protocol):
    """What the loop needs of a producer."""

    def publish(self, message: Outgoing) -> None: ...


@dataclass(frozen=True)
class LoopSettings:
    """How a worker reads and how often it tries again."""

    handling: RetryPolicy
    publishing: RetryPolicy
    poll_seconds: float = 1.0


class ConsumerLoop:
    """Handles one event at a time. It holds back all of them while something that every event needs is missing."""

    def __init__(
        self,
        consumer: Any,
        publisher: Publishes,
        handle: Handle,
        settings: LoopSettings,
        gates: Mapping[str, Check],
    ) -> None:
        self._consumer = consumer
        self._publisher = publisher
        self._handle = handle
        self._settings = settings
        self._gates = gates
        self._stop = threading.Event()
        self._is_open = False
        self._hold_cause = ""
        self._joined = False
        self._log = structlog.get_logger("vhm.loop")
        self._log_error = ErrorLog()

    def stop(self) -> None:
        """Ask the loop to end after the event at hand."""
        self._stop.set()

    def run(self, topic: str) -> None:
        self._consumer.subscribe([topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost)
        self._log.info("subscribed", topic=topic)
        try:
            while not self._stop.is_set():
                self._turn()
        finally:
            # Leaving the group hands the partitions to the next member at once, without a session timeout.
            self._consumer.close()
            self._log.info("stopped", topic=topic)

    def assignment_cause(self) -> str | None:
        """Why this member gets no events; a member for whom no partition is left over stands by and is ready."""
        return None if self._joined else "the consumer group has not assigned this worker yet"

    def hold_cause(self) -> str | None:
        """Why the loop holds events back."""
        return None if self._is_open else self._hold_cause or "the worker is starting"

    def _turn(self) -> None:
        if not self._is_open and not self._try_to_open():
            self._hold()
            return
        message = self._consumer.poll(self._settings.poll_seconds)
        if message is None:
            return
        if message.error():
            self._note_consumer_error(message.error())
            return
        self._process(message)

    def _try_to_open(self) -> bool:
        causes = {name: cause for name, gate in self._gates.items() if (cause := gate())}
        if causes:
            self._note_hold("; ".join(f"{name}: {cause}" for name, cause in causes.items()))
            return False
        self._is_open, self._hold_cause = True, ""
        self._consumer.resume(self._consumer.assignment())
        self._log.info("reading")
        return True

    def _note_hold(self, cause: str) -> None:
        if cause != self._hold_cause:
            self._hold_cause = cause
            self._log.warning("waiting", cause=cause)

    def _hold(self) -> None:
        """Stay in the group without reading: a member that does not poll loses its partitions."""
        self._consumer.pause(self._consumer.assignment())
        message = self._consumer.poll(HOLD_SECONDS)
        if message is None:
            return
        if message.error():
            # An error comes at once, so without a pause this turn would spin.
            self._note_consumer_error(message.error())
            self._stop.wait(HOLD_SECONDS)
            return
        self._rewind(message)

    def _process(self, message: Any) -> None:
        event = Event(message.topic(), message.partition(), message.offset(), message.key(), message.value())
        started = time.monotonic()
        with structlog.contextvars.bound_contextvars(**correlation(event.value)):
            try:
                outcome = self._decide(event)
                published = self._publish(event, outcome)
            except StopRequested:
                self._log.info("left_for_later", partition=event.partition, offset=event.offset)
                return
            except ProcessingError as error:
                # Not even the dead letter could be kept, so the event stays where it is until the broker is back.
                self._log.error("not_published", reason=error.reason, detail=error.detail)
                self._is_open = False
                self._rewind(message)
                return
            self._commit(event)
            self._note_done(event, published, time.monotonic() - started)

    def _decide(self, event: Event) -> Outcome:
        try:
            return self._settings.handling.run(lambda: self._handle(event), self._stop.wait, self._note_retry)
        except TransientError as error:
            # Whatever was away for this event is likely away for the next: look before reading on.
            self._is_open = False
            return DeadLetter(error.reason, error.detail)
        except PermanentError as error:
            return DeadLetter(error.reason, error.detail)
        except StopRequested:
            raise
        except Exception as error:
            # A defect of ours on one event must not stop all the others, nor lose the event.
            self._log.exception("handler_failed")
            return DeadLetter(INTERNAL_ERROR, f"{type(error).__name__}: {error}")

    def _publish(self, event: Event, outcome: Outcome) -> Outcome:
        """Publish the outcome, or else the event itself as a dead letter; returns what was published."""
        message = to_outgoing(event, outcome)
        try:
            self._settings.publishing.run(lambda: self._publisher.publish(message), self._stop.wait, self._note_retry)
        except ProcessingError as error:
            if isinstance(outcome, DeadLetter):
                raise
            outcome = DeadLetter(error.reason, error.detail)
            self._publisher.publish(to_outgoing(event, outcome))
        return outcome

    def _commit(self, event: Event) -> None:
        try:
            self._consumer.commit(
                offsets=[TopicPartition(event.topic, event.partition, event.offset + 1)], asynchronous=False
            )
        except KafkaException as error:
            # The answer is out; the event comes again, and every handler gives the same answer to it.
            self._log.warning("commit_failed", detail=error.args[0].str())

    def _rewind(self, message: Any) -> None:
        position = TopicPartition(message.topic(), message.partition(), message.offset())
        try:
            self._consumer.seek(position)
        except KafkaException as error:
            # The partition was taken away meanwhile: its next owner starts at the committed offset, which is this one.
            self._log.info("not_rewound", detail=error.args[0].str())

    def _on_assign(self, _: Any, partitions: list[TopicPartition]) -> None:
        self._joined = True
        self._log.info("assigned", partitions=[part.partition for part in partitions])

    def _on_revoke(self, _: Any, partitions: list[TopicPartition]) -> None:
        self._log.info("revoked", partitions=[part.partition for part in partitions])

    def _on_lost(self, _: Any, partitions: list[TopicPartition]) -> None:
        self._joined = False
        self._log.warning("assignment_lost", partitions=[part.partition for part in partitions])

    def _note_retry(self, attempt: int, error: TransientError) -> None:
        self._log.warning("retrying", attempt=attempt, reason=error.reason, detail=error.detail)

    def _note_consumer_error(self, error: Any) -> None:
        if error.fatal():
            raise KafkaException(error)
        self._log_error(error)

    def _note_done(self, event: Event, outcome: Outcome, seconds: float) -> None:
        facts = {"partition": event.partition, "offset": event.offset, "seconds": round(seconds, 4)}
        if isinstance(outcome, DeadLetter):
            self._log.error("dead_letter", reason=outcome.reason, detail=outcome.detail, **facts)
        else:
            self._log.info("answered", topic=outcome.topic, **facts)


def correlation(value: bytes | None) -> dict[str, str]:
    """The ids by which a line of the log is found again."""
    try:
        fields = json.loads(value or b"")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(fields, dict):
        return {}
    return {key: fields[key] for key in _CORRELATION_KEYS if isinstance(fields.get(key), str)}
