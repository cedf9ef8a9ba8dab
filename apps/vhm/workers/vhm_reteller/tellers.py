"""Who retells: language models in order of preference, and the narrator that needs none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from vhm_common_utils import config
from vhm_common_utils.data_models import ResonanceBeat
from vhm_common_utils.errors import PermanentError
from vhm_common_utils.remote import OPENAI_BASE_URL, post_json

RETELLING_FAILED = "retelling_failed"
# Somebody waits for a retelling: a hosted model that takes longer is passed over for the next one.
HOSTED_SECONDS = 30.0
# The last model before the narrator may run on a CPU.
OLLAMA_SECONDS = 90.0
TOKEN_LIMIT = 200
_TEXT_LIMIT = 1000
_SYSTEM = (
    "You retell a person's own memories to them, in the second person and in at most three sentences. "
    "Use only what the memories say, and say how long ago each was."
)


@dataclass(frozen=True)
class Teller:
    """A language model that may be asked. `tell` raises a `ProcessingError` when it has no answer."""

    provider: str
    model: str | None
    tell: Callable[[Sequence[ResonanceBeat]], str]


@dataclass(frozen=True)
class TellerSettings:
    """Which providers are configured; an address or key of None means that the provider is not."""

    portkey_api_key: str | None = field(default=None, repr=False)
    portkey_base_url: str = ""
    portkey_config_id: str | None = None
    portkey_model: str | None = None
    openai_api_key: str | None = field(default=None, repr=False)
    openai_model: str = ""
    openai_base_url: str = OPENAI_BASE_URL
    ollama_base_url: str | None = None
    ollama_model: str = ""

    @classmethod
    def from_config(cls) -> TellerSettings:
        return cls(
            portkey_api_key=config.PORTKEY_API_KEY,
            portkey_base_url=config.PORTKEY_BASE_URL,
            portkey_config_id=config.PORTKEY_CONFIG_ID,
            portkey_model=config.PORTKEY_MODEL,
            openai_api_key=config.OPENAI_API_KEY,
            openai_model=config.OPENAI_MODEL,
            # The default address is a guess that fits a desktop: only one that somebody set is worth a call.
            ollama_base_url=config.OLLAMA_BASE_URL if config.is_set("OLLAMA_BASE_URL") else None,
            ollama_model=config.OLLAMA_MODEL,
        )

    def addresses(self) -> tuple[str, ...]:
        """Of the providers that are configured."""
        configured = [
            (self.portkey_base_url, self.portkey_api_key),
            (self.openai_base_url, self.openai_api_key),
            (self.ollama_base_url or "", self.ollama_base_url),
        ]
        return tuple(address for address, given in configured if given)


def make_tellers(settings: TellerSettings, client: httpx.Client) -> list[Teller]:
    """The configured models, in the order in which they are asked."""
    tellers = []
    if settings.portkey_api_key:
        tellers.append(Teller("portkey", settings.portkey_model, lambda beats: _portkey(settings, client, beats)))
    if settings.openai_api_key:
        tellers.append(Teller("openai", settings.openai_model, lambda beats: _openai(settings, client, beats)))
    if settings.ollama_base_url:
        tellers.append(Teller("ollama", settings.ollama_model, lambda beats: _ollama(settings, client, beats)))
    return tellers


def narrate(beats: Sequence[ResonanceBeat]) -> str:
    """The same words for the same beats. It says what it is, so that nobody takes it for a model."""
    opening = "The built-in narrator speaks, not a language model."
    if not beats:
        return f"{opening} No memory answers this."
    return " ".join([opening, *(f"{beat.perceived_age.capitalize()}: “{beat.text.strip()}”." for beat in beats)])


def _prompt(beats: Sequence[ResonanceBeat]) -> str:
    lines = (f"- {beat.perceived_age}: {beat.text.strip()[:_TEXT_LIMIT]}" for beat in beats)
    return "\n".join(["The memories:", *lines])


def _portkey(settings: TellerSettings, client: httpx.Client, beats: Sequence[ResonanceBeat]) -> str:
    headers = {"x-portkey-api-key": settings.portkey_api_key or ""}
    if settings.portkey_config_id:
        headers["x-portkey-config"] = settings.portkey_config_id
    return _complete(client, settings.portkey_base_url, headers, settings.portkey_model, beats)


def _openai(settings: TellerSettings, client: httpx.Client, beats: Sequence[ResonanceBeat]) -> str:
    headers = {"Authorization": f"Bearer {settings.openai_api_key}"}
    return _complete(client, settings.openai_base_url, headers, settings.openai_model, beats)


def _complete(
    client: httpx.Client, base_url: str, headers: dict[str, str], model: str | None, beats: Sequence[ResonanceBeat]
) -> str:
    """The request that OpenAI and Portkey share; a Portkey configuration may name the model instead of us."""
    messages = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": _prompt(beats)}]
    body: dict[str, Any] = {"messages": messages, "max_tokens": TOKEN_LIMIT, **({"model": model} if model else {})}
    url = f"{base_url.rstrip('/')}/chat/completions"
    answer = post_json(client, url, body, headers=headers, reason=RETELLING_FAILED, seconds=HOSTED_SECONDS)
    return _told(lambda: answer["choices"][0]["message"]["content"])


def _ollama(settings: TellerSettings, client: httpx.Client, beats: Sequence[ResonanceBeat]) -> str:
    body = {
        "model": settings.ollama_model,
        "system": _SYSTEM,
        "prompt": _prompt(beats),
        "stream": False,
        "options": {"num_predict": TOKEN_LIMIT},
    }
    url = f"{(settings.ollama_base_url or '').rstrip('/')}/api/generate"
    answer = post_json(client, url, body, reason=RETELLING_FAILED, seconds=OLLAMA_SECONDS)
    return _told(lambda: answer["response"])


def _told(read: Callable[[], Any]) -> str:
    try:
        text = read()
    except (KeyError, IndexError, TypeError) as error:
        raise PermanentError(RETELLING_FAILED, f"the answer has an unknown shape ({type(error).__name__})") from error
    if not isinstance(text, str) or not text.strip():
        raise PermanentError(RETELLING_FAILED, "the answer holds no text")
    return text.strip()
