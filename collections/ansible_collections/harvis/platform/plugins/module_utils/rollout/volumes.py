"""Claims that nobody fills, volumes that cannot be mounted, and keys that are not there."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import events_of, path

VOLUME_EVENTS = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")
# The kubelet's own words.
_KEY = re.compile(r"couldn't find key (?P<key>\S+) in (?P<kind>ConfigMap|Secret) (?P<name>\S+)")
_OBJECT = re.compile(r'(?P<kind>configmap|secret) "(?P<name>[^"]+)" not found')
_KINDS = {"configmap": "ConfigMap", "secret": "Secret"}


def missing_key(message: str) -> str:
    """``key X of ConfigMap vhm/vhm-config is missing``; empty where the message names no such thing."""
    if found := _KEY.search(message):
        return f"key {found['key']} of {found['kind']} {found['name']} is missing"
    if found := _OBJECT.search(message):
        return f"{_KINDS[found['kind']]} {found['name']} does not exist"
    return ""


def unmounted(pod: Object, event: Object) -> Finding | None:
    if event.get("reason") not in VOLUME_EVENTS:
        return None
    message = event.get("message", "")
    missing = missing_key(message)
    return Finding(
        "ROL-VOLUME",
        path(pod),
        "a volume cannot be mounted" + (f": {missing}" if missing else ""),
        evidence=message,
        fix="Mend what the message names: a ConfigMap, a Secret, a claim or a folder of the node.",
    )


def why_pending(pod: Object, claims: t.Iterable[Object], events: t.Iterable[Object]) -> str:
    """What the pod's claims that are not bound wait for."""
    names = {
        (volume.get("persistentVolumeClaim") or {}).get("claimName") for volume in pod["spec"].get("volumes") or []
    }
    return "; ".join(
        _told(claim, events)
        for claim in claims
        if claim["metadata"]["name"] in names
        and claim["metadata"].get("namespace") == pod["metadata"].get("namespace")
        and claim.get("status", {}).get("phase") != "Bound"
    )


def _told(claim: Object, events: t.Iterable[Object]) -> str:
    spec = claim["spec"]
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage", "")
    class_name = spec.get("storageClassName")
    latest = events_of(claim, events)
    said = latest[0].get("message", "") if latest else "nothing answers it"
    return (
        f"claim {path(claim)} ({size}, {f'class {class_name}' if class_name else 'no class'}) is "
        f"{claim.get('status', {}).get('phase', 'Pending')}: {said[:200]}"
    )
