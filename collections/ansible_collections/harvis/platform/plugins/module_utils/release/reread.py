"""Configuration that hands changed: given back, and read again by the pods that had started from it."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.kube.objects import written_at
from ansible_collections.harvis.platform.plugins.module_utils.release.live import FIELD_MANAGER, as_applied
from ansible_collections.harvis.platform.plugins.module_utils.release.readers import read_at_start
from ansible_collections.harvis.platform.plugins.module_utils.release.situation import Situation
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import all_containers, moment

_CONFIGURATION = ("ConfigMap", "Secret")


def give_back(spec: ReleaseSpec, cluster: Cluster, situation: Situation) -> None:
    """Before Helm waits for pods: those that read what a hand had written would never get ready, or work wrongly.

    Pods that started before the hand wrote have what they should have, and stay.
    """
    for item in situation.plan.objects:
        found = situation.live[item.ref].found if item.ref in situation.live else None
        if item.ref.kind in _CONFIGURATION and item.drift and found is not None:
            body = as_applied(situation.wanted.manifest.objects[item.ref].body, spec.name, spec.namespace)
            cluster.apply(body, manager=FIELD_MANAGER)
            for pod in _readers(cluster, item.ref, found):
                cluster.delete(ObjectRef("v1", "Pod", pod["metadata"]["name"], pod["metadata"]["namespace"]))


def _readers(cluster: Cluster, ref: ObjectRef, found: Object) -> t.Iterator[Object]:
    """Pods that started from the object since somebody else than Helm last wrote it."""
    since = written_at(found, but=FIELD_MANAGER) or written_at(found)
    for pod in cluster.find("v1", "Pod", namespace=ref.namespace):
        read = (ref.kind, ref.name) in read_at_start(pod["spec"])
        owned = any(owner.get("controller") for owner in pod["metadata"].get("ownerReferences") or [])
        if read and owned and (since is None or _started(pod) >= since):
            yield pod


def _started(pod: Object) -> t.Any:
    """The latest start of a container, which reads its variables anew each time."""
    times = [moment((state.get("state") or {}).get("running", {}).get("startedAt")) for state in all_containers(pod)]
    return max(filter(None, [*times, moment(pod["metadata"]["creationTimestamp"])]))
