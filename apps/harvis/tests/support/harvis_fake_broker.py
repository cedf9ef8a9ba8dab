"""A broker at the boundary of the memory gateway: a queue, and workers that a test writes."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from typing import Any

from python_back_end.broker import BrokerError, BrokerState, Received

Worker = Callable[[dict[str, Any]], list[tuple[str, dict[str, Any]]]]


class FakeBroker:
    def __init__(self) -> None:
        self.state = BrokerState()
        self.published: list[tuple[str, str, dict[str, Any]]] = []
        self.polled = threading.Event()
        self.closed = False
        self.delivery_failure: str | None = None
        self.poll_failures: list[Exception] = []
        self._workers: dict[str, Worker] = {}
        self._answers: queue.Queue[Received | Callable[[], None]] = queue.Queue()

    def work(self, topic: str, worker: Worker) -> None:
        self._workers[topic] = worker

    def send(self, topic: str, payload: Any) -> None:
        self.send_bytes(topic, json.dumps(payload).encode())

    def send_bytes(self, topic: str, value: bytes) -> None:
        self._answers.put(Received(topic, value))

    def check(self) -> BrokerState:
        return self.state

    def poll(self, timeout: float) -> Received | None:
        self.polled.set()
        if self.poll_failures:
            raise self.poll_failures.pop(0)
        try:
            item = self._answers.get(timeout=min(timeout, 0.02))
        except queue.Empty:
            return None
        if isinstance(item, Received):
            return item
        item()
        return None

    def publish(self, topic: str, key: str, value: bytes, on_failure: Callable[[str], None]) -> None:
        if self.closed:
            raise BrokerError("closed")
        message = json.loads(value)
        self.published.append((topic, key, message))
        failure = self.delivery_failure
        if failure is not None:
            # As with librdkafka, the thread that polls is the one that hears of it.
            self._answers.put(lambda: on_failure(failure))
            return
        worker = self._workers.get(topic)
        for answer_topic, payload in worker(message) if worker else []:
            self.send(answer_topic, payload)

    def close(self) -> None:
        self.closed = True
