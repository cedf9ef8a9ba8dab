"""Looking again until the pods are ready or the time is over."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Proof
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster
from ansible_collections.harvis.platform.plugins.module_utils.rollout.assess import Expected, assess
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import Snapshot

PAUSE_SECONDS = 3.0
# A restart stays counted, an image or a limit stays as it is: only these may mend themselves while we wait.
PASSING = frozenset(
    {"ROL-TIMEOUT", "ROL-PROBE", "ROL-SCHEDULE", "ROL-VOLUME", "ROL-SANDBOX", "ROL-NODE", "ROL-MISSING", "ROL-CRASH"}
)


def watch(
    cluster: Cluster,
    namespaces: t.Sequence[str],
    expected: Expected,
    *,
    wait: float = 0,
    sleep: t.Callable[[float], None] = time.sleep,
    clock: t.Callable[[], float] = time.monotonic,
) -> list[Proof]:
    """The last look's rows. What can't mend itself ends the wait at once."""
    deadline = clock() + wait
    while True:
        proofs = assess(Snapshot.read(cluster, namespaces), expected)
        codes = {finding.code for proof in proofs for finding in proof.findings}
        if not codes & PASSING or codes - PASSING or clock() + PAUSE_SECONDS > deadline:
            return proofs
        sleep(PAUSE_SECONDS)
