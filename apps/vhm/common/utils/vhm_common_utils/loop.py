"""The loop that every worker shares: read a batch, handle it, publish what it decided, and only then commit."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from confluent_kafka import KafkaException
from prometheus_client import CollectorRegistry

from vhm_common_utils.deciding import LATER, Decider, Decision, Handle, Surroundings
from vhm_common_utils.delivery import Delivery, Publishes, offsets
from vhm_common_utils.errors import TransientError
from vhm_common_utils.health import Check
from vhm_common_utils.messages import Answer, DeadLetter, Event
from vhm_common_utils.metrics import Metrics
from vhm_common_utils.reading import BatchLimits, Reader
from vhm_common_utils.retry import RetryPolicy

HOLD_SECONDS = 0.5
_CORRELATION_KEYS = ("request_id", "anchor_id")
# A line of the log that names more ids than this is cut apart by what collects it.
_IDS_IN_A_LINE = 100


@dataclass(frozen=True)
class LoopSettings:
    """How a worker reads and how often it tries again."""

    handling: RetryPolicy
    publishing: RetryPolicy
    poll_seconds: float = 1.0
    batch: BatchLimits = field(default_factory=BatchLimits)


class ConsumerLoop:
    """Handles one batch at a time. It holds back all events while something that every event needs is missing."""

    def __init__(
        self,
        consumer: Any,
        publisher: Publishes,
        handle: Handle,
        settings: LoopSettings,
        gates: Mapping[str, Check],
        metrics: Metrics | None = None,
    ) -> None:
        self._reader = Reader(consumer, settings.batch)
        self._settings = settings
        self._gates = gates
        self._metrics = metrics or Metrics(CollectorRegistry())
        self._stop = threading.Event()
        self._is_open = False
        self._hold_cause = ""
        self._log = structlog.get_logger("vhm.loop")
        self._decider = Decider(handle, settings.handling, self._surroundings("handling"))
        self._delivery = Delivery(publisher, settings.publishing, self._surroundings("publishing"))

    def stop(self) -> None:
        """Ask the loop to end after the batch at hand."""
        self._stop.set()

    def run(self, topic: str) -> None:
        self._reader.subscribe(topic)
        self._log.info("subscribed", topic=topic)
        try:
            while not self._stop.is_set():
                self._turn()
        finally:
            self._reader.close()
            self._log.info("stopped", topic=topic)

    def assignment_cause(self) -> str | None:
        """Why this member gets no events; a member for whom no partition is left over stands by and is ready."""
        return None if self._reader.is_member else "the consumer group has not assigned this worker yet"

    def hold_cause(self) -> str | None:
        """Why the loop holds events back."""
        return None if self._is_open else self._hold_cause or "the worker is starting"

    def _surroundings(self, stage: str) -> Surroundings:
        return Surroundings(
            wait=self._stop.wait,
            is_stopping=self._stop.is_set,
            is_clear=lambda: self._is_open or self._try_to_open(),
            on_suspicion=self._close,
            on_retry=lambda attempt, error: self._note_retry(stage, attempt, error),
        )

    def _turn(self) -> None:
        if not self._is_open and not self._try_to_open():
            if not self._reader.hold(HOLD_SECONDS):
                # An error comes at once, so without a pause this turn would spin.
                self._stop.wait(HOLD_SECONDS)
            return
        events = self._reader.read(self._settings.poll_seconds)
        if events:
            self._process(events)
        self._note_lag()

    def _try_to_open(self) -> bool:
        causes = {name: cause for name, gate in self._gates.items() if (cause := gate())}
        if causes:
            self._note_hold("; ".join(f"{name}: {cause}" for name, cause in causes.items()))
            return False
        self._is_open, self._hold_cause = True, ""
        self._reader.resume()
        self._metrics.is_reading.set(1)
        self._log.info("reading")
        return True

    def _close(self) -> None:
        self._is_open = False
        self._metrics.is_reading.set(0)

    def _note_hold(self, cause: str) -> None:
        if cause != self._hold_cause:
            self._hold_cause = cause
            self._log.warning("waiting", cause=cause)

    def _process(self, events: Sequence[Event]) -> None:
        started = time.monotonic()
        self._metrics.messages.inc(len(events))
        self._metrics.batch_messages.observe(len(events))
        with _named(events):
            done = self._delivery.deliver(events, self._decider.decide(events))
            commits, rewinds = offsets(events, done)
            self._reader.commit(commits)
            if rewinds:
                self._leave_for_later(rewinds)
        seconds = time.monotonic() - started
        self._metrics.batch_seconds.observe(seconds)
        self._note_done(events, done, seconds)

    def _leave_for_later(self, rewinds: Mapping[tuple[str, int], int]) -> None:
        if self._stop.is_set():
            self._log.info(
                "left_for_later", partitions={partition: offset for (_, partition), offset in rewinds.items()}
            )
            return
        self._close()
        self._reader.rewind(rewinds)

    def _note_retry(self, stage: str, attempt: int, error: TransientError) -> None:
        self._metrics.retries.labels(stage, error.reason).inc()
        self._log.warning("retrying", attempt=attempt, reason=error.reason, detail=error.detail)

    def _note_lag(self) -> None:
        try:
            self._metrics.set_lag(self._reader.lag())
        except KafkaException as error:
            self._log.debug("lag_unknown", detail=error.args[0].str())

    def _note_done(self, events: Sequence[Event], done: Sequence[Decision], seconds: float) -> None:
        """One line for each dead letter, and one for all answers to a topic, with the ids by which it is found."""
        answered: dict[str, list[Event]] = defaultdict(list)
        for event, decision in zip(events, done, strict=True):
            if decision is LATER:
                continue
            self._metrics.outcomes.labels(_word(decision)).inc()
            if isinstance(decision, DeadLetter):
                self._note_dead_letter(event, decision)
            elif isinstance(decision, Answer):
                answered[decision.topic].append(event)
        for topic, some in answered.items():
            self._note_answers(topic, some, round(seconds, 4))

    def _note_dead_letter(self, event: Event, letter: DeadLetter) -> None:
        self._metrics.dead_letters.labels(letter.reason).inc()
        facts = {"partition": event.partition, "offset": event.offset, **correlation(event.value)}
        self._log.error("dead_letter", reason=letter.reason, detail=letter.detail, **facts)

    def _note_answers(self, topic: str, events: Sequence[Event], seconds: float) -> None:
        for start in range(0, len(events), _IDS_IN_A_LINE):
            some = events[start : start + _IDS_IN_A_LINE]
            if len(events) == 1:
                place = {"partition": some[0].partition, "offset": some[0].offset}
                self._log.info("answered", topic=topic, seconds=seconds, **place, **correlation(some[0].value))
            else:
                self._log.info("answered", topic=topic, seconds=seconds, messages=len(some), **_ids(some))


def _word(decision: Decision) -> str:
    if isinstance(decision, Answer):
        return "answered"
    return "dead_letter" if isinstance(decision, DeadLetter) else "nothing_to_say"


@contextmanager
def _named(events: Sequence[Event]) -> Iterator[None]:
    """Every line that is written meanwhile says which event it is about, or how many."""
    names: dict[str, Any] = correlation(events[0].value) if len(events) == 1 else {"batch": len(events)}
    with structlog.contextvars.bound_contextvars(**names):
        yield


def _ids(events: Sequence[Event]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for event in events:
        for key, value in correlation(event.value).items():
            found[f"{key}s"].append(value)
    return found


def correlation(value: bytes | None) -> dict[str, str]:
    """The ids by which a line of the log is found again."""
    try:
        fields = json.loads(value or b"")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(fields, dict):
        return {}
    return {key: fields[key] for key in _CORRELATION_KEYS if isinstance(fields.get(key), str)}
