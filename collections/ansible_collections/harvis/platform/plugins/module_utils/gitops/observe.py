"""Waiting until a controller has done what was written into its object."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, fail
from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Managed
from ansible_collections.harvis.platform.plugins.module_utils.gitops.marks import condition, dig
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object

# A controller that runs shows a first sign within seconds.
SILENT_SECONDS = 60.0
_LOOK_SECONDS = 5.0


def observe(
    cluster: Cluster,
    manager: Managed,
    generation: int,
    deadline: float,
    *,
    silent_seconds: float = SILENT_SECONDS,
    clock: t.Callable[[], float] = time.monotonic,
) -> None:
    """Until the object is Ready in that generation.

    Raises HarvisError (GOP-UNHANDLED) where no controller takes it up, where it fails, or where time is over.
    """
    silent = min(deadline, clock() + silent_seconds)
    start = clock()
    with cluster.changes([(manager.ref.api_version, manager.ref.kind)], [manager.ref.namespace]) as changes:
        while True:
            own = cluster.get(manager.ref) or {}
            ready = condition(own, "Ready")
            if _is_new(ready, generation) and ready.get("status") == "True" and _observed(own) >= generation:
                return
            if _has_stalled(own, generation):
                raise _unhandled(manager, f"it has given up: {ready.get('message', 'no message')}", own, generation)
            now = clock()
            if now >= silent and not _is_taken_up(own, generation):
                cause = f"no controller has taken it up within {now - start:.0f} s"
                raise _unhandled(manager, cause, own, generation)
            if now >= deadline:
                cause = f"not Ready within {now - start:.0f} s: {ready.get('message', 'no message')}"
                raise _unhandled(manager, cause, own, generation)
            changes.wait(min(_LOOK_SECONDS, max(0.05, min(silent, deadline) - now)))


def _observed(own: Object) -> int:
    return int(dig(own, "status", "observedGeneration") or 0)


def _is_new(found: Object, generation: int) -> bool:
    return int(found.get("observedGeneration") or 0) >= generation


def _has_stalled(own: Object, generation: int) -> bool:
    stalled = condition(own, "Stalled")
    return stalled.get("status") == "True" and _is_new(stalled, generation)


def _is_taken_up(own: Object, generation: int) -> bool:
    found = dig(own, "status", "conditions") or []
    return _observed(own) >= generation or any(_is_new(each, generation) for each in found)


def _unhandled(manager: Managed, cause: str, own: Object, generation: int) -> HarvisError:
    evidence = f"generation {generation}, status.observedGeneration {_observed(own)}"
    fix = f"Look whether the controller of {manager.ref.kind} runs, and into its log. What was written stays written."
    return fail("GOP-UNHANDLED", str(manager), cause, evidence=evidence, fix=fix)
