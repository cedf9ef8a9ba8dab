"""One worker process: logs, health server, Kafka clients, signals and the loop, put together."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from vhm_common_utils.broker import Publisher, make_consumer
from vhm_common_utils.deciding import Handle
from vhm_common_utils.health import PORT, Check, HealthServer, readiness
from vhm_common_utils.loop import ConsumerLoop, LoopSettings
from vhm_common_utils.messages import dead_letter_topic
from vhm_common_utils.metrics import Metrics
from vhm_common_utils.version import get_version

_EXIT_FORCED = 1


@dataclass(frozen=True)
class Worker:
    """What makes one worker different. `gates` prepare and are asked before reading, `checks` by /ready."""

    name: str
    bootstrap: str
    source: str
    answers: str
    handle: Handle
    loop: LoopSettings
    gates: Mapping[str, Check] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    flush_timeout: float = 5.0
    shutdown_timeout: float = 10.0

    @property
    def topics(self) -> tuple[str, ...]:
        return self.source, self.answers, dead_letter_topic(self.source)


def health_port(arguments: Sequence[str] | None) -> int:
    """The port of the health server; only a run beside another worker on one host needs another than 8080."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--health-port", type=int, default=PORT)
    return int(parser.parse_args(arguments).health_port)


def run_worker(worker: Worker, port: int) -> int:
    """Run until SIGTERM or SIGINT, then drain; returns the exit code."""
    log = structlog.get_logger("vhm.worker")
    log.info("starting", version=get_version(), source=worker.source, answers=worker.answers, port=port)
    publisher = Publisher.connect(worker.bootstrap, worker.name, worker.flush_timeout)

    def broker_cause() -> str | None:
        return publisher.missing_cause(worker.topics)

    loop = ConsumerLoop(
        make_consumer(worker.bootstrap, worker.name),
        publisher,
        worker.handle,
        worker.loop,
        {"broker": broker_cause, **worker.gates},
        Metrics(),
    )
    for name, check in {
        "broker": broker_cause,
        "assignment": loop.assignment_cause,
        **worker.checks,
        "reading": loop.hold_cause,
    }.items():
        readiness.add(name, check)
    health = HealthServer(readiness, port)
    health.start()
    watchdog = _stop_on_signal(loop, worker.shutdown_timeout)
    # What is loaded by now stays: looking through it again and again would cost each batch some of its time.
    gc.freeze()
    loop.run(worker.source)
    publisher.close()
    health.stop()
    watchdog.cancel()
    log.info("drained")
    return 0


def _stop_on_signal(loop: ConsumerLoop, timeout: float) -> threading.Timer:
    """End the loop on a signal, and the process when the batch at hand does not end in time; it comes again then."""
    watchdog = threading.Timer(timeout, _force_exit, args=(timeout,))
    watchdog.daemon = True

    def on_signal(_: int, __: Any) -> None:
        # No log line here: the signal may arrive in the middle of writing one.
        loop.stop()
        if not watchdog.is_alive():
            watchdog.start()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return watchdog


def _force_exit(timeout: float) -> None:
    structlog.get_logger("vhm.worker").error("not_drained", shutdown_timeout_seconds=timeout)
    os._exit(_EXIT_FORCED)
