"""References to ConfigMaps, Secrets and their keys that lead nowhere."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.config import (
    CONFIG_KINDS,
    config_data,
    config_keys,
    read_config,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import effective_environment
from ansible_collections.harvis.platform.plugins.module_utils.manifest.mounts import config_volumes
from ansible_collections.harvis.platform.plugins.module_utils.manifest.names import meant
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import (
    KubernetesObject,
    Objects,
    pointer,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, Pod, pods

Result = t.Iterator[Finding | NotChecked]
# The cluster fills these in.
_CLUSTER_OBJECTS = frozenset({"kube-root-ca.crt"})
_FILLED_TYPES = frozenset({"kubernetes.io/service-account-token"})


@dataclass(frozen=True)
class _Reference:
    """A pod's use of an object (``key`` empty) or of one of its keys."""

    pod: Pod
    kind: str
    object: str
    key: str
    optional: bool
    place: Place
    said: str
    as_variable: bool

    @property
    def code(self) -> str:
        return "ENV-OPTIONAL" if self.optional else "ENV-KEY"


def lost_references(subject: AuditSubject) -> Result:
    """ENV-KEY and ENV-OPTIONAL: the object or the key is not there; without ``optional`` the pod does not start."""
    every = [reference for pod in pods(subject.objects) for reference in _references(subject.objects, pod)]
    used = {_identity(r) for r in every}
    unknown: set[str] = set()
    for reference in every:
        config = read_config(subject.objects, reference.kind, reference.pod.namespace, reference.object)
        if config is None:
            found = _lost_object(subject.objects, reference, used)
            if found:
                yield found
            elif not reference.optional and reference.object not in _CLUSTER_OBJECTS:
                unknown.add(f"{reference.kind} {reference.object} in namespace {reference.pod.namespace}")
        elif reference.key:
            taken = {r.key for r in every if (r.kind, r.pod.namespace, r.object) == _identity(reference)}
            yield from _lost_key(reference, config, taken)
    for text in sorted(unknown):
        yield NotChecked(f"whether {text} is there and has the keys that pods take: it is not among the objects")


def _identity(reference: _Reference) -> tuple[str, str, str]:
    return reference.kind, reference.pod.namespace, reference.object


def _references(objects: Objects, pod: Pod) -> t.Iterator[_Reference]:
    for container in pod.containers():
        yield from _of_environment(objects, container)
    for volume in config_volumes(pod):
        said = f"volume {volume.volume}"
        place = pod.place(volume.pointer)
        yield _Reference(pod, volume.kind, volume.object, "", volume.optional, place, said, False)
        for key, at in volume.items or ():
            place = pod.place(at + "/key")
            yield _Reference(pod, volume.kind, volume.object, key, volume.optional, place, said, False)


def _of_environment(objects: Objects, container: Container) -> t.Iterator[_Reference]:
    for lost in effective_environment(objects, container).unresolved:
        source = lost.source
        field = source.kind[0].lower() + source.kind[1:] + ("Ref" if source.bulk else "KeyRef")
        part = "key" if lost.object_found else "name"
        at = source.pointer + pointer(*((field,) if source.bulk else ("valueFrom", field)), part)
        said = f"variable {lost.name}" if lost.name else "envFrom"
        place = container.place(at)
        yield _Reference(container.pod, source.kind, source.object, source.key, source.optional, place, said, True)


def _lost_object(objects: Objects, reference: _Reference, used: set[tuple[str, str, str]]) -> Finding | None:
    """A finding only where one of the objects is clearly meant: the name may well be somebody else's object."""
    there = [o for o in objects.of_kind(*CONFIG_KINDS) if o.kind == reference.kind]
    idle = [
        o.name for o in there if (o.kind, o.namespace, o.name) not in used and o.namespace == reference.pod.namespace
    ]
    near = meant(reference.object, idle)
    abroad = next((o for o in objects.known(reference.kind) if o.name == reference.object), None)
    if near:
        fix, seen = f"Write {near}.", f"{reference.kind} {near} is there, and no pod uses it"
    elif abroad and not reference.optional:
        fix = f"Put it in namespace {reference.pod.namespace}: pods read objects of their own namespace only."
        seen = f"it lies in namespace {abroad.namespace}"
    else:
        return None
    cause = f"{reference.said}: there is no {reference.kind} {reference.object} in namespace {reference.pod.namespace}"
    return Finding.at(reference.code, reference.place, cause, evidence=seen, fix=fix)


def _lost_key(reference: _Reference, config: KubernetesObject, taken: set[str]) -> t.Iterator[Finding | NotChecked]:
    keys = set(config_data(config)) if reference.as_variable else config_keys(config)
    if reference.key in keys:
        return
    if not config_keys(config) or config.body.get("type") in _FILLED_TYPES:
        yield NotChecked(f"whether {config.address} has key {reference.key}: it is filled in by the cluster")
        return
    spare = keys - taken if reference.optional else keys
    near = meant(reference.key, spare) or next((k for k in sorted(spare) if k.lower() == reference.key.lower()), "")
    # Charts list every setting of a program as an optional key of one ConfigMap: what is absent is left at its default.
    if reference.optional and config.kind == "ConfigMap" and not near:
        return
    shown = ", ".join(sorted(keys)[:8]) + (" …" if len(keys) > 8 else "")
    cause = f"{reference.said}: {config.kind} {config.name} has no key {reference.key}"
    if reference.optional:
        cause += ", and `optional` lets the pod start without it"
    if reference.key in config_keys(config):
        cause += " among its texts; binaryData is for volumes only"
    fix = (
        f"Write {near}." if near else f"Add {reference.key} to {config.kind} {config.name}, or take the reference out."
    )
    yield Finding.at(reference.code, reference.place, cause, evidence=f"its keys: {shown}", fix=fix)
