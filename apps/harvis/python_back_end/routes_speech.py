"""A text, spoken; or the text and why it was not."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from python_back_end.api_models import SpeakBody
from python_back_end.services import Injected

router = APIRouter()


@router.post("/api/speak")
async def speak(body: SpeakBody, services: Injected) -> Response:
    speech = await asyncio.to_thread(services.speech.safe_generate_speech_optimized, body.text)
    if speech.audio is None:
        return JSONResponse({"text": speech.text, "audio": None, "degraded": speech.degraded})
    headers = {"X-Speech-Engine": speech.engine or "", "X-Speech-Device": speech.device or ""}
    return Response(speech.audio, media_type="audio/wav", headers=headers)
