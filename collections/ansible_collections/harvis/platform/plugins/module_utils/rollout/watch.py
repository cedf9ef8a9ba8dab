"""Looking at every change until the pods are ready, something cannot mend itself, or the time is over."""

from __future__ import annotations

import contextlib
import time
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Proof
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster
from ansible_collections.harvis.platform.plugins.module_utils.rollout.assess import Expected, assess
from ansible_collections.harvis.platform.plugins.module_utils.rollout.hope import may_pass
from ansible_collections.harvis.platform.plugins.module_utils.rollout.progress import Telling, silent
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import Snapshot

# What the API server tells of by itself. Endpoints follow their pods, and logs come with no event at all.
WATCHED = (
    ("v1", "Pod"),
    ("v1", "Event"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
)
LONGEST_SECONDS = 10.0
# Where this user may not watch.
DEAF_SECONDS = 3.0


def watch(
    cluster: Cluster,
    namespaces: t.Sequence[str],
    expected: Expected,
    *,
    wait: float = 0,
    measure: bool = True,
    tell: Telling = silent,
    clock: t.Callable[[], float] = time.monotonic,
) -> list[Proof]:
    """The last look's rows."""
    deadline = clock() + wait
    with contextlib.ExitStack() as open_until_ready:
        changes = None
        while True:
            snapshot = Snapshot.read(cluster, namespaces, measure=measure)
            proofs = assess(snapshot, expected)
            tell(snapshot, proofs)
            passing, hopeless = may_pass(proofs, snapshot)
            left = deadline - clock()
            if hopeless or not passing or left <= 0:
                return proofs
            if changes is None:
                changes = open_until_ready.enter_context(cluster.changes(WATCHED, namespaces))
            changes.wait(min(left, DEAF_SECONDS if changes.deaf else LONGEST_SECONDS))
