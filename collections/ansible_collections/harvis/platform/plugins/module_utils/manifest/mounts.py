"""Files that containers get from ConfigMaps and Secrets."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.manifest.config import config_keys, read_config
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import (
    Body,
    KubernetesObject,
    Objects,
    pointer,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, Pod

# Kind to the field that names the object: in a volume, and in a projected volume's source.
_VOLUME_NAMES = {"configMap": ("ConfigMap", "name"), "secret": ("Secret", "secretName")}
_PROJECTED_NAMES = {"configMap": ("ConfigMap", "name"), "secret": ("Secret", "name")}


@dataclass(frozen=True)
class ConfigVolume:
    """A volume (or a part of a projected one) that shows an object's keys as files.

    ``pointer`` is that of the source below the pod template. ``items`` are the chosen keys with their pointers below
    the template; None takes all.
    """

    volume: str
    kind: str
    object: str
    pointer: str
    optional: bool
    items: tuple[tuple[str, str], ...] | None


def config_volumes(pod: Pod) -> list[ConfigVolume]:
    """Every ConfigMap and Secret that the pod has as a volume."""
    found = []
    volumes = pod.spec.get("volumes")
    for index, volume in enumerate(volumes if isinstance(volumes, list) else []):
        if not isinstance(volume, dict):
            continue
        at, name = pointer("spec", "volumes", index), str(volume.get("name", ""))
        found += _sources(volume, at, name, _VOLUME_NAMES)
        projected = volume.get("projected")
        listed = projected.get("sources") if isinstance(projected, dict) else None
        for number, source in enumerate(listed if isinstance(listed, list) else []):
            if isinstance(source, dict):
                found += _sources(source, at + pointer("projected", "sources", number), name, _PROJECTED_NAMES)
    return found


def volume_mounts(container: Container) -> list[tuple[int, Body]]:
    listed = container.body.get("volumeMounts")
    return [(i, m) for i, m in enumerate(listed if isinstance(listed, list) else []) if isinstance(m, dict)]


def mounted_files(objects: Objects, container: Container) -> t.Iterator[tuple[KubernetesObject, str]]:
    """(object, key) of every file that the container sees of objects that are there."""
    mounted = {str(mount.get("name", "")) for _, mount in volume_mounts(container)}
    for volume in config_volumes(container.pod):
        config = read_config(objects, volume.kind, container.pod.namespace, volume.object)
        if volume.volume in mounted and config:
            chosen = config_keys(config) if volume.items is None else {key for key, _ in volume.items}
            yield from ((config, key) for key in sorted(chosen & config_keys(config)))


def _sources(body: Body, at: str, volume: str, names: dict[str, tuple[str, str]]) -> t.Iterator[ConfigVolume]:
    for field, (kind, name) in names.items():
        source = body.get(field)
        if isinstance(source, dict) and source.get(name):
            here = at + pointer(field)
            yield ConfigVolume(
                volume, kind, str(source[name]), here, bool(source.get("optional")), _items(source, here)
            )


def _items(source: Body, at: str) -> tuple[tuple[str, str], ...] | None:
    items = source.get("items")
    if not isinstance(items, list) or not items:
        return None
    return tuple((str(i.get("key", "")), at + pointer("items", n)) for n, i in enumerate(items) if isinstance(i, dict))
