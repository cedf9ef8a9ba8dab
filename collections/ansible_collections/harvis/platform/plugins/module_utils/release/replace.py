"""Objects with a field that only a new object can have otherwise: which may be deleted for that, and the deletion."""

from __future__ import annotations

import re
import time
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError, release_error

# The API server's words for a field that only a new object can change.
_FIXED = re.compile(
    r"immutable|updates to statefulset spec|may not change once set|cannot change roleRef"
    r"|updates to (?:parameters|provisioner|reclaimPolicy) are forbidden",
    re.IGNORECASE,
)
_FIELD = re.compile(r"(?:^|[\s\[,])(?P<path>[a-zA-Z][\w.\[\]]*): (?:Invalid value|Forbidden)")
# With these goes what they hold.
_HOLD_DATA = ("PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition")
_LOOK_SECONDS = 0.5


def is_fixed(message: str) -> bool:
    """Whether the API server refused because the field can only be set when the object is made."""
    return bool(_FIXED.search(message))


def fixed_fields(message: str) -> str:
    """The fields that the API server names; the values beside them may be secrets."""
    return ", ".join(dict.fromkeys(match["path"] for match in _FIELD.finditer(message))) or "a field"


def holds_data(body: Object) -> bool:
    """Whether data would go with the object."""
    if body.get("kind") == "StatefulSet":
        kept = (body.get("spec") or {}).get("persistentVolumeClaimRetentionPolicy") or {}
        return bool(kept.get("whenDeleted") == "Delete")
    return body.get("kind") in _HOLD_DATA


def refused(ref: ObjectRef, source: str, body: Object, message: str) -> Finding:
    """The finding for an object that would have to be replaced and is not."""
    cause = f"{fixed_fields(message)} changes, and cannot be changed in an object that exists"
    fix = "Undo the change, or allow replace_immutable: the object is deleted and made anew, its pods with it."
    if holds_data(body):
        fix = f"Undo the change. To replace {ref} is left to you: its data goes with it."
    return Finding("REL-IMMUTABLE", f"{source or 'manifest'}: {ref}", cause, message, fix)


def delete_first(
    cluster: Cluster, refs: t.Iterable[ObjectRef], seconds: float, *, sleep: t.Callable[[float], None] = time.sleep
) -> None:
    """Delete each and wait until it is gone: Helm then makes it anew.

    Raises ReleaseError where one stays, which a finalizer brings about.
    """
    for ref in refs:
        cluster.delete(ref)
        deadline = time.monotonic() + seconds
        while (left := cluster.get(ref)) is not None:
            if time.monotonic() > deadline:
                raise _stays(ref, left)
            sleep(_LOOK_SECONDS)


def _stays(ref: ObjectRef, left: Object) -> ReleaseError:
    finalizers = ", ".join(left["metadata"].get("finalizers") or []) or "none"
    fix = "Have the controller of that finalizer running; it takes the finalizer away when it has cleaned up."
    return release_error(
        "REL-FAILED", str(ref), "it was deleted and does not go", evidence=f"finalizers: {finalizers}", fix=fix
    )
