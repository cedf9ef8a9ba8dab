"""The indexer: anchors-write → Qdrant → anchors-indexed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from vhm_common_utils.logs import configure_logs
from vhm_common_utils.loop import LoopSettings
from vhm_common_utils.memory import open_memory
from vhm_common_utils.reading import BatchLimits
from vhm_common_utils.worker import Worker, health_port, run_worker

from workers.vhm_indexer.handler import ANSWERS, SOURCE, handle
from workers.vhm_indexer.settings import IndexerSettings

# Larger ones gain nothing: the store's work on each anchor outweighs by then what a call costs.
BATCH_DETERMINISTIC = BatchLimits(messages=512, linger_seconds=0.01)
# A model embeds a batch within the provider's time limit, even on a CPU.
BATCH_OF_A_MODEL = BatchLimits(messages=32, linger_seconds=0.01)


def build(settings: IndexerSettings) -> Worker:
    memory = open_memory(settings.memory)
    return Worker(
        name="indexer",
        bootstrap=settings.bootstrap,
        source=SOURCE,
        answers=ANSWERS,
        handle=lambda events: handle(events, memory.store, memory.embedder.embed_many),
        loop=LoopSettings(
            handling=settings.storing,
            publishing=settings.publishing,
            batch=BATCH_DETERMINISTIC if memory.embedder.is_local else BATCH_OF_A_MODEL,
        ),
        gates=memory.gates(),
        checks=memory.checks(),
        shutdown_timeout=settings.shutdown_timeout_seconds,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    settings = IndexerSettings.from_config()
    port = health_port(arguments)
    configure_logs(worker="indexer", level=settings.log_level, as_json=settings.log_json)
    return run_worker(build(settings), port)


if __name__ == "__main__":
    sys.exit(main())
