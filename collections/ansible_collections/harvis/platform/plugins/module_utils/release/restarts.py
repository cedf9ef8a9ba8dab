"""Which pods an apply starts again, and because of which fields of their template."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.compare import MISSING, differences

_KINDS = ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True)
class Restart:
    """The pods of one workload, as many as it has now, and why they are made anew."""

    ref: ObjectRef
    pods: int
    why: tuple[str, ...]

    def to_dict(self) -> dict[str, t.Any]:
        return {"object": str(self.ref), "pods": self.pods, "why": list(self.why)}


def restart(ref: ObjectRef, live: Object, before: Object, after: Object, *, replaced: bool = False) -> Restart | None:
    """None where no pod is started again. ``before`` and ``after`` are free of secrets, ``live`` has the status."""
    pods = has_pods(ref, live)
    if not pods:
        return None
    if replaced:
        return Restart(ref, pods, (f"the {ref.kind} is deleted and made anew",))
    if not _rolls(after):
        return None
    found = differences(_template(before), _template(after), "spec.template")
    return Restart(ref, pods, tuple(map(str, found))) if found else None


def _template(body: Object) -> t.Any:
    return (body.get("spec") or {}).get("template", MISSING)


def _rolls(body: Object) -> bool:
    """Whether the controller replaces pods of an old template by itself."""
    spec = body.get("spec") or {}
    return not spec.get("paused") and (spec.get("updateStrategy") or {}).get("type") != "OnDelete"


def has_pods(ref: ObjectRef, live: Object) -> int:
    """How many pods the workload keeps running; 0 for what keeps none."""
    if ref.kind not in _KINDS:
        return 0
    if live.get("kind") == "DaemonSet":
        return int((live.get("status") or {}).get("currentNumberScheduled") or 0)
    return int((live.get("spec") or {}).get("replicas", 1))
