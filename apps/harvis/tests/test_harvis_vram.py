"""The card's memory, shared by speech and Ollama: who gives way to whom. The card itself is a stand-in."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harvis_fake_broker import FakeBroker
from harvis_fake_http import FakeHttp
from harvis_running_app import running_backend
from harvis_speech_doubles import engine, load_hanger, load_speaker
from python_back_end.cuda_diagnostics import CudaDevice, CudaDiagnostics
from python_back_end.model_manager import ModelManager
from python_back_end.ollama_client import LoadedModel
from python_back_end.speech_engine_process import SpeechLimits
from python_back_end.vram_budget import GIB, CardMemory, OllamaOverHttp, VramBudget

TOTAL = 24 * GIB
NO_CARD = CudaDiagnostics(available=False, cause="none")


@dataclass
class Card:
    """A card with other tenants, and an Ollama that gives its memory back when it is told to."""

    others: int = 0
    models: list[LoadedModel] = field(default_factory=list)
    unloaded: list[str] = field(default_factory=list)
    stubborn: bool = False

    def measure(self) -> CudaDiagnostics:
        free = TOTAL - self.others - sum(model.size_vram for model in self.models)
        return CudaDiagnostics(available=True, devices=(CudaDevice(0, "stand-in", "8.9", TOTAL, free),))

    def loaded(self) -> Sequence[LoadedModel]:
        return tuple(self.models)

    def unload(self, model: str) -> None:
        self.unloaded.append(model)
        if not self.stubborn:
            self.models = [each for each in self.models if each.name != model]


def budget(card: Card, is_idle: Callable[[], bool] = lambda: True) -> VramBudget:
    return VramBudget(card.measure, card, is_idle)


def llama(size: int) -> LoadedModel:
    return LoadedModel("llama3:latest", size, size)


def test_memory_is_told_with_ollamas_part() -> None:
    memory = budget(Card(others=GIB, models=[llama(6 * GIB)])).memory()
    assert memory == CardMemory(total=TOTAL, free=17 * GIB, used=7 * GIB, ollama=6 * GIB)


def test_without_a_card_there_is_nothing_to_budget() -> None:
    without = VramBudget(lambda: NO_CARD, Card(), lambda: True)
    assert (without.memory(), without.why_no_room(5 * GIB)) == (None, None)


def test_what_fits_unloads_nothing() -> None:
    card = Card(models=[llama(6 * GIB)])
    assert budget(card).why_no_room(5 * GIB) is None
    assert card.unloaded == []


def test_an_idle_model_gives_way() -> None:
    card = Card(models=[llama(22 * GIB), LoadedModel("on-the-cpu", GIB, 0)])
    assert budget(card).why_no_room(5 * GIB) is None
    assert card.unloaded == ["llama3:latest"]


def test_a_model_that_answers_just_now_does_not_give_way() -> None:
    card = Card(models=[llama(22 * GIB)])
    said = "needs 5.0 GiB of GPU memory, 2.0 GiB are free; used: 22.0 GiB, of which Ollama holds 22.0 GiB"
    assert budget(card, lambda: False).why_no_room(5 * GIB) == said
    assert card.unloaded == []


def test_a_model_is_not_unloaded_where_it_would_not_help() -> None:
    card = Card(others=20 * GIB, models=[llama(2 * GIB)])
    assert "2.0 GiB are free" in (budget(card).why_no_room(5 * GIB) or "")
    assert card.unloaded == []


def test_an_ollama_that_keeps_its_memory_is_told_of() -> None:
    card = Card(models=[llama(22 * GIB)], stubborn=True)
    assert "Ollama holds 22.0 GiB" in (budget(card).why_no_room(5 * GIB) or "")


def test_ollama_is_asked_over_http_and_may_be_away(ollama: FakeHttp) -> None:
    ollama.answer("GET", "/api/ps", {"models": [{"name": "llama3", "size": 3, "size_vram": 2}]})
    ollama.answer("POST", "/api/generate", {"done": True})
    over_http = OllamaOverHttp(ollama.url)
    assert list(over_http.loaded()) == [LoadedModel("llama3", 3, 2)]
    over_http.unload("llama3")
    assert ollama.asked[-1].body == {"model": "llama3", "keep_alive": 0}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = OllamaOverHttp(f"http://127.0.0.1:{taken.getsockname()[1]}")
    memory = VramBudget(Card(others=GIB).measure, nobody, lambda: True).memory()
    assert memory == CardMemory(total=TOTAL, free=23 * GIB, used=GIB, ollama=0)


def test_an_engine_without_room_is_not_loaded_and_the_next_one_speaks() -> None:
    card = Card(others=22 * GIB)
    engines = [engine("first", load_speaker, vram=5 * GIB), engine("second", load_speaker)]
    chain = ModelManager(engines, lambda: NO_CARD, vram=budget(card))
    assert chain.safe_generate_speech_optimized("hello").engine == "second"
    card.others = 0
    assert chain.safe_generate_speech_optimized("hello").engine == "first"
    # What it holds itself does not count against it.
    card.others = 22 * GIB
    assert chain.safe_generate_speech_optimized("hello").engine == "first"
    chain.close()


def test_speech_gives_its_memory_back_unless_it_speaks() -> None:
    limits = SpeechLimits(load=30, speak=3, retry=300, idle=300)
    on_cpu, idle, busy = (
        engine("on the CPU", load_speaker),
        engine("idle", load_speaker, vram=1),
        engine("busy", load_hanger, vram=1, limits=limits),
    )
    chain = ModelManager([on_cpu, idle, busy], lambda: NO_CARD)
    assert not chain.give_back()
    for one in (on_cpu, idle):
        ModelManager([one], lambda: NO_CARD).safe_generate_speech_optimized("hello")
    speaking = threading.Thread(
        target=ModelManager([busy], lambda: NO_CARD).safe_generate_speech_optimized, args=("a",)
    )
    speaking.start()
    while not busy.loaded:
        time.sleep(0.01)
    assert chain.give_back()
    assert (on_cpu.loaded, idle.loaded, busy.loaded) == (True, False, True)
    speaking.join()
    chain.close()


def test_a_chat_that_is_short_of_memory_gets_that_of_idle_speech(
    ollama: FakeHttp, store: FakeHttp, broker: FakeBroker
) -> None:
    speech = engine("first", load_speaker, vram=GIB)
    with running_backend(ollama_url=ollama.url, qdrant_url=store.url, broker=broker, engines=[speech]) as backend:
        ollama.answer("POST", "/api/chat", {"error": "CUDA error: out of memory"}, status=500)
        body = {"message": "Hi", "stream": False}
        assert backend.http.post("/api/chat", json=body).json()["code"] == "vram_short"
        assert len(ollama.asked) == 1
        assert backend.http.post("/api/speak", json={"text": "hello"}).status_code == 200
        assert speech.loaded
        assert backend.http.post("/api/chat", json=body).json()["code"] == "vram_short"
        assert not speech.loaded
        assert len(ollama.asked) == 3


def test_diagnostics_tell_the_cards_memory(ollama: FakeHttp, store: FakeHttp, broker: FakeBroker) -> None:
    card = Card(others=GIB, models=[llama(6 * GIB)])
    with running_backend(ollama_url=ollama.url, qdrant_url=store.url, broker=broker, vram=budget(card)) as backend:
        told = backend.http.get("/api/diagnostics").json()["vram"]
    assert told == {"total": TOTAL, "free": 17 * GIB, "used": 7 * GIB, "ollama": 6 * GIB}
