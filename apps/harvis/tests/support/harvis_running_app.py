"""The application behind a real uvicorn on loopback, as it runs in the cluster."""

from __future__ import annotations

import dataclasses
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from harvis_fake_broker import FakeBroker
from harvis_speech_doubles import engine, load_speaker
from python_back_end.cuda_diagnostics import CudaDiagnostics
from python_back_end.main import create_app
from python_back_end.memory_gateway import MemoryGateway, TimeLimits
from python_back_end.model_manager import ModelManager
from python_back_end.services import Services, make_services
from python_back_end.settings import Settings
from python_back_end.speech_engine_process import SpeechEngine
from python_back_end.vram_budget import VramBudget

NO_CARD = CudaDiagnostics(available=False, cause="torch not installed")
START_SECONDS = 30


@dataclass(frozen=True)
class Backend:
    http: httpx.Client
    broker: FakeBroker
    services: Services


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def running_backend(
    *,
    ollama_url: str,
    qdrant_url: str,
    broker: FakeBroker,
    engines: Sequence[SpeechEngine] | None = None,
    limits: TimeLimits | None = None,
    vram: VramBudget | None = None,
    **changes: Any,
) -> Iterator[Backend]:
    settings = Settings(**{"ollama_url": ollama_url, "qdrant_url": qdrant_url, "chat_max_tokens": 64, **changes})
    speech = ModelManager([engine("piper", load_speaker)] if engines is None else engines, lambda: NO_CARD, vram=vram)
    gateway = MemoryGateway(lambda: broker, limits or TimeLimits(index=10, recall=10, retell=10))
    services = dataclasses.replace(make_services(settings), gateway=gateway, speech=speech)
    with _serving(create_app(settings, services)) as url, httpx.Client(base_url=url, timeout=60) as http:
        assert broker.polled.wait(START_SECONDS)
        yield Backend(http, broker, services)
    assert broker.closed


@contextmanager
def _serving(app: object) -> Iterator[str]:
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None)  # type: ignore[arg-type]
    server = _Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.ready.wait(START_SECONDS)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        assert not thread.is_alive()
