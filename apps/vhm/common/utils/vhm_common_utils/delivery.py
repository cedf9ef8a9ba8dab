"""Publishing what a batch decided: every event leaves an answer or a dead letter behind, or is not done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from vhm_common_utils.deciding import INTERNAL_ERROR, LATER, Decision, Surroundings
from vhm_common_utils.errors import PermanentError, ProcessingError, TransientError
from vhm_common_utils.messages import Answer, DeadLetter, Event, Outcome, Outgoing, to_outgoing
from vhm_common_utils.retry import RetryPolicy, StopRequested

_ONCE = RetryPolicy(retries=0, backoff_seconds=0.0)


class Publishes(Protocol):
    """What delivery needs of a producer: a verdict for each message, None for a delivered one."""

    def publish(self, messages: Sequence[Outgoing]) -> list[ProcessingError | None]: ...


class Delivery:
    """Publishes outcomes; what can't be published as an answer is kept as a dead letter."""

    def __init__(self, publisher: Publishes, retries: RetryPolicy, around: Surroundings) -> None:
        self._publisher = publisher
        self._retries = retries
        self._around = around
        self._log = structlog.get_logger("vhm.delivery")

    def deliver(self, events: Sequence[Event], decisions: Sequence[Decision]) -> list[Decision]:
        """What is now published, or needed no message; `LATER` for what is not."""
        done = list(decisions)
        failures = self._publish(events, done, self._retries)
        # An answer that the broker never takes, such as one that is too large, must not keep its event for ever. One
        # that it did not take now is no reason for a dead letter: the event comes again, and with it the answer.
        refused = [
            index
            for index, error in failures.items()
            if isinstance(done[index], Answer) and isinstance(error, PermanentError)
        ]
        kept: list[Decision] = [DeadLetter(failures[index].reason, failures[index].detail) for index in refused]
        unkept = self._publish([events[index] for index in refused], kept, _ONCE)
        for place, index in enumerate(refused):
            done[index] = kept[place]
            del failures[index]
        failures |= {refused[place]: error for place, error in unkept.items()}
        for index in failures:
            done[index] = LATER
        if failures:
            error = next(iter(failures.values()))
            self._log.error("not_published", messages=len(failures), reason=error.reason, detail=error.detail)
        return done

    def _publish(
        self, events: Sequence[Event], done: list[Decision], retries: RetryPolicy
    ) -> dict[int, ProcessingError]:
        """Publish what holds a message; returns why which ones are not. A stop leaves the rest for later in `done`."""
        waiting = {}
        for index, (event, decision) in enumerate(zip(events, done, strict=True)):
            if isinstance(decision, Answer | DeadLetter):
                done[index], waiting[index] = _encoded(event, decision)
        failures: dict[int, ProcessingError] = {}
        if not waiting:
            return failures
        try:
            retries.run(lambda: self._attempt(waiting, failures), self._around.wait, self._around.on_retry)
        except TransientError:
            return failures
        except StopRequested:
            for index in waiting:
                done[index] = LATER
                failures.pop(index, None)
        return failures

    def _attempt(self, waiting: dict[int, Outgoing], failures: dict[int, ProcessingError]) -> None:
        """Publish all that waits; what is delivered or refused for good waits no longer."""
        indexes = list(waiting)
        for index, error in zip(indexes, self._publisher.publish(list(waiting.values())), strict=True):
            if error is not None:
                failures[index] = error
            if error is None or isinstance(error, PermanentError):
                del waiting[index]
            if error is None:
                failures.pop(index, None)
        if waiting:
            error = failures[next(iter(waiting))]
            raise TransientError(error.reason, error.detail)


def _encoded(event: Event, outcome: Answer | DeadLetter) -> tuple[Outcome, Outgoing]:
    try:
        return outcome, to_outgoing(event, outcome)
    except (TypeError, ValueError) as error:
        kept = DeadLetter(INTERNAL_ERROR, f"the answer can't be written: {type(error).__name__}")
        return kept, to_outgoing(event, kept)


def offsets(events: Sequence[Event], done: Sequence[Decision]) -> tuple[Mapping[tuple[str, int], int], ...]:
    """What to commit and where to read again: in each partition, up to its first event that is left for later."""
    commits: dict[tuple[str, int], int] = {}
    rewinds: dict[tuple[str, int], int] = {}
    for event, decision in zip(events, done, strict=True):
        place = event.topic, event.partition
        if decision is LATER:
            rewinds.setdefault(place, event.offset)
        elif place not in rewinds:
            commits[place] = event.offset + 1
    return commits, rewinds
