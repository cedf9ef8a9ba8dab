"""How many answers may be under way at once, and how many may wait for one of them to end; the next is refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from python_back_end.errors import ApiError

# Weight of the newest answer in the time that an answer is taken to need.
_NEWEST = 0.2
_FIRST_GUESS_SECONDS = 5.0


class Admission:
    def __init__(self, *, at_once: int, waiting: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_once = at_once
        self._most = at_once + waiting
        self._clock = clock
        self._free = asyncio.Semaphore(at_once)
        self._inside = 0
        self._answering = 0
        self._usual_seconds = _FIRST_GUESS_SECONDS

    @property
    def answering(self) -> int:
        return self._answering

    @property
    def waiting(self) -> int:
        return self._inside - self._answering

    def enter(self) -> Place:
        """A place, which its owner has to leave; refused when the queue is full as well."""
        if self._inside >= self._most:
            cause = f"{self._answering} answers are under way and {self.waiting} requests wait: no room for another"
            turns = (self.waiting + 1) / self._at_once
            raise ApiError(503, "too_busy", cause, retry_after=self._usual_seconds * turns)
        self._inside += 1
        return Place(self)

    async def _begin(self, limit: float) -> float:
        try:
            async with asyncio.timeout(limit):
                await self._free.acquire()
        except TimeoutError:
            cause = f"waited {limit:g} s behind {self._answering} other answers"
            raise ApiError(503, "too_busy", cause, retry_after=self._usual_seconds) from None
        self._answering += 1
        return self._clock()

    def _end(self, began: float | None) -> None:
        self._inside -= 1
        if began is None:
            return
        self._answering -= 1
        self._usual_seconds += _NEWEST * (self._clock() - began - self._usual_seconds)
        self._free.release()


class Place:
    """A place in the queue, and then the right to answer; leaving twice does no harm."""

    def __init__(self, admission: Admission) -> None:
        self._admission: Admission | None = admission
        self._began: float | None = None

    async def turn(self, limit: float) -> None:
        """Waits until it may answer; raises ApiError when that takes longer than the limit."""
        assert self._admission is not None
        self._began = await self._admission._begin(limit)

    def leave(self) -> None:
        if self._admission is not None:
            self._admission._end(self._began)
            self._admission = None
