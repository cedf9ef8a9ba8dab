"""What the back end needs to serve, each with the cause of what is missing. Speech is not among it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

from python_back_end.broker import BrokerState
from python_back_end.errors import ApiError
from python_back_end.ollama_client import has_model
from python_back_end.services import Services

_BEHIND_BROKER = "not known while the broker is unreachable"


@dataclass(frozen=True)
class Check:
    ok: bool
    cause: str | None = None

    def to_json(self) -> dict[str, bool | str]:
        return {"ok": self.ok} if self.cause is None else {"ok": self.ok, "cause": self.cause}


async def run_checks(services: Services) -> dict[str, Check]:
    limit = services.settings.ready_timeout
    (ollama, model), store = await asyncio.gather(
        _check_ollama(services, limit), _checked(services.store.check(timeout=limit))
    )
    return {"ollama": ollama, "model": model, **_check_broker(services.gateway.state), "store": store}


async def _check_ollama(services: Services, limit: float) -> tuple[Check, Check]:
    wanted = services.settings.ollama_model
    try:
        names = await services.ollama.model_names(timeout=limit)
    except ApiError as error:
        return Check(False, error.cause), Check(False, "not known while Ollama does not answer")
    if has_model(names, wanted):
        return Check(True), Check(True)
    return Check(True), Check(False, f"Ollama has no model {wanted}; it has: {', '.join(sorted(names)) or 'none'}")


def _check_broker(state: BrokerState) -> dict[str, Check]:
    if state.unreachable is not None:
        behind = Check(False, _BEHIND_BROKER)
        return {"broker": Check(False, state.unreachable), "topics": behind, "assignment": behind}
    missing = ", ".join(state.missing_topics)
    return {
        "broker": Check(True),
        "topics": Check(False, f"missing: {missing}") if missing else Check(True),
        "assignment": Check(state.unassigned is None, state.unassigned),
    }


async def _checked(check: Awaitable[None]) -> Check:
    try:
        await check
    except ApiError as error:
        return Check(False, error.cause)
    return Check(True)
