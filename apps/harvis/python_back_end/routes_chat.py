"""Chat, streamed as server-sent events or answered as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from sse_starlette import ServerSentEvent

from python_back_end.admission import Place
from python_back_end.api_models import ChatBody
from python_back_end.connected import ClientGone, while_connected
from python_back_end.errors import ApiError
from python_back_end.event_stream import EventStream, error_event, event
from python_back_end.logs import where_it_failed
from python_back_end.ollama_client import ChatMessage, Done, Token
from python_back_end.request_log import told_apart
from python_back_end.services import Injected, Services

router = APIRouter()
_log = structlog.stdlib.get_logger("python_back_end.chat")


@router.post("/api/chat")
async def chat(body: ChatBody, request: Request, services: Injected) -> Response:
    place = services.chats.enter()
    if body.stream:
        return EventStream(_events(body, request, services, place), at_end=place.leave)
    try:
        return await while_connected(request, _whole(body, services, place))
    except ClientGone:
        _log.info("chat given up by its client")
        return Response(status_code=499)
    finally:
        place.leave()


async def _whole(body: ChatBody, services: Services, place: Place) -> Response:
    async with aclosing(_answer(body, services, place)) as answer:
        parts = [part async for part in answer]
    reply = "".join(part.text for part in parts if isinstance(part, Token))
    # The client's stream ends with Done or raises.
    done = parts[-1]
    assert isinstance(done, Done)
    return JSONResponse({"reply": reply, "model": done.model, "tokens": done.tokens})


async def _events(body: ChatBody, request: Request, services: Services, place: Place) -> AsyncIterator[ServerSentEvent]:
    """Status 200 is out before Ollama is asked, so an error is an event like the others."""
    try:
        async with aclosing(_answer(body, services, place)) as answer:
            async for part in answer:
                if isinstance(part, Token):
                    yield event("token", {"text": part.text})
                else:
                    yield event("done", {"model": part.model, "tokens": part.tokens})
    except ApiError as error:
        told_apart(request.scope, error.code)
        _log.warning("chat failed", code=error.code, **({"cause": error.cause} if error.status >= 500 else {}))
        yield error_event(error)
    except Exception as error:
        _log.error("chat failed", **where_it_failed(error))
        yield error_event(error)


async def _said(services: Services, model: str, messages: list[ChatMessage]) -> AsyncIterator[Token | Done]:
    """Where the card's memory is short and speech holds some of it, speech gives way and Ollama is asked once more."""
    limit = services.settings.chat_max_tokens
    said_anything = False
    try:
        async with aclosing(services.ollama.chat(model, messages, max_tokens=limit)) as parts:
            async for part in parts:
                said_anything = True
                yield part
        return
    except ApiError as error:
        if error.code != "vram_short" or said_anything or not await asyncio.to_thread(services.speech.give_back):
            raise
        _log.info("speech gave its GPU memory back for a chat", cause=error.cause)
    async with aclosing(services.ollama.chat(model, messages, max_tokens=limit)) as parts:
        async for part in parts:
            yield part


async def _answer(body: ChatBody, services: Services, place: Place) -> AsyncIterator[Token | Done]:
    """What Ollama says, once it is this chat's turn; the session remembers it when it is complete."""
    await place.turn(services.settings.ollama_timeout)
    model = body.model or services.settings.ollama_model
    messages = services.conversations.messages(body.session_id, body.message)
    reply: list[str] = []
    async with aclosing(_said(services, model, messages)) as parts:
        async for part in parts:
            if isinstance(part, Token):
                reply.append(part.text)
            else:
                services.conversations.remember(body.session_id, body.message, "".join(reply))
            yield part
