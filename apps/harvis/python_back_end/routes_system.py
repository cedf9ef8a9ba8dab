"""Is it alive, can it serve, what has it got."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from python_back_end.errors import ApiError
from python_back_end.readiness import run_checks
from python_back_end.services import Injected, Services

router = APIRouter()


@router.get("/health")
async def health() -> dict[str, str]:
    """Liveness only: a restart would not mend anything that /ready complains of."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(services: Injected) -> JSONResponse:
    checks = await run_checks(services)
    is_ready = all(check.ok for check in checks.values())
    body = {"ready": is_ready, "checks": {name: check.to_json() for name, check in checks.items()}}
    return JSONResponse(body, status_code=200 if is_ready else 503)


@router.get("/api/diagnostics")
async def diagnostics(services: Injected) -> dict[str, Any]:
    checks = await run_checks(services)
    ollama = await _loaded_models(services)
    # Each may wait for a child process that imports torch or ONNX Runtime.
    cuda = await asyncio.to_thread(services.speech.cuda)
    engines = await asyncio.to_thread(services.speech.engines)
    onnx = await asyncio.to_thread(services.speech.onnx)
    return {
        "ollama": ollama,
        "cuda": cuda.to_json(),
        "onnx": onnx.to_json(),
        "vram": await _vram(services),
        "speech": {"choice": services.settings.speech_engine, "engines": engines},
        "memory": {"requests_waiting": services.gateway.waiting},
        "checks": {name: check.to_json() for name, check in checks.items()},
    }


async def _vram(services: Services) -> dict[str, Any] | None:
    """Free, used and Ollama's part of the card's memory, as they are now; None without a card."""
    memory = await asyncio.to_thread(services.speech.card_memory)
    return memory.to_json() if memory is not None else None


async def _loaded_models(services: Services) -> dict[str, Any]:
    """What of each loaded model lies in GPU memory; `cause` where Ollama did not say."""
    try:
        found = await services.ollama.loaded(timeout=services.settings.ready_timeout)
    except ApiError as error:
        return {"loaded": [], "cause": error.cause}
    return {"loaded": [asdict(model) for model in found], "cause": None}
