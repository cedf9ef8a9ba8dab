"""Memory of the card that speech and Ollama share: is there room for an engine, and who could make some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import httpx
import structlog

from python_back_end.addresses import shown
from python_back_end.cuda_diagnostics import CudaDiagnostics
from python_back_end.ollama_client import LoadedModel

_log = structlog.stdlib.get_logger("python_back_end.vram")
GIB = 1024**3
# What a driver and the next allocation of others take on top.
_RESERVE = GIB // 4
_SECONDS = 10.0


class OllamaMemory(Protocol):
    def loaded(self) -> Sequence[LoadedModel]: ...

    def unload(self, model: str) -> None: ...


class OllamaOverHttp:
    """Asked from the threads that speak; raises httpx.HTTPError or ValueError."""

    def __init__(self, url: str) -> None:
        self._url = url

    def loaded(self) -> Sequence[LoadedModel]:
        answer = httpx.get(f"{self._url}/api/ps", timeout=_SECONDS).raise_for_status().json()
        return [LoadedModel(one["name"], one.get("size", 0), one.get("size_vram", 0)) for one in answer["models"]]

    def unload(self, model: str) -> None:
        body = {"model": model, "keep_alive": 0}
        httpx.post(f"{self._url}/api/generate", json=body, timeout=_SECONDS).raise_for_status()

    def __str__(self) -> str:
        return shown(self._url)


@dataclass(frozen=True)
class CardMemory:
    """Bytes; `used` is everybody's, `ollama` the part of it that its models hold."""

    total: int
    free: int
    used: int
    ollama: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class VramBudget:
    def __init__(
        self, measure: Callable[[], CudaDiagnostics], ollama: OllamaMemory, is_idle: Callable[[], bool]
    ) -> None:
        self._measure = measure
        self._ollama = ollama
        self._is_idle = is_idle

    def memory(self) -> CardMemory | None:
        """None without a card."""
        devices = self._measure().devices
        if not devices:
            return None
        card = devices[0]
        ollama = sum(model.size_vram for model in self._loaded())
        return CardMemory(card.memory_total, card.memory_free, card.memory_total - card.memory_free, ollama)

    def why_no_room(self, needed: int) -> str | None:
        """None when so much fits, Ollama's idle models given up for it if they have to be."""
        memory = self.memory()
        if memory is None or _fits(needed, memory):
            return None
        if memory.free + memory.ollama >= needed + _RESERVE and self._is_idle():
            self._unload()
            memory = self.memory() or memory
            if _fits(needed, memory):
                return None
        held = f", of which Ollama holds {_gib(memory.ollama)}" if memory.ollama else ""
        return f"needs {_gib(needed)} of GPU memory, {_gib(memory.free)} are free; used: {_gib(memory.used)}{held}"

    def _unload(self) -> None:
        for model in self._loaded():
            if model.size_vram:
                _log.info("unloading an idle model to make room for speech", model=model.name, bytes=model.size_vram)
                try:
                    self._ollama.unload(model.name)
                except (httpx.HTTPError, ValueError) as error:
                    _log.warning("Ollama did not unload", model=model.name, cause=str(error))

    def _loaded(self) -> Sequence[LoadedModel]:
        try:
            return self._ollama.loaded()
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
            # Not for speech to complain of: /ready and /api/diagnostics tell it.
            return ()


def _fits(needed: int, memory: CardMemory) -> bool:
    return memory.free >= needed + _RESERVE


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"
