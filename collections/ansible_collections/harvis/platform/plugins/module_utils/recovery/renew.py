"""Pods that hold on to something that is no longer so, although what they are made from is in order."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Cluster, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.kube.objects import written_at
from ansible_collections.harvis.platform.plugins.module_utils.release.readers import read_at_start
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import (
    condition,
    containers,
    counts,
    is_ready,
    moment,
    path,
)
from ansible_collections.harvis.platform.plugins.module_utils.rollout.renewal import other_image
from ansible_collections.harvis.platform.plugins.module_utils.rollout.restarts import judge
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import Snapshot
from ansible_collections.harvis.platform.plugins.module_utils.rollout.starts import node_starts

Reason = t.Callable[[Object], str]


@dataclass(frozen=True)
class Renewal:
    """A pod that is to be replaced, and why."""

    pod: str
    why: str

    def __str__(self) -> str:
        return f"{self.pod}: {self.why}"


def renew(
    cluster: Cluster,
    namespaces: t.Sequence[str],
    *,
    ids: t.Mapping[str, str],
    patience: float,
    now: dt.datetime | None = None,
    dry: bool = False,
) -> list[Renewal]:
    """Delete the pods of these namespaces that only a new pod mends; their controllers make it. Volumes stay.

    ``ids`` are the identities that images should have, by reference; ``patience`` the seconds for which a pod may be
    unready. A pod that nothing would make again, and one that no node has taken, are left alone.
    """
    clock = now or dt.datetime.now(dt.UTC)
    snapshot = Snapshot.read(cluster, namespaces)
    starts = node_starts(snapshot.nodes, snapshot.system_pods, snapshot.node_events)
    reasons: tuple[Reason, ...] = (
        lambda pod: other_image(pod, ids),
        lambda pod: _older_than_its_configuration(cluster, pod),
        lambda pod: _restarted(pod, starts.get(pod["spec"]["nodeName"])),
        lambda pod: _unready(pod, patience, clock),
    )
    told = [(pod, [said for reason in reasons if (said := reason(pod))]) for pod in filter(_replaceable, snapshot.pods)]
    chosen = [(pod, whys[0]) for pod, whys in told if whys]
    for pod, _ in [] if dry else chosen:
        cluster.delete(ObjectRef("v1", "Pod", pod["metadata"]["name"], pod["metadata"]["namespace"]))
    return [Renewal(path(pod), why) for pod, why in chosen]


def _replaceable(pod: Object) -> bool:
    owners = pod["metadata"].get("ownerReferences") or []
    return counts(pod) and bool(pod["spec"].get("nodeName")) and any(owner.get("controller") for owner in owners)


def _older_than_its_configuration(cluster: Cluster, pod: Object) -> str:
    namespace = pod["metadata"]["namespace"]
    begun = [moment((state.get("state") or {}).get("running", {}).get("startedAt")) for state in containers(pod)]
    started = min((each for each in begun if each), default=None)
    if started is None:
        return ""
    for kind, name in sorted(read_at_start(pod["spec"])):
        changed = written_at(_read(cluster, ObjectRef("v1", kind, name, namespace)))
        if changed and changed > started:
            return f"{kind} {name}, which it reads at its start, changed at {changed:%H:%M:%S}, after that"
    return ""


def _read(cluster: Cluster, ref: ObjectRef) -> Object:
    """Nothing where this user may not read it: then nothing is known."""
    try:
        return cluster.get(ref) or {}
    except ApiRefusal as exc:
        if exc.status == 403:
            return {}
        raise


def _restarted(pod: Object, node_started: dt.datetime | None) -> str:
    findings = judge(pod, node_started).findings
    return f"{findings[0].subject.rpartition(' ')[2]} {findings[0].cause}" if findings else ""


def _unready(pod: Object, patience: float, now: dt.datetime) -> str:
    if is_ready(pod):
        return ""
    since = moment(condition(pod, "Ready").get("lastTransitionTime")) or moment(pod["metadata"]["creationTimestamp"])
    seconds = (now - since).total_seconds() if since else 0
    return f"not ready for {seconds:.0f} s" if seconds > patience else ""
