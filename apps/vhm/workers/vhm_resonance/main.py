"""The resonance worker: recall-request → what the memory answers → recall-response."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from vhm_common_utils.logs import configure_logs
from vhm_common_utils.loop import LoopSettings
from vhm_common_utils.memory import open_memory
from vhm_common_utils.reading import BatchLimits
from vhm_common_utils.retry import RetryPolicy
from vhm_common_utils.worker import Worker, health_port, run_worker

from workers.vhm_resonance.handler import ANSWERS, SOURCE, handle
from workers.vhm_resonance.settings import ResonanceSettings

STORE_RETRIES = RetryPolicy(retries=3, backoff_seconds=0.25)
PUBLISH_RETRIES = RetryPolicy(retries=3, backoff_seconds=0.5)
# Somebody waits for each answer, so a batch is what waits already, and short.
BATCH = BatchLimits(messages=8)


def build(settings: ResonanceSettings) -> Worker:
    memory = open_memory(settings.memory)
    return Worker(
        name="resonance",
        bootstrap=settings.bootstrap,
        source=SOURCE,
        answers=ANSWERS,
        handle=lambda events: handle(events, memory.store, memory.embedder.embed_many, settings.recall),
        loop=LoopSettings(handling=STORE_RETRIES, publishing=PUBLISH_RETRIES, batch=BATCH),
        gates=memory.gates(),
        checks=memory.checks(),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    settings = ResonanceSettings.from_config()
    port = health_port(arguments)
    configure_logs(worker="resonance", level=settings.log_level)
    return run_worker(build(settings), port)


if __name__ == "__main__":
    sys.exit(main())
