"""A text, spoken; or the text and why it was not. And recordings of voices that an engine is to take on."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import AsyncIterator
from dataclasses import asdict
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from sse_starlette import ServerSentEvent

from python_back_end.admission import Place
from python_back_end.api_models import SpeakBody
from python_back_end.connected import ClientGone, while_connected
from python_back_end.errors import ApiError
from python_back_end.event_stream import EventStream, error_event, event
from python_back_end.model_manager import Speech
from python_back_end.services import Injected, Services
from python_back_end.voice_prompts import MOST_BYTES, TYPES

router = APIRouter()
_RECORDING = {"requestBody": {"required": True, "content": {"audio/wav": {"schema": {"type": "string"}}}}}


@router.post("/api/speak")
async def speak(body: SpeakBody, request: Request, services: Injected) -> Response:
    prompt = services.voices.path(body.voice) if body.voice is not None else None
    place = services.speeches.enter()
    if body.stream:
        return EventStream(_events(body, prompt, services, place), at_end=place.leave)
    stop = threading.Event()
    try:
        speech = await while_connected(request, _whole(body, prompt, services, place, stop))
    except ClientGone:
        return Response(status_code=499)
    finally:
        stop.set()
        place.leave()
    if speech.audio is None:
        return JSONResponse({"text": speech.text, "audio": None, "degraded": speech.degraded})
    headers = {"X-Speech-Engine": speech.engine or "", "X-Speech-Device": speech.device or ""}
    if speech.degraded is not None:
        headers["X-Speech-Degraded"] = speech.degraded
    return Response(speech.audio, media_type="audio/wav", headers=headers)


@router.post("/api/voices", status_code=201, openapi_extra=_RECORDING)
async def add_voice(request: Request, services: Injected) -> dict[str, Any]:
    """A WAV of 1 to 30 s, as the body itself; gone after a restart."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in TYPES:
        raise ApiError(415, "voice_type", f"a recording is {' or '.join(sorted(TYPES))}")
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            raise ApiError(413, "too_large", f"a recording has {MOST_BYTES} bytes at most")
    return asdict(await asyncio.to_thread(services.voices.add, bytes(content)))


@router.delete("/api/voices/{voice}", status_code=204)
async def remove_voice(voice: str, services: Injected) -> Response:
    services.voices.remove(voice)
    return Response(status_code=204)


async def _whole(
    body: SpeakBody, prompt: str | None, services: Services, place: Place, stop: threading.Event
) -> Speech:
    await place.turn(services.settings.speech_timeout)
    work = partial(services.speech.safe_generate_speech_optimized, body.text, prompt, stop=stop)
    return await asyncio.get_running_loop().run_in_executor(services.speakers, work)


async def _events(
    body: SpeakBody, prompt: str | None, services: Services, place: Place
) -> AsyncIterator[ServerSentEvent]:
    """`audio` for each sentence, then `done`; or `degraded` with the text that was not spoken, and the reason."""
    try:
        await place.turn(services.settings.speech_timeout)
    except ApiError as error:
        yield error_event(error)
        return
    pieces = services.speech.speak_in_pieces(body.text, prompt)
    loop = asyncio.get_running_loop()
    number = 0
    while (speech := await loop.run_in_executor(services.speakers, next, pieces, None)) is not None:
        if speech.audio is None:
            yield event("degraded", {"text": speech.text, "degraded": speech.degraded})
            return
        about = {"text": speech.text, "engine": speech.engine, "device": speech.device, "degraded": speech.degraded}
        yield event("audio", {**about, "wav": base64.b64encode(speech.audio).decode()})
        number += 1
    yield event("done", {"sentences": number})
