"""What is released: revisions, history, images and, when asked for, drift."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster
from ansible_collections.harvis.platform.plugins.module_utils.release.live import read_live
from ansible_collections.harvis.platform.plugins.module_utils.release.lock import helm_at_work, read_lease
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import parse_manifest
from ansible_collections.harvis.platform.plugins.module_utils.release.plan import Recorded, Wanted, plan_release
from ansible_collections.harvis.platform.plugins.module_utils.release.records import read_records
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import History, Revision, read_histories


def release_info(cluster: Cluster, *, name: str, namespace: str, drift: bool) -> list[dict[str, t.Any]]:
    """Every release that fits, by namespace and name; empty ``name`` and ``namespace`` fit all."""
    histories = read_histories(cluster, namespace, name)
    return [_describe(cluster, history, drift=drift) for history in histories.values()]


def pending_findings(cluster: Cluster, history: History) -> list[Finding]:
    """A release in the middle of something with nobody at work on it: every helm refuses it from then on."""
    last = history.revisions[-1]
    held = read_lease(cluster, last.name, last.namespace)
    if not (last.is_pending or last.status == "uninstalling") or (held and held.is_alive):
        return []
    if helm_at_work(last.name, last.namespace, server=cluster.server):
        return []
    by = f"; the lease is that of {held.holder}, renewed at {held.renewed}" if held else "; no run of ours holds it"
    good = history.last_good
    back = f"go back to revision {good.number} and apply the release again" if good else "finish the first install"
    fix = f"Run the release again: it will {back}. Nothing is deleted."
    cause = (
        f"revision {last.number} is {last.status} since {last.updated}, {last.age:.0f} s, and no run is seen at work"
    )
    return [Finding("REL-PENDING", f"release {last.namespace}/{last.name}", cause, f"{last.description}{by}", fix)]


def _describe(cluster: Cluster, history: History, *, drift: bool) -> dict[str, t.Any]:
    last = history.revisions[-1]
    good = history.last_good or last
    manifest = parse_manifest(good.manifest, good.namespace, cluster.namespaced)
    held = read_lease(cluster, last.name, last.namespace)
    alive = held if held and held.is_alive else None
    records = read_records(cluster, last.name, last.namespace)
    verified = records.last_verified(history)
    result = {
        "name": last.name,
        "namespace": last.namespace,
        **last.summary(),
        "history": [{**revision.summary(), **records.of(revision).summary()} for revision in history.revisions],
        "last_verified": verified.number if verified else None,
        "held_by": str(alive.holder) if alive else None,
        "held_since": alive.acquired if alive else None,
        "findings": [finding.to_dict() for finding in pending_findings(cluster, history)],
        "images": manifest.images(),
        "objects": [
            {"api_version": r.api_version, "kind": r.kind, "namespace": r.namespace, "name": r.name}
            for r in manifest.objects
        ],
    }
    return {**result, "drift": list(live_drift(cluster, good))} if drift else result


def live_drift(cluster: Cluster, revision: Revision) -> tuple[str, ...]:
    """How the live objects differ from a revision."""
    manifest = parse_manifest(revision.manifest, revision.namespace, cluster.namespaced)
    live = read_live(cluster, manifest.objects, revision.name, revision.namespace)
    wanted = Wanted(revision.values, manifest)
    return plan_release(wanted, Recorded(revision, manifest), live, {}, take_back_drift=True).drift
