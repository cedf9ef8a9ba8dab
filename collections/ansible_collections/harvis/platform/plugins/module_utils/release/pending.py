"""A release that an earlier run left in the middle: seen, explained, and brought back to a state Helm accepts."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.lock import helm_at_work, locked, read_lease
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import History, Revision


def reasons(cluster: Cluster, history: History, spec: ReleaseSpec) -> list[str]:
    """Why the state of the last revision alone asks for a run.

    Raises ReleaseError (REL-LOCKED) while somebody is still at work on the release.
    """
    last = history.last
    if last is None or last.status == "uninstalled":
        return ["the release is not installed"]
    if last.status in ("deployed", "superseded"):
        return []
    if last.is_pending or last.status == "uninstalling":
        refuse_if_held(cluster, history, spec)
        return [f"revision {last.number} was left {last.status} at {last.updated} by a run that is gone"]
    return [f"revision {last.number} {last.status}: {last.description}"]


def refuse_if_held(cluster: Cluster, history: History, spec: ReleaseSpec) -> None:
    """Raise REL-LOCKED when a run of ours, or a helm, is at work on the release."""
    subject = f"release {spec.namespace}/{spec.name}"
    lease = read_lease(cluster, spec.name, spec.namespace)
    if lease and lease.is_alive:
        raise locked(subject, str(lease.holder), lease.evidence)
    pid = helm_at_work(spec.name, spec.namespace, server=cluster.server)
    if pid is not None:
        raise locked(subject, f"helm, process {pid},", "it runs on this machine")
    last = history.last
    # Without a lease it was a helm that is not ours: its time limit is unknown, ours has to do.
    if last and last.is_pending and lease is None and last.age < spec.timeout:
        evidence = f"revision {last.number} is {last.status} since {last.updated}, {last.age:.0f} s ago"
        raise locked(subject, "a helm that this machine does not see", evidence)


def recover(helm: Helm, history: History, spec: ReleaseSpec) -> None:
    """Take a pending revision out of the way, by Helm's own means; data is never deleted."""
    last = history.last
    if last is None:
        return
    if last.status == "uninstalling":
        helm.uninstall(spec)
    elif last.is_pending:
        helm.rollback(spec, _target(history, last).number)


def _target(history: History, last: Revision) -> Revision:
    """Back to what was good; a first install has nothing behind it and is completed instead of deleted."""
    return history.last_good or last
