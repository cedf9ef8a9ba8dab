"""What the routes work with, made once per application from its settings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from python_back_end.admission import Admission
from python_back_end.anchor_store import AnchorStore
from python_back_end.broker import Broker
from python_back_end.conversations import Conversations
from python_back_end.kafka_broker import KafkaBroker
from python_back_end.memory_gateway import MemoryGateway, TimeLimits
from python_back_end.model_manager import ModelManager, make_model_manager
from python_back_end.model_pulls import ModelPulls
from python_back_end.ollama_client import OllamaClient
from python_back_end.settings import Settings
from python_back_end.voice_prompts import VoicePrompts
from python_back_end.wire_models import ANSWER_KEYS, TOPICS

# Each engine speaks one text at a time anyway; more than one at once lets the next engine step in.
_SPEECHES = 4
_SPEECHES_WAITING = 16


@dataclass(frozen=True)
class Services:
    settings: Settings
    ollama: OllamaClient
    pulls: ModelPulls
    chats: Admission
    conversations: Conversations
    gateway: MemoryGateway
    store: AnchorStore
    speech: ModelManager
    voices: VoicePrompts
    # Speaking holds a thread: threads of its own, so that nothing else waits for one behind an engine that hangs.
    speeches: Admission
    speakers: ThreadPoolExecutor

    async def close(self) -> None:
        await self.pulls.close()
        await self.ollama.close()
        await self.store.close()
        self.gateway.stop()
        self.speech.close()
        self.speakers.shutdown(wait=False, cancel_futures=True)
        self.voices.close()


def make_services(settings: Settings) -> Services:
    def open_broker() -> Broker:
        return KafkaBroker(
            settings.kafka_bootstrap,
            topics=TOPICS,
            answers=tuple(ANSWER_KEYS),
            timeout=settings.ready_timeout,
            delivery_timeout=min(settings.memory_timeout, settings.recall_timeout),
        )

    limits = TimeLimits(index=settings.memory_timeout, recall=settings.recall_timeout, retell=settings.retell_timeout)
    ollama = OllamaClient(
        settings.ollama_url, connect_timeout=settings.ollama_connect_timeout, timeout=settings.ollama_timeout
    )
    chats = Admission(at_once=settings.chat_streams, waiting=settings.chat_queue)
    return Services(
        settings=settings,
        ollama=ollama,
        pulls=ModelPulls(ollama),
        chats=chats,
        conversations=Conversations(sessions=settings.chat_sessions, turns=settings.chat_session_turns),
        gateway=MemoryGateway(open_broker, limits),
        store=AnchorStore(settings.qdrant_url, settings.qdrant_collection, timeout=settings.qdrant_timeout),
        speech=make_model_manager(settings, is_idle=lambda: chats.answering == 0),
        voices=VoicePrompts(),
        speeches=Admission(at_once=_SPEECHES, waiting=_SPEECHES_WAITING),
        speakers=ThreadPoolExecutor(_SPEECHES, thread_name_prefix="speaker"),
    )


def _services(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


Injected = Annotated[Services, Depends(_services)]
