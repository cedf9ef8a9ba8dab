"""What a manager answers for, looked at: do its objects differ from what was deployed, do its pods work."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Managed
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.info import live_drift
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import parse_manifest
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import Revision, read_histories
from ansible_collections.harvis.platform.plugins.module_utils.rollout.assess import Expected, surroundings
from ansible_collections.harvis.platform.plugins.module_utils.rollout.causes import why_not_ready
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import is_ready, moment, path
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import WORKLOAD_KINDS, Snapshot
from ansible_collections.harvis.platform.plugins.module_utils.rollout.workloads import (
    key,
    pods_by_workload,
    wanted_pods,
)


@dataclass(frozen=True)
class Inside:
    """``revision`` is the Helm revision that is meant to be live; None where there is none."""

    manager: Managed
    revision: Revision | None
    objects: tuple[ObjectRef, ...]

    @property
    def workloads(self) -> list[ObjectRef]:
        return [ref for ref in self.objects if ref.kind in WORKLOAD_KINDS and ref.api_version.startswith("apps/")]

    def drift(self, cluster: Cluster) -> tuple[str, ...]:
        """Empty where the manager itself compares."""
        state = self.manager.state
        if self.revision is None or state is None or state.compares:
            return ()
        return live_drift(cluster, self.revision)


def inside(cluster: Cluster, manager: Managed) -> Inside:
    own = manager.own or {}
    made = manager.tool.release(own)
    if made is None:
        return Inside(manager, None, tuple(manager.tool.inventory(own)))
    release, records = made
    history = read_histories(cluster, records, release.name).get((release.namespace, release.name))
    revision = history.last_good if history else None
    if revision is None:
        return Inside(manager, None, ())
    manifest = parse_manifest(revision.manifest, revision.namespace, cluster.namespaced)
    return Inside(manager, revision, tuple(manifest.objects))


def failing(snapshot: Snapshot, workloads: t.Iterable[ObjectRef], *, settle: float, now: dt.datetime) -> list[Finding]:
    """Why pods of these workloads do not work. A pod younger than ``settle`` seconds is given time."""
    members, around = pods_by_workload(snapshot), surroundings(snapshot, Expected())
    known = {key(workload): workload for workload in snapshot.workloads}
    found: list[Finding] = []
    for ref in workloads:
        name = (ref.kind, f"{ref.namespace}/{ref.name}")
        workload, pods = known.get(name), members.get(name, [])
        if workload is None:
            found.append(Finding("ROL-MISSING", f"{ref.kind} {name[1]}", "it is not there"))
            continue
        bad = [pod for pod in pods if not is_ready(pod) and _age(pod, now) >= settle]
        found += [why_not_ready(pod, snapshot.events, snapshot.nodes, around) for pod in sorted(bad, key=path)]
        if len(pods) < wanted_pods(workload) and _age(workload, now) >= settle:
            cause = f"{len(pods)} of {wanted_pods(workload)} pods are there"
            found.append(Finding("ROL-MISSING", f"{ref.kind} {name[1]}", cause))
    return found


def _age(body: Object, now: dt.datetime) -> float:
    made = moment(body["metadata"].get("creationTimestamp"))
    return (now - made).total_seconds() if made else 0.0
