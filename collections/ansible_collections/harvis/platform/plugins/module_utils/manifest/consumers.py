"""Which workloads take which ConfigMaps and Secrets, and in what way."""

from __future__ import annotations

import enum
import re
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.harvis.platform.plugins.module_utils.findings import Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.config import config_keys, read_config
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import effective_environment
from ansible_collections.harvis.platform.plugins.module_utils.manifest.mounts import config_volumes, volume_mounts
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import (
    KubernetesObject,
    Objects,
    pointer,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, Pod

# Kustomize and Helm users put a hash into the name: another content is another object.
_HASHED_NAME = re.compile(r"-[a-z0-9]*\d[a-z0-9]*$")
_HASH_LENGTHS = range(8, 65)
_RELOADERS = ("reloader.stakater.com/", "configmap.reloader", "secret.reloader", "wave.pusher.com/")


class Way(enum.Enum):
    """How a pod takes a key: as a variable, as a file that follows changes, or as a file that does not."""

    VARIABLE = "variable"
    FILE = "file"
    FIXED_FILE = "subPath"


@dataclass(frozen=True)
class Consumption:
    """A pod takes keys of an object in one way; ``place`` is where its template says so first."""

    pod: Pod
    config: KubernetesObject
    way: Way
    keys: frozenset[str]
    place: Place


def consumptions(objects: Objects, pod: Pod) -> list[Consumption]:
    """Of objects that are there, one for each object and way; not of those beside, which others change."""
    found: dict[tuple[str, Way], Consumption] = {}
    for container in pod.containers():
        for use in (*_variables(objects, container), *_files(objects, container)):
            if objects.is_beside(use.config):
                continue
            mark = (use.config.address, use.way)
            known = found.get(mark)
            found[mark] = replace(known, keys=known.keys | use.keys) if known else use
    return list(found.values())


def rolls_by_itself(pod: Pod, config: KubernetesObject) -> bool:
    """Whether another content of the object always comes with other pods: it can't change, its name would, or a
    controller restarts them."""
    tail = _HASHED_NAME.search(config.name)
    if config.body.get("immutable") is True or (tail and len(tail[0]) - 1 in _HASH_LENGTHS):
        return True
    annotations = pod.owner.get("/metadata/annotations") or {}
    return any(str(name).startswith(_RELOADERS) for name in (*annotations, *pod.annotations))


def _variables(objects: Objects, container: Container) -> t.Iterator[Consumption]:
    for variable in effective_environment(objects, container).variables.values():
        for source in (variable.source, *(beaten for beaten, _ in variable.shadowed)):
            config = read_config(objects, source.kind, container.pod.namespace, source.object)
            if config:
                place = container.place(source.pointer)
                yield Consumption(container.pod, config, Way.VARIABLE, frozenset({source.key}), place)


def _files(objects: Objects, container: Container) -> t.Iterator[Consumption]:
    volumes = config_volumes(container.pod)
    for index, mount in volume_mounts(container):
        way = Way.FIXED_FILE if mount.get("subPath") or mount.get("subPathExpr") else Way.FILE
        for volume in volumes:
            config = read_config(objects, volume.kind, container.pod.namespace, volume.object)
            if volume.volume == mount.get("name") and config:
                keys = config_keys(config) if volume.items is None else {key for key, _ in volume.items}
                if way is Way.FIXED_FILE and volume.items is None:
                    keys = {str(mount.get("subPath"))} & keys or keys
                place = container.place(pointer("volumeMounts", index))
                yield Consumption(container.pod, config, way, frozenset(keys), place)
