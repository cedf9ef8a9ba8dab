"""The indexer: anchors-write → Qdrant → anchors-indexed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from vhm_common_utils import config
from vhm_common_utils.logs import configure_logs
from vhm_common_utils.loop import LoopSettings
from vhm_common_utils.memory import open_memory
from vhm_common_utils.reading import BatchLimits
from vhm_common_utils.retry import RetryPolicy
from vhm_common_utils.worker import Worker, health_port, run_worker

from workers.vhm_indexer.handler import ANSWERS, SOURCE, handle

# Larger ones gain nothing: the store's work on each anchor outweighs by then what a call costs.
BATCH_DETERMINISTIC = BatchLimits(messages=512, linger_seconds=0.01)
# A model embeds a batch within the provider's time limit, even on a CPU.
BATCH_OF_A_MODEL = BatchLimits(messages=32, linger_seconds=0.01)


def build() -> Worker:
    memory = open_memory()
    return Worker(
        name="indexer",
        bootstrap=config.KAFKA_BOOTSTRAP,
        source=SOURCE,
        answers=ANSWERS,
        handle=lambda events: handle(events, memory.store, memory.embedder.embed_many),
        loop=LoopSettings(
            handling=RetryPolicy(config.INDEXER_QDRANT_RETRIES, config.INDEXER_QDRANT_RETRY_BACKOFF_SECONDS),
            publishing=RetryPolicy(config.INDEXER_KAFKA_RETRIES, config.INDEXER_KAFKA_RETRY_BACKOFF_SECONDS),
            batch=BATCH_DETERMINISTIC if memory.embedder.is_local else BATCH_OF_A_MODEL,
        ),
        gates=memory.gates(),
        checks=memory.checks(),
        shutdown_timeout=config.INDEXER_SHUTDOWN_TIMEOUT_SECONDS,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    port = health_port(arguments)
    configure_logs(worker="indexer", level=config.INDEXER_LOG_LEVEL, as_json=config.INDEXER_LOG_JSON)
    return run_worker(build(), port)


if __name__ == "__main__":
    sys.exit(main())
