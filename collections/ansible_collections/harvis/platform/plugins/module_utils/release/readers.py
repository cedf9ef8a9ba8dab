"""Pods that read a changed ConfigMap or Secret at their start only, and are not started again by this apply."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.restarts import Restart, has_pods

_Named = tuple[str, str]
_IN_ENV = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret", "configMapRef": "ConfigMap", "secretRef": "Secret"}


def stale_readers(
    live: t.Mapping[ObjectRef, Object], changed: t.Collection[ObjectRef], restarting: t.Collection[ObjectRef]
) -> list[Restart]:
    """Of the live workloads; ``why`` names what they read of the ``changed`` ConfigMaps and Secrets."""
    found: list[Restart] = []
    for ref, body in live.items():
        pods = has_pods(ref, body)
        if not pods or ref in restarting:
            continue
        read = read_at_start((body["spec"].get("template") or {}).get("spec") or {})
        mine = [str(each) for each in changed if each.namespace == ref.namespace and (each.kind, each.name) in read]
        if mine:
            found.append(Restart(ref, pods, tuple(mine)))
    return found


def read_at_start(pod: Object) -> set[_Named]:
    """By variables and by subPath mounts; a whole volume follows its object by itself."""
    containers = [*(pod.get("initContainers") or []), *(pod.get("containers") or [])]
    found = {named for container in containers for named in _of_environment(container)}
    fixed = {m["name"] for c in containers for m in c.get("volumeMounts") or [] if m.get("subPath")}
    for volume in pod.get("volumes") or []:
        if volume["name"] in fixed:
            found.add(("ConfigMap", str((volume.get("configMap") or {}).get("name"))))
            found.add(("Secret", str((volume.get("secret") or {}).get("secretName"))))
    return found


def _of_environment(container: Object) -> t.Iterator[_Named]:
    sources = [variable.get("valueFrom") or {} for variable in container.get("env") or []]
    for source in [*sources, *(container.get("envFrom") or [])]:
        for key, kind in _IN_ENV.items():
            if source.get(key):
                yield kind, str(source[key].get("name"))
