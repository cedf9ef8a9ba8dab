"""What the indexer takes from its environment."""

from __future__ import annotations

from dataclasses import dataclass

from vhm_common_utils import config
from vhm_common_utils.memory import MemorySettings
from vhm_common_utils.retry import RetryPolicy


@dataclass(frozen=True)
class IndexerSettings:
    """Each name is a variable of `config.VARIABLES` that says `indexer`."""

    bootstrap: str
    memory: MemorySettings
    storing: RetryPolicy
    publishing: RetryPolicy
    shutdown_timeout_seconds: float
    log_level: str
    log_json: bool

    @classmethod
    def from_config(cls) -> IndexerSettings:
        return cls(
            bootstrap=config.KAFKA_BOOTSTRAP,
            memory=MemorySettings.from_config(),
            storing=RetryPolicy(config.INDEXER_QDRANT_RETRIES, config.INDEXER_QDRANT_RETRY_BACKOFF_SECONDS),
            publishing=RetryPolicy(config.INDEXER_KAFKA_RETRIES, config.INDEXER_KAFKA_RETRY_BACKOFF_SECONDS),
            shutdown_timeout_seconds=config.INDEXER_SHUTDOWN_TIMEOUT_SECONDS,
            log_level=config.INDEXER_LOG_LEVEL,
            log_json=config.INDEXER_LOG_JSON,
        )
