"""The resonance worker."""

import structlog
from confluent_kafka import Consumer
from vhm_common_utils import config
from vhm_common_utils.config import KAFKA_BOOTSTRAP

log = structlog.get_logger()


def main():
    log.info("starting", store=config.QDRANT_URL, model=config.OLLAMA_URL, as_json=config.RESONANCE_LOG_JSON)
    consumer = Consumer(
        {
            "bootstrap.servers": KAFKA_BOOTSTRAP,
            "group.id": "resonance",
            "auto.offset.reset": "earliest",
            "max.poll.interval.ms": 300000,
        }
    )
    for _ in range(config.RESONANCE_MAX_BEATS):
        consumer.poll(1.0)


if __name__ == "__main__":
    main()
