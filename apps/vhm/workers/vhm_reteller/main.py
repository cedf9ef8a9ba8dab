"""The reteller: recall-response → a retelling → retell-response."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from vhm_common_utils import config
from vhm_common_utils.deciding import each
from vhm_common_utils.logs import configure_logs
from vhm_common_utils.loop import LoopSettings
from vhm_common_utils.remote import http_client
from vhm_common_utils.retry import RetryPolicy
from vhm_common_utils.worker import Worker, health_port, run_worker

from workers.vhm_reteller.handler import ANSWERS, SOURCE, handle
from workers.vhm_reteller.tellers import READ_TIMEOUT_SECONDS, TellerSettings, make_tellers

# A teller that fails is followed by the next one, and the narrator never fails: handling again would gain nothing.
NO_RETRIES = RetryPolicy(retries=0, backoff_seconds=0.0)


def build() -> Worker:
    settings = TellerSettings.from_config()
    tellers = make_tellers(settings, http_client(READ_TIMEOUT_SECONDS, *settings.addresses()))
    return Worker(
        name="reteller",
        bootstrap=config.KAFKA_BOOTSTRAP,
        source=SOURCE,
        answers=ANSWERS,
        handle=each(lambda event: handle(event, tellers)),
        loop=LoopSettings(
            handling=NO_RETRIES,
            publishing=RetryPolicy(config.RETELLER_KAFKA_RETRIES, config.RETELLER_KAFKA_RETRY_BACKOFF_SECONDS),
            poll_seconds=config.RETELLER_POLL_TIMEOUT_SECONDS,
        ),
        flush_timeout=config.RETELLER_PRODUCER_FLUSH_TIMEOUT_SECONDS,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    port = health_port(arguments)
    configure_logs(worker="reteller", level=config.RETELLER_LOG_LEVEL)
    return run_worker(build(), port)


if __name__ == "__main__":
    sys.exit(main())
