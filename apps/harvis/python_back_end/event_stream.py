"""Server-sent events: their shape, and a response that cleans up behind itself whatever ends it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from python_back_end.errors import ApiError


class EventStream(EventSourceResponse):
    """`at_end` is called also where the client was gone before the first event was asked for."""

    def __init__(self, events: AsyncIterator[ServerSentEvent], *, at_end: Callable[[], None] = lambda: None) -> None:
        super().__init__(events)
        self._at_end = at_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._at_end()


def event(name: str, data: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(event=name, data=json.dumps(data))


def error_event(error: Exception) -> ServerSentEvent:
    """An error that nobody foresaw is told by its type alone: its words may be the user's."""
    if isinstance(error, ApiError):
        return event("error", error.body())
    return event("error", {"code": "internal_error", "cause": type(error).__name__})
