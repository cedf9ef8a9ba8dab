"""The store and the embedding that fits it, for the workers that use both."""

from __future__ import annotations

from dataclasses import dataclass

from vhm_common_utils import config
from vhm_common_utils.embedding import Embedder, EmbeddingSettings, embedder_of
from vhm_common_utils.health import Check
from vhm_common_utils.store import AnchorStore, Space, connect


@dataclass(frozen=True)
class MemorySettings:
    """Where the store is, and which embedding fits it."""

    url: str
    collection: str
    embedding: EmbeddingSettings

    @classmethod
    def from_config(cls) -> MemorySettings:
        return cls(config.QDRANT_URL, config.QDRANT_COLLECTION, EmbeddingSettings.from_config())


@dataclass(frozen=True)
class Memory:
    """What is asked before reading (`gates`) and by /ready (`checks`)."""

    store: AnchorStore
    embedder: Embedder

    def gates(self) -> dict[str, Check]:
        # The embedding comes first: a new collection takes its dimension from it.
        return {"embedding": self.embedder.unavailable_cause, "store": self.store.preparation_cause}

    def checks(self) -> dict[str, Check]:
        return {"store": self.store.unavailable_cause}


def space_of(embedder: Embedder) -> Space:
    """Asks a model for its dimension where no table holds it."""
    provider, model = embedder.provider_and_model
    return Space(provider, model, embedder.dimension())


def open_memory(settings: MemorySettings) -> Memory:
    """Connects lazily: neither the store nor the provider needs to be up. A bad choice of provider ends the process."""
    fault = settings.embedding.fault()
    if fault is not None:
        config.stop_for(*fault)
    embedder = embedder_of(settings.embedding)
    return Memory(AnchorStore(connect(settings.url), settings.collection, lambda: space_of(embedder)), embedder)
