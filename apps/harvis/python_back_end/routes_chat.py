"""Chat, streamed as server-sent events or answered as a whole."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import structlog
from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from python_back_end.api_models import ChatBody
from python_back_end.errors import ApiError
from python_back_end.ollama_client import Done, Token
from python_back_end.services import Injected, Services

router = APIRouter()
_log = structlog.stdlib.get_logger("python_back_end.chat")


@router.post("/api/chat")
async def chat(body: ChatBody, services: Injected) -> Response:
    if body.stream:
        return EventSourceResponse(_events(body, services))
    parts = [part async for part in _answer(body, services)]
    reply = "".join(part.text for part in parts if isinstance(part, Token))
    # The client's stream ends with Done or raises.
    done = parts[-1]
    assert isinstance(done, Done)
    return JSONResponse({"reply": reply, "model": done.model, "tokens": done.tokens})


async def _events(body: ChatBody, services: Services) -> AsyncIterator[ServerSentEvent]:
    """Status 200 is out before Ollama is asked, so an error is an event like the others."""
    try:
        async for part in _answer(body, services):
            if isinstance(part, Token):
                yield _event("token", {"text": part.text})
            else:
                yield _event("done", {"model": part.model, "tokens": part.tokens})
    except ApiError as error:
        _log.warning("chat failed", code=error.code, cause=error.cause)
        yield _event("error", error.body())
    except Exception as error:
        _log.exception("chat failed")
        yield _event("error", {"code": "internal_error", "cause": type(error).__name__})


async def _answer(body: ChatBody, services: Services) -> AsyncIterator[Token | Done]:
    """What Ollama says; the session remembers it once it is complete."""
    model = body.model or services.settings.ollama_model
    messages = services.conversations.messages(body.session_id, body.message)
    reply: list[str] = []
    async for part in services.ollama.chat(model, messages, max_tokens=services.settings.chat_max_tokens):
        if isinstance(part, Token):
            reply.append(part.text)
        else:
            services.conversations.remember(body.session_id, body.message, "".join(reply))
        yield part


def _event(name: str, data: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(event=name, data=json.dumps(data))
