"""Whether a release that needs nothing stands: Helm waits for what it applies, and looks at nothing else."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.selectors import selectors
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.watch import POLL_SECONDS, PodWatch
from ansible_collections.harvis.platform.plugins.module_utils.rollout.revision import behind
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import WORKLOAD_KINDS
from ansible_collections.harvis.platform.plugins.module_utils.rollout.workloads import wanted_pods

_READY = {"DaemonSet": "numberReady"}


def require_ready(
    spec: ReleaseSpec,
    cluster: Cluster,
    found: t.Iterable[Object],
    clock: t.Callable[[], float] = time.monotonic,
    pause: t.Callable[[float], None] = time.sleep,
) -> None:
    """Wait, at most ``spec.timeout`` seconds, until the workloads among the objects ``found`` have their pods ready.

    Nothing is read where they have them. Raises ReleaseError with the cause of each pod that cannot get ready.
    """
    waiting = {ObjectRef.of(body): body for body in found if body["kind"] in WORKLOAD_KINDS and not _is_ready(body)}
    watch, deadline = PodWatch(cluster, selectors(waiting)), clock() + spec.timeout
    while waiting:
        watch.look()
        if watch.hopeless.is_set() or clock() >= deadline:
            raise ReleaseError(*(watch.findings() or [_late(body, spec.timeout) for body in waiting.values()]))
        pause(POLL_SECONDS)
        waiting = {ref: body for ref in waiting if (body := cluster.get(ref)) and not _is_ready(body)}


def _is_ready(workload: Object) -> bool:
    status, wanted = workload.get("status") or {}, wanted_pods(workload)
    ready = int(status.get(_READY.get(workload["kind"], "readyReplicas"), 0))
    return ready >= wanted and behind(workload, wanted) is None


def _late(workload: Object, seconds: int) -> Finding:
    wanted = wanted_pods(workload)
    return behind(workload, wanted) or Finding(
        "ROL-TIMEOUT", str(ObjectRef.of(workload)), f"its pods were not ready within {seconds} s"
    )
