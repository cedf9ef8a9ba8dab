"""The indexer: anchors-write → Qdrant → anchors-indexed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from vhm_common_utils import config
from vhm_common_utils.logs import configure_logs
from vhm_common_utils.loop import LoopSettings
from vhm_common_utils.memory import open_memory
from vhm_common_utils.retry import RetryPolicy
from vhm_common_utils.worker import Worker, health_port, run_worker

from workers.vhm_indexer.handler import ANSWERS, SOURCE, handle


def build() -> Worker:
    memory = open_memory()
    return Worker(
        name="indexer",
        bootstrap=config.KAFKA_BOOTSTRAP,
        source=SOURCE,
        answers=ANSWERS,
        handle=lambda event: handle(event, memory.store, memory.embedder.embed),
        loop=LoopSettings(
            handling=RetryPolicy(config.INDEXER_QDRANT_RETRIES, config.INDEXER_QDRANT_RETRY_BACKOFF_SECONDS),
            publishing=RetryPolicy(config.INDEXER_KAFKA_RETRIES, config.INDEXER_KAFKA_RETRY_BACKOFF_SECONDS),
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
