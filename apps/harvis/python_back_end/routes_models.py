"""The models that Ollama has, and getting another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from sse_starlette import ServerSentEvent

from python_back_end.api_models import PullBody
from python_back_end.errors import ApiError
from python_back_end.event_stream import EventStream, error_event, event
from python_back_end.ollama_client import PullStep
from python_back_end.services import Injected

router = APIRouter()


@router.get("/api/models")
async def models(services: Injected) -> dict[str, Any]:
    found = await services.ollama.models()
    return {"models": [asdict(model) for model in found], "default": services.settings.ollama_model}


@router.post("/api/models/pull")
async def pull(body: PullBody, services: Injected) -> Response:
    """Asking again for a model that is being pulled follows the same download."""
    return EventStream(_events(body.model, services.pulls.follow(body.model)))


async def _events(model: str, steps: AsyncIterator[PullStep]) -> AsyncIterator[ServerSentEvent]:
    try:
        async with aclosing(steps) as told:  # type: ignore[type-var]
            async for step in told:
                yield event("progress", _progress(step))
        yield event("done", {"model": model})
    except ApiError as error:
        yield error_event(error)


def _progress(step: PullStep) -> dict[str, Any]:
    """Percent of the layer that is being fetched; Ollama tells the size of one layer at a time."""
    percent = round(100 * (step.completed or 0) / step.total, 1) if step.total else None
    return {**asdict(step), "percent": percent}
