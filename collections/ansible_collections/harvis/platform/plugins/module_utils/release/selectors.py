"""Which pods belong to the workloads of a manifest."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object, ObjectRef

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job")


@dataclass(frozen=True)
class Selector:
    """The pods of one workload, by namespace and labels."""

    namespace: str
    labels: tuple[tuple[str, str], ...]

    def matches(self, pod: Object) -> bool:
        labels = pod["metadata"].get("labels") or {}
        same_place = pod["metadata"].get("namespace") == self.namespace
        return same_place and all(labels.get(key) == value for key, value in self.labels)


def selectors(objects: t.Mapping[ObjectRef, Object]) -> tuple[Selector, ...]:
    """Of every workload among ``objects`` that names labels."""
    found = []
    for ref, body in objects.items():
        labels = ((body.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
        if ref.kind in _WORKLOADS and labels:
            found.append(Selector(ref.namespace, tuple(sorted((k, str(v)) for k, v in labels.items()))))
    return tuple(found)
