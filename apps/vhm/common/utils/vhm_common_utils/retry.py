"""Trying again, with a back-off that grows with the attempt."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from vhm_common_utils.errors import TransientError

T = TypeVar("T")

Wait = Callable[[float], bool]
"""Waits so many seconds, and says whether the process was asked to stop meanwhile."""

JITTER = 0.25
"""The part of a back-off that chance adds, so that workers which failed together do not come back together."""


class StopRequested(Exception):
    """The process is asked to stop before the work is done; the event stays uncommitted and comes again."""


@dataclass(frozen=True)
class RetryPolicy:
    """`retries` counts the attempts after the first. `chance` gives numbers from 0 up to 1."""

    retries: int
    backoff_seconds: float
    chance: Callable[[], float] = random.random

    def run(self, call: Callable[[], T], wait: Wait, on_retry: Callable[[int, TransientError], None]) -> T:
        """The first result; the last `TransientError` once the retries are used up."""
        for attempt in range(1, self.retries + 1):
            try:
                return call()
            except TransientError as error:
                on_retry(attempt, error)
                seconds = self._backoff(attempt, error)
            if wait(seconds):
                raise StopRequested
        return call()

    def _backoff(self, attempt: int, error: TransientError) -> float:
        return self.backoff_seconds * attempt * error.patience * (1.0 + JITTER * self.chance())
