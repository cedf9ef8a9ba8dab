"""Downloading a model: one at a time, and it goes on when the client that asked for it has gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from python_back_end.errors import ApiError
from python_back_end.logs import where_it_failed
from python_back_end.ollama_client import OllamaClient, PullStep

_log = structlog.stdlib.get_logger("python_back_end.pull")
# Ollama tells of a download many times a second.
_BETWEEN_STEPS_SECONDS = 0.2


@dataclass
class _Pull:
    """A download under way, or the last one: listeners look at `latest` whenever `news` is set, and then renew it."""

    model: str
    latest: PullStep
    news: asyncio.Event
    error: ApiError | None = None
    done: bool = False

    def tell(self, step: PullStep | None = None) -> None:
        if step is not None:
            self.latest = step
        told, self.news = self.news, asyncio.Event()
        told.set()


class ModelPulls:
    def __init__(self, ollama: OllamaClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._ollama = ollama
        self._clock = clock
        self._pull: _Pull | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def pulling(self) -> str | None:
        return self._pull.model if self._pull is not None and not self._pull.done else None

    def follow(self, model: str) -> AsyncIterator[PullStep]:
        """Steps of the download of this model, which is begun unless it runs already; raises ApiError for another."""
        if self.pulling is not None and self.pulling != model:
            cause = f"model {self.pulling} is being pulled, and only one is at a time"
            raise ApiError(409, "pull_running", cause, retry_after=30)
        if self._pull is None or self._pull.done:
            self._pull = _Pull(model, PullStep("asking Ollama"), asyncio.Event())
            self._task = asyncio.create_task(self._run(self._pull))
        return self._steps(self._pull)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _steps(self, pull: _Pull) -> AsyncIterator[PullStep]:
        while True:
            news, done = pull.news, pull.done
            yield pull.latest
            if done:
                break
            await news.wait()
        if pull.error is not None:
            raise pull.error

    async def _run(self, pull: _Pull) -> None:
        told_at, status = self._clock(), ""
        try:
            async with aclosing(self._ollama.pull(pull.model)) as steps:
                async for step in steps:
                    if step.status == status and self._clock() - told_at < _BETWEEN_STEPS_SECONDS:
                        pull.latest = step
                        continue
                    told_at, status = self._clock(), step.status
                    pull.tell(step)
            _log.info("model pulled", model=pull.model)
        except ApiError as error:
            pull.error = error
            _log.warning("pull failed", code=error.code, cause=error.cause)
        except Exception as error:
            pull.error = ApiError(500, "internal_error", type(error).__name__)
            _log.error("pull failed", **where_it_failed(error))
        finally:
            pull.done = True
            pull.tell()
