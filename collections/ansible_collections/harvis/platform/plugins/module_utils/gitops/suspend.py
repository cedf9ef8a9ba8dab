"""Holding a manager off while a release is changed, and letting it go on in any case.

What was there before is written into an annotation of the manager's own object, so that a run that was killed in
between leaves behind what the next one needs to put it right.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import time
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import ABSENT, Managed, Release, Tool
from ansible_collections.harvis.platform.plugins.module_utils.gitops.marks import annotations, dig
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object, ObjectRef

MARK = "harvis.dev/suspended"
PAUSE_SECONDS = 3.0
_ATTEMPTS = 3
Operations = list[dict[str, t.Any]]


@contextlib.contextmanager
def held_off(
    cluster: Cluster, release: Release, managers: t.Sequence[Managed], *, resume: bool
) -> t.Iterator[list[Managed]]:
    """Suspend those that are at work, and resume them at the end, whatever happens; yields whom it concerns.

    Resumed is what carries the release's mark: also what an earlier run for it left, and not what a person suspended.
    Raises HarvisError (GOP-SUSPENDED) where one cannot be resumed.
    """
    held: list[Managed] = []
    try:
        for manager in managers:
            if manager.own:
                held.append(manager)
                _suspend(cluster, release, manager)
        yield held
    except HarvisError as exc:
        stuck = _let_go(cluster, release, held if resume else [])
        if stuck:
            raise HarvisError(*exc.findings, *stuck, **exc.details) from exc
        raise
    except BaseException:
        _let_go(cluster, release, held if resume else [])
        raise
    stuck = _let_go(cluster, release, held if resume else [])
    if stuck:
        raise HarvisError(*stuck)


def marked_for(own: Object) -> str:
    """The release for which a run suspended it; empty where none did."""
    return str(_mark(own).get("for") or "")


def marked_at(own: Object) -> str:
    return str(_mark(own).get("at") or "")


def _suspend(cluster: Cluster, release: Release, manager: Managed) -> None:
    own = manager.own or {}
    if manager.suspended:
        return
    was = dig(own, *manager.tool.switch)
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    mark = json.dumps({"for": str(release), "at": now, "was": was}, sort_keys=True)
    operations: Operations = [] if annotations(own) else [{"op": "add", "path": "/metadata/annotations", "value": {}}]
    operations.append({"op": "add", "path": _pointer("metadata", "annotations", MARK), "value": mark})
    cluster.patch(manager.ref, operations + _switch(manager.tool, own, manager.tool.off))


def _let_go(cluster: Cluster, release: Release, held: t.Sequence[Managed]) -> list[Finding]:
    return [found for each in reversed(held) if (found := _try_resume(cluster, release, each))]


def _try_resume(cluster: Cluster, release: Release, manager: Managed) -> Finding | None:
    for attempt in range(_ATTEMPTS):
        try:
            own = cluster.get(manager.ref)
            if own is not None and marked_for(own) == str(release):
                _resume(cluster, manager.ref, manager.tool, own)
            return None
        except HarvisError as exc:
            problem = str(exc)
        if attempt + 1 < _ATTEMPTS:
            # Whatever was applied may have shaken the API server itself.
            time.sleep(PAUSE_SECONDS)
    fix = f"Resume {manager} by its own means; its annotation {MARK} has what was there before."
    return Finding("GOP-SUSPENDED", str(manager), "it was suspended for a release and not resumed", problem, fix)


def _resume(cluster: Cluster, ref: ObjectRef, tool: Tool, own: Object) -> None:
    operations = _switch(tool, own, _mark(own).get("was"))
    cluster.patch(ref, [*operations, {"op": "remove", "path": _pointer("metadata", "annotations", MARK)}])


def _switch(tool: Tool, own: Object, value: t.Any) -> Operations:
    """Give the field ``value``, which ABSENT takes away; with the maps above it, where they are missing."""
    if value is ABSENT:
        there = dig(own, *tool.switch) is not None
        return [{"op": "remove", "path": _pointer(*tool.switch)}] if there else []
    above = [tool.switch[:n] for n in range(1, len(tool.switch)) if dig(own, *tool.switch[:n]) is None]
    made: Operations = [{"op": "add", "path": _pointer(*steps), "value": {}} for steps in above]
    return [*made, {"op": "add", "path": _pointer(*tool.switch), "value": value}]


def _mark(own: Object) -> dict[str, t.Any]:
    try:
        found = json.loads(annotations(own).get(MARK, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _pointer(*steps: str) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
