"""Volumes of known servers: mounted where the server writes, or somewhere else."""

from __future__ import annotations

import re
import typing as t
from pathlib import PurePosixPath

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, Detector
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.config import config_data, read_config
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import effective_environment
from ansible_collections.harvis.platform.plugins.module_utils.manifest.mounts import (
    config_volumes,
    mounted_files,
    volume_mounts,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, Pod, pods
from ansible_collections.harvis.platform.plugins.module_utils.manifest.server_folders import Server, server_of
from ansible_collections.harvis.platform.plugins.module_utils.manifest.settings import command_words
from ansible_collections.harvis.platform.plugins.module_utils.manifest.shell import program

# A pod that runs to its end (a backup, a migration) may use a server's image without running the server.
_SERVING = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod")
_PASSING = ("emptyDir", "configMap", "secret", "projected", "downwardAPI", "image")
_NEAR_DATA = re.compile(r"data|storage|/db|/var/lib|models", re.IGNORECASE)
_OTHER_PURPOSE = re.compile(
    r"backup|snapshot|import|init|dump|cert|tls|ssl|conf|/etc(?:/|$)|log|tmp|temp|plugin|script|secret|/dev(?:/|$)|/run"
    r"|/sys(?:/|$)|/proc(?:/|$)|zoneinfo|localtime|shared|extension",
    re.IGNORECASE,
)


def data_volumes(subject: AuditSubject) -> t.Iterator[Finding]:
    """A volume that the server never writes to keeps nothing, and the next pod begins empty."""
    for pod in pods(subject.objects):
        for container in pod.containers() if pod.owner.kind in _SERVING else ():
            if not container.initial:
                yield from _misplaced(subject.objects, container)


def _misplaced(objects: Objects, container: Container) -> t.Iterator[Finding]:
    arguments = [word.word for word in command_words(container)]
    server = server_of(str(container.body.get("image", "")), arguments)
    if server is None or not _runs(server, container) or not _all_known(objects, container):
        return
    mounts = [(index, str(mount.get("mountPath", ""))) for index, mount in volume_mounts(container)]
    if any(_touch(path, folder) for _, path in mounts for folder in server.folders):
        return
    kept = [(index, path) for index, path in mounts if _keeps(container, index, path)]
    texts = list(_texts(objects, container, arguments))
    if kept and not any(_names(text, path) for text in texts for _, path in mounts):
        index, path = kept[0]
        folder = server.folders[0]
        yield Finding.at(
            "VEC-PATH",
            container.place(f"/volumeMounts/{index}/mountPath"),
            f"the volume of container {container.name} is mounted at {path}, {server.name} writes to {folder}",
            evidence=f"image {container.body.get('image')}; nothing the container is told names {path}",
            fix=f"Mount the volume at {folder}, or tell {server.name} to write to {path}.",
        )


def _runs(server: Server, container: Container) -> bool:
    """Whether the container starts the server: by the image's own entrypoint, or by a program of the server's."""
    command, args = container.body.get("command"), container.body.get("args")
    first = next((listed for listed in (command, args) if isinstance(listed, list) and listed), [])
    if not first:
        return True
    word = str(first[0])
    if not command and word.startswith("-"):
        return True
    return program(word) in server.programs or program(word).endswith("entrypoint.sh")


def _all_known(objects: Objects, container: Container) -> bool:
    """Whether everything that could name another folder is there to be read."""
    if not effective_environment(objects, container).complete:
        return False
    mounted = {str(mount.get("name", "")) for _, mount in volume_mounts(container)}
    configs = [volume for volume in config_volumes(container.pod) if volume.volume in mounted]
    return all(read_config(objects, c.kind, container.pod.namespace, c.object) for c in configs)


def _texts(objects: Objects, container: Container, arguments: list[str]) -> t.Iterator[str]:
    for variable in effective_environment(objects, container).variables.values():
        yield variable.value or ""
    yield from arguments
    for config, key in mounted_files(objects, container):
        yield config_data(config).get(key) or ""


def _names(text: str, path: str) -> bool:
    """Whether a text speaks of a folder or of something below it."""
    return bool(re.search(rf"(?<![\w/]){re.escape(path.rstrip('/'))}(?![\w-])", text))


def _touch(path: str, folder: str) -> bool:
    mount, data = PurePosixPath(path), PurePosixPath(folder)
    return mount == data or mount in data.parents or data in mount.parents


def _keeps(container: Container, index: int, path: str) -> bool:
    """Whether a mount is a volume that outlives the pod and is meant for data."""
    mounts = dict(volume_mounts(container))
    kind = _volume_kind(container.pod, str(mounts[index].get("name", "")))
    if not kind or kind in _PASSING or _OTHER_PURPOSE.search(path):
        return False
    return kind != "hostPath" or bool(_NEAR_DATA.search(path))


def _volume_kind(pod: Pod, name: str) -> str:
    """``persistentVolumeClaim``, ``emptyDir`` …; empty where the pod has no such volume."""
    templates = pod.owner.get("/spec/volumeClaimTemplates")
    claims = range(len(templates) if isinstance(templates, list) else 0)
    if name in [pod.owner.get(f"/spec/volumeClaimTemplates/{index}/metadata/name") for index in claims]:
        return "persistentVolumeClaim"
    volumes = pod.spec.get("volumes")
    for volume in volumes if isinstance(volumes, list) else []:
        if isinstance(volume, dict) and volume.get("name") == name:
            return next((key for key in volume if key != "name"), "")
    return ""


DETECTORS: tuple[Detector, ...] = (data_volumes,)
