"""Two runs at once: the second waits for the first, or refuses; it never works on what the first has half done."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster
from ansible_collections.harvis.platform.plugins.module_utils.release import pending
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.lock import locked
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import History, read_history

LOOK_SECONDS = 1.0
_MOST_SURPRISES = 5

Result = dict[str, t.Any]


class _Moved(Exception):
    """Another run changed the release between the reading and the lock."""


def refuse_if_moved(cluster: Cluster, known: History, spec: ReleaseSpec) -> None:
    """Once the release is held: what was planned must still be about what is there."""
    if _marks(read_history(cluster, spec.name, spec.namespace)) != _marks(known):
        raise _Moved


def queued(
    spec: ReleaseSpec,
    connect: t.Callable[[], Cluster],
    work: t.Callable[[], Result],
    *,
    clock: t.Callable[[], float] = time.monotonic,
    sleep: t.Callable[[float], None] = time.sleep,
) -> Result:
    """Do ``work``, which reads, plans and applies; from its beginning again when another run was faster.

    Raises ReleaseError (REL-LOCKED) when the other run does not end within the spec's ``lock_seconds``.
    """
    deadline = clock() + spec.lock_seconds
    surprises = 0
    while True:
        try:
            return work()
        except _Moved:
            surprises += 1
            if surprises == _MOST_SURPRISES:
                raise locked(_subject(spec), "another run", "it changes the release again and again") from None
        except ReleaseError as exc:
            if clock() >= deadline or not _is_locked(exc):
                raise
            _wait(connect(), spec, deadline, clock, sleep)


def _wait(
    cluster: Cluster,
    spec: ReleaseSpec,
    deadline: float,
    clock: t.Callable[[], float],
    sleep: t.Callable[[float], None],
) -> None:
    while True:
        sleep(LOOK_SECONDS)
        try:
            return pending.refuse_if_held(cluster, read_history(cluster, spec.name, spec.namespace), spec)
        except ReleaseError:
            if clock() >= deadline:
                raise


def _marks(history: History) -> list[tuple[int, str, str]]:
    return [(revision.number, revision.status, revision.updated) for revision in history.revisions]


def _is_locked(error: ReleaseError) -> bool:
    return any(finding.code == "REL-LOCKED" for finding in error.findings)


def _subject(spec: ReleaseSpec) -> str:
    return f"release {spec.namespace}/{spec.name}"
