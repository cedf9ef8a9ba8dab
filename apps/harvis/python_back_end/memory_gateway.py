"""Questions to the memory workers and their answers, over the broker."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from python_back_end.broker import Broker, BrokerError, BrokerState, MessageTooLarge
from python_back_end.correlator import Correlator, Payload
from python_back_end.errors import ApiError
from python_back_end.wire_models import (
    ANCHORS_INDEXED,
    ANCHORS_WRITE,
    ANSWER_KEYS,
    RECALL_REQUEST,
    RECALL_RESPONSE,
    RETELL_RESPONSE,
    Anchor,
    IndexedAnswer,
    RecallAnswer,
    RecallRequest,
    RetellAnswer,
)

_log = structlog.stdlib.get_logger("python_back_end.memory_gateway")
_POLL_SECONDS = 0.2
_CHECK_SECONDS = 5.0
_RETRY_SECONDS = 1.0
_NOT_YET = BrokerState(unreachable="not asked yet")
# What the indexer says -> the status that carries it. Any other reason is a failure behind us.
_REFUSALS = {"anchor_immutable_violation": 409, "validation_failed": 422}
_AnswerT = TypeVar("_AnswerT", bound=BaseModel)


@dataclass(frozen=True)
class TimeLimits:
    index: float
    recall: float
    retell: float


@dataclass(frozen=True)
class Recalled:
    answer: RecallAnswer
    retold: RetellAnswer | None = None
    degraded: str | None = None


class MemoryGateway:
    """One thread reads the broker for as long as the process lives; requests wait for what it finds."""

    def __init__(self, open_broker: Callable[[], Broker], limits: TimeLimits) -> None:
        self._open_broker = open_broker
        self._limits = limits
        self._broker: Broker | None = None
        self._state = _NOT_YET
        self._answers = Correlator()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory-gateway", daemon=True)

    @property
    def state(self) -> BrokerState:
        return self._state

    @property
    def waiting(self) -> int:
        return self._answers.waiting

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    async def remember(self, anchor: Anchor) -> None:
        """Publish and wait until the indexer has stored it; raises ApiError when it did not."""
        key = str(anchor.anchor_id)
        with self._answers.expect(ANCHORS_INDEXED, key) as answer:
            self._publish(ANCHORS_WRITE, key, anchor, fails=(ANCHORS_INDEXED,))
            cause = (
                f"the indexer said nothing about memory {key} within {self._limits.index:g} s; it may still store it"
            )
            payload = await _in_time(answer, self._limits.index, cause)
        indexed = _read(IndexedAnswer, payload)
        if not indexed.ok:
            raise _refusal(indexed)

    async def recall(self, request: RecallRequest, *, retell: bool) -> Recalled:
        """Beats, and a retelling if asked for; a retelling that fails to come takes no beats away."""
        key = request.request_id
        started = time.monotonic()
        with ExitStack() as expectations:
            beats = expectations.enter_context(self._answers.expect(RECALL_RESPONSE, key))
            retelling = expectations.enter_context(self._answers.expect(RETELL_RESPONSE, key)) if retell else None
            self._publish(RECALL_REQUEST, key, request, fails=(RECALL_RESPONSE, RETELL_RESPONSE))
            cause = f"no answer to recall {key} within {self._limits.recall:g} s"
            answer = _read(RecallAnswer, await _in_time(beats, self._limits.recall, cause))
            if retelling is None:
                return Recalled(answer)
            left = self._limits.retell - (time.monotonic() - started)
            return await self._retold(answer, retelling, left)

    async def _retold(self, answer: RecallAnswer, retelling: Future[Payload], left: float) -> Recalled:
        try:
            payload = await _in_time(retelling, max(left, 0), f"no retelling within {self._limits.retell:g} s")
            retold = _read(RetellAnswer, payload)
        except ApiError as error:
            return Recalled(answer, degraded=error.cause)
        return Recalled(answer, retold, retold.degraded)

    def _publish(self, topic: str, key: str, message: BaseModel, *, fails: tuple[str, ...]) -> None:
        if self._broker is None or self._state.cause is not None:
            raise ApiError(503, "broker_unavailable", self._state.cause or "no broker")

        def failed(cause: str) -> None:
            for answer_topic in fails:
                self._answers.fail(answer_topic, key, ApiError(503, "publish_failed", f"{topic}: {cause}"))

        try:
            self._broker.publish(topic, key, message.model_dump_json().encode(), failed)
        except MessageTooLarge as error:
            raise ApiError(422, "validation_failed", f"message for {topic} is too large: {error}") from error
        except BrokerError as error:
            raise ApiError(503, "publish_failed", f"{topic}: {error}") from error

    def _run(self) -> None:
        broker = self._opened()
        if broker is None:
            return
        self._broker = broker
        next_check = 0.0
        while not self._stopping.is_set():
            try:
                if time.monotonic() >= next_check:
                    self._note(broker.check())
                    next_check = time.monotonic() + (_CHECK_SECONDS if self._state.cause is None else _RETRY_SECONDS)
                self._step(broker)
            except BrokerError as error:
                self._note(BrokerState(unreachable=str(error)))
                next_check = time.monotonic() + _RETRY_SECONDS
            except Exception:
                # A thread that ends here would let every later request run into its time limit.
                _log.exception("reading the broker failed")
                self._stopping.wait(_RETRY_SECONDS)
        broker.close()

    def _opened(self) -> Broker | None:
        """None when stopped before there was a broker."""
        while not self._stopping.is_set():
            try:
                return self._open_broker()
            except BrokerError as error:
                self._note(BrokerState(unreachable=str(error)))
                self._stopping.wait(_RETRY_SECONDS)
        return None

    def _step(self, broker: Broker) -> None:
        received = broker.poll(_POLL_SECONDS)
        if received is None:
            return
        try:
            payload = json.loads(received.value)
            key = str(payload[ANSWER_KEYS[received.topic]])
        except (ValueError, KeyError, TypeError) as error:
            _log.warning("unreadable answer", topic=received.topic, error=repr(error))
            return
        settled = self._answers.settle(received.topic, key, payload)
        _log.debug("answer", topic=received.topic, key=key, awaited=settled)

    def _note(self, state: BrokerState) -> None:
        if state != self._state:
            self._state = state
            level = _log.info if state.cause is None else _log.warning
            level("broker ready" if state.cause is None else "broker not ready", cause=state.cause)


async def _in_time(future: Future[Payload], limit: float, cause: str) -> Payload:
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), limit)
    except TimeoutError:
        raise ApiError(504, "timed_out", cause) from None


def _read(model: type[_AnswerT], payload: Payload) -> _AnswerT:
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise ApiError(502, "bad_answer", f"a worker's answer does not fit: {where}: {problem['msg']}") from error


def _refusal(answer: IndexedAnswer) -> ApiError:
    reason = answer.reason or "no reason given"
    cause = answer.detail or f"the indexer refused the memory: {reason}"
    return ApiError(_REFUSALS.get(reason, 502), reason, cause, reason=reason)
