"""What becomes of a batch: one outcome for each event, whatever the handler meets on the way."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from vhm_common_utils.errors import PermanentError, TransientError
from vhm_common_utils.messages import DeadLetter, Event, Outcome
from vhm_common_utils.retry import RetryPolicy, StopRequested, Wait

INTERNAL_ERROR = "internal_error"

Handle = Callable[[Sequence[Event]], Sequence[Outcome]]
"""A worker's own part: one outcome for each event, in order. It may raise for a whole batch."""


class Later(enum.Enum):
    """The event was not handled: it stays uncommitted and comes again."""

    LATER = enum.auto()


LATER = Later.LATER
Decision = Outcome | Later


def each(handle: Callable[[Event], Outcome]) -> Handle:
    """A handler of batches from one that takes a single event."""
    return lambda events: [handle(event) for event in events]


@dataclass(frozen=True)
class Surroundings:
    """What a decision asks of the loop: waiting, whether all that every event needs is there, and being counted."""

    wait: Wait
    is_stopping: Callable[[], bool]
    is_clear: Callable[[], bool]
    on_suspicion: Callable[[], None]
    on_retry: Callable[[int, TransientError], None]


def side_by_side(handle: Callable[[Event], Outcome], most: int) -> Handle:
    """A handler of batches that has up to `most` events under way at once; the outcomes keep the events' order."""

    def handle_all(events: Sequence[Event]) -> list[Outcome]:
        if len(events) == 1:
            return [handle(events[0])]
        # Made for the batch, so that no thread outlives what it works on.
        with ThreadPoolExecutor(max_workers=min(most, len(events)), thread_name_prefix="event") as pool:
            return list(pool.map(handle, events))

    return handle_all


class Decider:
    """Tries a batch as a whole, and takes it apart where that fails, so that one event never decides over others."""

    def __init__(self, handle: Handle, retries: RetryPolicy, around: Surroundings) -> None:
        self._handle = handle
        self._retries = retries
        self._around = around
        self._log = structlog.get_logger("vhm.decider")

    def decide(self, events: Sequence[Event]) -> list[Decision]:
        return self._decide(events, self._retries)

    def _decide(self, events: Sequence[Event], retries: RetryPolicy) -> list[Decision]:
        try:
            return retries.run(lambda: self._ask(events), self._around.wait, self._around.on_retry)
        except StopRequested:
            return [LATER] * len(events)
        except TransientError as error:
            if len(events) > 1:
                return self._one_by_one(events, error)
            # Whatever was away for this event is likely away for the next: look before reading on.
            self._around.on_suspicion()
            return [DeadLetter(error.reason, error.detail)]
        except PermanentError as error:
            if len(events) > 1:
                return self._halves(events, retries)
            return [DeadLetter(error.reason, error.detail)]
        except Exception as error:
            if len(events) > 1:
                return self._halves(events, retries)
            # A defect of ours on one event must not stop all the others, nor lose the event.
            self._log.exception("handler_failed")
            return [DeadLetter(INTERNAL_ERROR, f"{type(error).__name__}: {error}")]

    def _ask(self, events: Sequence[Event]) -> list[Decision]:
        outcomes: list[Decision] = list(self._handle(events))
        if len(outcomes) != len(events):
            raise RuntimeError(f"the handler gave {len(outcomes)} outcomes for {len(events)} events")
        return outcomes

    def _halves(self, events: Sequence[Event], retries: RetryPolicy) -> list[Decision]:
        """The first half, then the second: what is refused for good is found in few steps, in the events' order."""
        middle = len(events) // 2
        first = self._decide(events[:middle], retries)
        if LATER in first:
            return [*first, *[LATER] * (len(events) - middle)]
        return [*first, *self._decide(events[middle:], retries)]

    def _one_by_one(self, events: Sequence[Event], error: TransientError) -> list[Decision]:
        """Each by itself, until the cause turns out to be one that all of them share: that costs one event, not all."""
        self._log.warning("batch_taken_apart", messages=len(events), reason=error.reason, detail=error.detail)
        decisions: list[Decision] = []
        once = RetryPolicy(retries=0, backoff_seconds=0.0)
        for event in events:
            if self._around.is_stopping() or not self._around.is_clear():
                return [*decisions, *[LATER] * (len(events) - len(decisions))]
            decisions += self._decide([event], once)
        return decisions
