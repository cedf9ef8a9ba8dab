"""Texts as vectors. One provider serves writing and recall; a provider that fails is an error, never another space."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from vhm_common_utils import config
from vhm_common_utils.ages import human_age
from vhm_common_utils.deterministic import deterministic_embed, deterministic_embed_many
from vhm_common_utils.errors import PermanentError, ProcessingError
from vhm_common_utils.remote import OPENAI_BASE_URL, http_client, post_json

__all__ = ["Embedder", "deterministic_embed", "get_embedding", "get_embedding_dim", "human_age"]

EMBEDDING_FAILED = "embedding_generation_failed"
DETERMINISTIC = "deterministic"
READ_TIMEOUT_SECONDS = 30.0
_PROBE = "dimension"

DIMENSIONS: dict[str, int] = {
    DETERMINISTIC: 384,
    "nomic-embed-text": 768,
    "mxbai-embed-large": 1024,
    "bge-m3": 1024,
    "cohere-embed-v3": 1024,
}


@dataclass(frozen=True)
class EmbeddingSettings:
    """Where texts become vectors; `model` is `deterministic` or `provider:model`."""

    model: str
    ollama_base_url: str
    openai_api_key: str | None = field(repr=False)
    portkey_base_url: str
    portkey_api_key: str | None = field(repr=False)
    openai_base_url: str = OPENAI_BASE_URL

    @classmethod
    def from_config(cls) -> EmbeddingSettings:
        return cls(
            model=config.EMBEDDING_MODEL,
            ollama_base_url=config.OLLAMA_BASE_URL,
            openai_api_key=config.OPENAI_API_KEY,
            portkey_base_url=config.PORTKEY_BASE_URL,
            portkey_api_key=config.PORTKEY_API_KEY,
        )

    def split(self) -> tuple[str, str]:
        """Provider and model name."""
        if self.model == DETERMINISTIC:
            return DETERMINISTIC, DETERMINISTIC
        provider, _, model = self.model.partition(":")
        return provider, model

    def address(self) -> str | None:
        """Where the provider is asked; None where nobody is."""
        addresses = {
            "ollama": self.ollama_base_url,
            "openai": self.openai_base_url,
            "portkey": self.portkey_base_url,
        }
        return addresses.get(self.split()[0])

    def fault(self) -> tuple[str, str] | None:
        """The variable that makes this provider unusable, and why; None when it can be used."""
        provider, model = self.split()
        if provider == DETERMINISTIC and model:
            return None
        if provider not in _PROVIDERS or not model:
            known = ", ".join(f"{name}:<model>" for name in _PROVIDERS)
            return "EMBEDDING_MODEL", f"{self.model!r} names no provider: use deterministic or one of {known}"
        if provider == "openai" and not self.openai_api_key:
            return "OPENAI_API_KEY", f"is empty, and EMBEDDING_MODEL={self.model} needs it"
        if provider == "portkey" and not self.portkey_api_key:
            return "PORTKEY_API_KEY", f"is empty, and EMBEDDING_MODEL={self.model} needs it"
        return None


class Embedder:
    """Embeds with one provider, and knows or measures its dimension."""

    def __init__(self, settings: EmbeddingSettings, client: httpx.Client | None = None) -> None:
        self._settings = settings
        self._client = client or http_client(READ_TIMEOUT_SECONDS, settings.address())
        self._dimension = known_dimension(settings.model)

    def dimension(self) -> int:
        """The length of this provider's vectors; a model that is not in the table is asked once."""
        if self._dimension is None:
            self._dimension = len(self._vectors([_PROBE])[0])
        return self._dimension

    @property
    def is_local(self) -> bool:
        """Whether embedding asks nobody, and so takes no time to speak of."""
        return self._settings.split()[0] == DETERMINISTIC

    @property
    def provider_and_model(self) -> tuple[str, str]:
        """What the space of the vectors hangs on. To Ollama a model and its tag `latest` are the same."""
        provider, model = self._settings.split()
        return provider, model.removesuffix(":latest") if provider == "ollama" else model

    def embed(self, text: str) -> list[float]:
        return self.embed_many([text])[0]

    def embed_many(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text, by one call to the provider."""
        if not texts:
            return []
        expected = self.dimension()
        vectors = self._vectors(texts)
        for vector in vectors:
            if len(vector) != expected:
                detail = f"{self._settings.model} gave {len(vector)} numbers, expected {expected}"
                raise PermanentError(EMBEDDING_FAILED, detail)
        return vectors

    def unavailable_cause(self) -> str | None:
        """Why this provider can't embed now. Asks it, so not for a probe that runs every few seconds."""
        try:
            self.embed(_PROBE)
        except ProcessingError as error:
            return str(error)
        return None

    def _vectors(self, texts: Sequence[str]) -> list[list[float]]:
        fault = self._settings.fault()
        if fault is not None:
            raise PermanentError(EMBEDDING_FAILED, " ".join(fault))
        provider, model = self._settings.split()
        if provider == DETERMINISTIC:
            return deterministic_embed_many(texts, DIMENSIONS[DETERMINISTIC])
        try:
            found = _PROVIDERS[provider](self._settings, self._client, model, list(texts))
            vectors = [_checked(values) for values in found]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            detail = f"{self._settings.model} answered in an unknown shape ({type(error).__name__}: {error})"
            raise PermanentError(EMBEDDING_FAILED, detail) from error
        if len(vectors) != len(texts):
            detail = (
                f"{self._settings.model} answered in an unknown shape ({len(vectors)} vectors for {len(texts)} texts)"
            )
            raise PermanentError(EMBEDDING_FAILED, detail)
        return vectors


def _checked(values: Any) -> list[float]:
    vector = [float(value) for value in values]
    if not vector or not all(map(math.isfinite, vector)) or not any(vector):
        raise PermanentError(EMBEDDING_FAILED, "the provider gave a vector without a direction")
    return vector


def _embed_ollama(settings: EmbeddingSettings, client: httpx.Client, model: str, texts: list[str]) -> Any:
    url = f"{settings.ollama_base_url.rstrip('/')}/api/embed"
    return post_json(client, url, {"model": model, "input": _one_or_all(texts)}, reason=EMBEDDING_FAILED)["embeddings"]


def _embed_openai(settings: EmbeddingSettings, client: httpx.Client, model: str, texts: list[str]) -> Any:
    headers = {"Authorization": f"Bearer {settings.openai_api_key}"}
    return _openai_vectors(client, settings.openai_base_url, headers, model, texts)


def _embed_portkey(settings: EmbeddingSettings, client: httpx.Client, model: str, texts: list[str]) -> Any:
    headers = {"x-portkey-api-key": settings.portkey_api_key or ""}
    return _openai_vectors(client, settings.portkey_base_url, headers, model, texts)


def _openai_vectors(client: httpx.Client, base_url: str, headers: dict[str, str], model: str, texts: list[str]) -> Any:
    """The request that OpenAI and Portkey share; its answers may come in any order and say which text they are for."""
    url = f"{base_url.rstrip('/')}/embeddings"
    body = {"model": model, "input": _one_or_all(texts)}
    data = post_json(client, url, body, headers=headers, reason=EMBEDDING_FAILED)["data"]
    ordered = sorted(enumerate(data), key=lambda numbered: numbered[1].get("index", numbered[0]))
    return [entry["embedding"] for _, entry in ordered]


def _one_or_all(texts: list[str]) -> str | list[str]:
    """Every provider takes a list, but some that only look like one of these take nothing except a text."""
    return texts[0] if len(texts) == 1 else texts


_PROVIDERS: dict[str, Callable[[EmbeddingSettings, httpx.Client, str, list[str]], Any]] = {
    "ollama": _embed_ollama,
    "openai": _embed_openai,
    "portkey": _embed_portkey,
}


def known_dimension(model: str) -> int | None:
    """The table's dimension of `model`, `provider:model`, `provider:model:tag` or `provider:@vendor/model`."""
    names = (part.rpartition("/")[2] for part in model.split(":"))
    return next((DIMENSIONS[name] for name in names if name in DIMENSIONS), None)


_embedders: dict[EmbeddingSettings, Embedder] = {}


def embedder_of(settings: EmbeddingSettings) -> Embedder:
    """One for each configuration, so that its connections are used again."""
    if settings not in _embedders:
        _embedders[settings] = Embedder(settings)
    return _embedders[settings]


def get_embedding(text: str) -> list[float]:
    return embedder_of(EmbeddingSettings.from_config()).embed(text)


def get_embedding_dim() -> int:
    return embedder_of(EmbeddingSettings.from_config()).dimension()
