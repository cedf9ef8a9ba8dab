"""What the reteller takes from its environment."""

from __future__ import annotations

from dataclasses import dataclass

from vhm_common_utils import config
from vhm_common_utils.retry import RetryPolicy

from workers.vhm_reteller.tellers import TellerSettings


@dataclass(frozen=True)
class RetellerSettings:
    """Each name is a variable of `config.VARIABLES` that says `reteller`."""

    bootstrap: str
    tellers: TellerSettings
    publishing: RetryPolicy
    poll_seconds: float
    flush_timeout_seconds: float
    log_level: str

    @classmethod
    def from_config(cls) -> RetellerSettings:
        return cls(
            bootstrap=config.KAFKA_BOOTSTRAP,
            tellers=TellerSettings.from_config(),
            publishing=RetryPolicy(config.RETELLER_KAFKA_RETRIES, config.RETELLER_KAFKA_RETRY_BACKOFF_SECONDS),
            poll_seconds=config.RETELLER_POLL_TIMEOUT_SECONDS,
            flush_timeout_seconds=config.RETELLER_PRODUCER_FLUSH_TIMEOUT_SECONDS,
            log_level=config.RETELLER_LOG_LEVEL,
        )
