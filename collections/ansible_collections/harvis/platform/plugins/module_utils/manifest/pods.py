"""The pods that objects ask for, and their containers, each with its place in the object."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import (
    Body,
    KubernetesObject,
    Objects,
    pointer,
)

# Kind to the way from the object to its pod template; a Pod is its own.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


@dataclass(frozen=True)
class Container:
    """One container. ``field`` is its JSON pointer in the owner; ``initial`` containers end before the others start
    (a sidecar, an init container with ``restartPolicy: Always``, counts as one of the others)."""

    pod: Pod
    field: str
    body: Body
    initial: bool

    @property
    def name(self) -> str:
        return str(self.body.get("name", ""))

    def place(self, field: str = "") -> Place:
        """``field`` is a JSON pointer below the container."""
        return self.pod.owner.place(self.field + field)


@dataclass(frozen=True)
class Pod:
    """A pod template (or Pod). ``field`` is the JSON pointer of the template in its owner, empty for a Pod."""

    owner: KubernetesObject
    field: str
    body: Body

    @property
    def namespace(self) -> str:
        return self.owner.namespace

    @property
    def labels(self) -> dict[str, str]:
        metadata = _mapping(self.body, "metadata")
        return {str(k): str(v) for k, v in _mapping(metadata, "labels").items()}

    @property
    def annotations(self) -> dict[str, str]:
        metadata = _mapping(self.body, "metadata")
        return {str(k): str(v) for k, v in _mapping(metadata, "annotations").items()}

    @property
    def spec(self) -> Body:
        return _mapping(self.body, "spec")

    @property
    def replicas(self) -> int:
        """How many of it the owner wants at once; 1 where that depends on the cluster (a DaemonSet)."""
        found = self.owner.get("/spec/replicas", 1)
        return found if isinstance(found, int) and self.owner.kind != "Pod" else 1

    def containers(self) -> list[Container]:
        return [*self._containers("initContainers"), *self._containers("containers")]

    def place(self, field: str = "") -> Place:
        """``field`` is a JSON pointer below the template."""
        return self.owner.place(self.field + field)

    def _containers(self, key: str) -> t.Iterator[Container]:
        listed = self.spec.get(key)
        for index, body in enumerate(listed if isinstance(listed, list) else []):
            if isinstance(body, dict):
                initial = key == "initContainers" and body.get("restartPolicy") != "Always"
                yield Container(self, self.field + pointer("spec", key, index), body, initial)


def pods(objects: Objects) -> list[Pod]:
    """Every pod template of Kubernetes' own kinds, in the order of the objects."""
    found = []
    for owner in objects:
        if owner.kind in TEMPLATES:
            field = pointer(*TEMPLATES[owner.kind])
            body = owner.get(field)
            if isinstance(body, dict):
                found.append(Pod(owner, field, body))
    return found


def _mapping(body: Body, key: str) -> Body:
    value = body.get(key)
    return value if isinstance(value, dict) else {}
