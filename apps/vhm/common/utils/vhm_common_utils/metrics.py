"""What a worker counts, for Prometheus: `/metrics` on the health port."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180)
_MESSAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """The figures of one consumer loop."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.messages = Counter("vhm_messages", "Messages read.", registry=registry)
        self.outcomes = Counter(
            "vhm_outcomes", "Messages done, by what became of them.", ["outcome"], registry=registry
        )
        self.dead_letters = Counter("vhm_dead_letters", "Messages kept as dead letters.", ["reason"], registry=registry)
        self.retries = Counter("vhm_retries", "Attempts after the first.", ["stage", "reason"], registry=registry)
        self.batch_messages = Histogram(
            "vhm_batch_messages", "Messages in a batch.", buckets=_MESSAGES, registry=registry
        )
        self.batch_seconds = Histogram(
            "vhm_batch_seconds", "From reading a batch to its commit.", buckets=_SECONDS, registry=registry
        )
        self.lag = Gauge("vhm_lag_messages", "Messages that wait.", ["topic", "partition"], registry=registry)
        self.is_reading = Gauge(
            "vhm_reading", "1 while nothing that every message needs is missing.", registry=registry
        )

    def set_lag(self, lag: Mapping[tuple[str, int], int]) -> None:
        # A partition that went to another member must not keep its last figure here.
        self.lag.clear()
        for (topic, partition), waiting in lag.items():
            self.lag.labels(topic, str(partition)).set(waiting)
