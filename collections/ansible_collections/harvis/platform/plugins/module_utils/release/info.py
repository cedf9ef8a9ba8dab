"""What is released: revisions, history, images and, when asked for, drift."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster
from ansible_collections.harvis.platform.plugins.module_utils.release.live import read_live
from ansible_collections.harvis.platform.plugins.module_utils.release.lock import read_lease
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import parse_manifest
from ansible_collections.harvis.platform.plugins.module_utils.release.plan import Recorded, Wanted, plan_release
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import History, Revision, read_histories


def release_info(cluster: Cluster, *, name: str, namespace: str, drift: bool) -> list[dict[str, t.Any]]:
    """Every release that fits, by namespace and name; empty ``name`` and ``namespace`` fit all."""
    histories = read_histories(cluster, namespace, name)
    return [_describe(cluster, history, drift=drift) for history in histories.values()]


def _describe(cluster: Cluster, history: History, *, drift: bool) -> dict[str, t.Any]:
    last = history.revisions[-1]
    good = history.last_good or last
    manifest = parse_manifest(good.manifest, good.namespace, cluster.namespaced)
    held = read_lease(cluster, last.name, last.namespace)
    result = {
        "name": last.name,
        "namespace": last.namespace,
        **last.summary(),
        "history": [revision.summary() for revision in history.revisions],
        "held_by": str(held.holder) if held and held.is_alive else None,
        "images": manifest.images(),
        "objects": [
            {"api_version": r.api_version, "kind": r.kind, "namespace": r.namespace, "name": r.name}
            for r in manifest.objects
        ],
    }
    return {**result, "drift": list(_drift(cluster, good))} if drift else result


def _drift(cluster: Cluster, revision: Revision) -> tuple[str, ...]:
    manifest = parse_manifest(revision.manifest, revision.namespace, cluster.namespaced)
    live = read_live(cluster, manifest.objects, revision.name, revision.namespace)
    wanted = Wanted(revision.values, manifest)
    return plan_release(wanted, Recorded(revision, manifest), live, {}, take_back_drift=True).drift
