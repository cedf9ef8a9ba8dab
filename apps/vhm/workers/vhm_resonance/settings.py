"""What the resonance worker takes from its environment."""

from __future__ import annotations

from dataclasses import dataclass

from vhm_common_utils import config
from vhm_common_utils.memory import MemorySettings

from workers.vhm_resonance.recall import RecallSettings


@dataclass(frozen=True)
class ResonanceSettings:
    """Each name is a variable of `config.VARIABLES` that says `resonance`."""

    bootstrap: str
    memory: MemorySettings
    recall: RecallSettings
    log_level: str

    @classmethod
    def from_config(cls) -> ResonanceSettings:
        return cls(
            bootstrap=config.KAFKA_BOOTSTRAP,
            memory=MemorySettings.from_config(),
            recall=RecallSettings(config.RESONANCE_MAX_BEATS, config.RESONANCE_DIVERSITY_THRESHOLD),
            log_level=config.RESONANCE_LOG_LEVEL,
        )
