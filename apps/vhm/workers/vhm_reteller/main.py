"""The reteller: recall-response → a retelling → retell-response."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from vhm_common_utils.deciding import side_by_side
from vhm_common_utils.logs import configure_logs
from vhm_common_utils.loop import LoopSettings
from vhm_common_utils.reading import BatchLimits
from vhm_common_utils.remote import http_client
from vhm_common_utils.retry import RetryPolicy
from vhm_common_utils.worker import Worker, health_port, run_worker

from workers.vhm_reteller.handler import ANSWERS, SOURCE, handle
from workers.vhm_reteller.settings import RetellerSettings
from workers.vhm_reteller.tellers import OLLAMA_SECONDS, make_tellers

# A teller that fails is followed by the next one, and the narrator never fails: handling again would gain nothing.
NO_RETRIES = RetryPolicy(retries=0, backoff_seconds=0.0)
# All of a batch are asked for at once: it takes as long as its slowest, within the time that the group waits for us.
AT_ONCE = 4


def build(settings: RetellerSettings) -> Worker:
    client = http_client(OLLAMA_SECONDS, *settings.tellers.addresses())
    tellers = make_tellers(settings.tellers, client)
    return Worker(
        name="reteller",
        bootstrap=settings.bootstrap,
        source=SOURCE,
        answers=ANSWERS,
        handle=side_by_side(lambda event: handle(event, tellers), AT_ONCE),
        loop=LoopSettings(
            handling=NO_RETRIES,
            publishing=settings.publishing,
            poll_seconds=settings.poll_seconds,
            batch=BatchLimits(messages=AT_ONCE),
        ),
        flush_timeout=settings.flush_timeout_seconds,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    settings = RetellerSettings.from_config()
    port = health_port(arguments)
    configure_logs(worker="reteller", level=settings.log_level)
    return run_worker(build(settings), port)


if __name__ == "__main__":
    sys.exit(main())
