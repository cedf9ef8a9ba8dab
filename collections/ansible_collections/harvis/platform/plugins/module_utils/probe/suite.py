"""All probes of one verification in order. None stops another, and the memory is deleted whatever happens."""

from __future__ import annotations

import contextlib
import functools
import signal
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Proof, prove
from ansible_collections.harvis.platform.plugins.module_utils.probe import (
    chat,
    forget,
    gpu_use,
    models,
    ready,
    recall,
    remember,
    retell,
    speak,
)
from ansible_collections.harvis.platform.plugins.module_utils.probe.client import Client
from ansible_collections.harvis.platform.plugins.module_utils.probe.http import HttpCheck
from ansible_collections.harvis.platform.plugins.module_utils.probe.visit import Visit

CHECKS: dict[str, t.Callable[[Visit], str]] = {
    "ready": ready.check,
    "models": models.check,
    "chat": chat.check,
    "speak": speak.check,
    "remember": remember.check,
    "recall": recall.check,
    "retell": retell.check,
}
# Asked for by naming the containers that were granted a card.
GPU_USE = "gpu-use"
BY_GRANT: dict[str, t.Callable[[Visit], str]] = {GPU_USE: gpu_use.check}
READ_ONLY = frozenset({"ready", "models", "chat", "speak", GPU_USE})
NEED_MEMORY = frozenset({"recall", "retell"})
_PATHS = {
    "ready": ready.PATH,
    "models": models.PATH,
    "chat": chat.PATH,
    "speak": speak.PATH,
    "gpu-use": gpu_use.PATH,
    "remember": remember.PATH,
    "recall": recall.PATH,
    "retell": recall.PATH,
    "forget": forget.PATH,
}
ENDING = (signal.SIGTERM, signal.SIGHUP)


def run_checks(visit: Visit, names: t.Iterable[str]) -> list[Proof]:
    """The named checks in the order of ``CHECKS`` and ``BY_GRANT``, with those that they rest on."""
    wanted = set(names)
    if wanted & NEED_MEMORY:
        wanted.add("remember")
    if GPU_USE in wanted:
        # Ollama tells only of models that are loaded.
        wanted.add("chat")
    proofs: list[Proof] = []
    with ending_in_order():
        try:
            for name, check in {**CHECKS, **BY_GRANT}.items():
                if name in wanted:
                    proofs.append(_prove(visit, name, check))
        finally:
            if visit.memory_tried:
                proofs.append(_prove(visit, "forget", forget.check))
    return proofs


def _prove(visit: Visit, name: str, check: t.Callable[[Visit], str]) -> Proof:
    return prove(name, visit.url(_PATHS[name]), lambda: check(visit))


def run_http(client: Client, checks: t.Iterable[HttpCheck]) -> list[Proof]:
    return [prove("http", check.name, functools.partial(check.run, client)) for check in checks]


@contextlib.contextmanager
def ending_in_order() -> t.Iterator[None]:
    """Turn a request to end into an exception, so that what was begun is undone before this process ends."""

    def leave(number: int, _frame: object) -> t.NoReturn:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
