"""Who waits for which answer: questions are matched with answers by topic and key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from python_back_end.errors import ApiError

Payload = dict[str, Any]


class Correlator:
    """Filled by the thread that reads the broker, awaited by requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], Future[Payload]] = {}

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @contextmanager
    def expect(self, topic: str, key: str) -> Iterator[Future[Payload]]:
        """Registered before the question is published, so that a quick answer can't be missed."""
        place = (topic, key.lower())
        future: Future[Payload] = Future()
        with self._lock:
            if place in self._waiting:
                raise ApiError(409, "already_waiting", f"another request waits for {key} on {topic}")
            self._waiting[place] = future
        try:
            yield future
        finally:
            with self._lock:
                self._waiting.pop(place, None)

    def settle(self, topic: str, key: str, payload: Payload) -> bool:
        """Hand an answer to who waits for it; the first one counts. False when nobody does."""
        future = self._claim(topic, key)
        if future is not None:
            future.set_result(payload)
        return future is not None

    def fail(self, topic: str, key: str, error: ApiError) -> None:
        future = self._claim(topic, key)
        if future is not None:
            future.set_exception(error)

    def _claim(self, topic: str, key: str) -> Future[Payload] | None:
        with self._lock:
            future = self._waiting.get((topic, key.lower()))
        # False for a request that went away, or that already has its answer.
        if future is None or future.done() or not future.set_running_or_notify_cancel():
            return None
        return future
