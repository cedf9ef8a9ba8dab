"""What Flux's kinds have in common."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Claim
from ansible_collections.harvis.platform.plugins.module_utils.gitops.marks import (
    annotations,
    condition,
    dig,
    labels,
    newest,
    writers,
)
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object, ObjectRef


def claims(body: Object, group: str, writer: str) -> list[Claim]:
    """By the two labels that a controller of Flux gives everything it applies; else by its handwriting."""
    ref, marks = ObjectRef.of(body), labels(body)
    if annotations(body).get(f"{group}/reconcile") == "disabled":
        return []
    name, namespace = marks.get(f"{group}/name"), marks.get(f"{group}/namespace", "")
    if name:
        return [Claim(ref, f"label {group}/name: {name}", name, namespace)]
    return [Claim(ref, f"managedFields: {text}") for text in writers(body, writer)[:1]]


def suspended(own: Object) -> str:
    return "spec.suspend: true" if dig(own, "spec", "suspend") is True else ""


def last_handled(own: Object) -> str:
    """The newest sign of the controller: it writes no time where it found nothing to do."""
    times = [c.get("lastTransitionTime") for c in dig(own, "status", "conditions") or []]
    entries = dig(own, "status", "history") or []
    times += [entry.get(key) for entry in entries for key in ("lastDeployed", "lastReconciled")]
    times += [
        entry.get("time")
        for entry in dig(own, "metadata", "managedFields") or []
        if entry.get("subresource") == "status"
    ]
    return newest(dig(own, "status", "lastHandledReconcileAt"), *times)


def source(own: Object, reference: t.Any, revision: str) -> str:
    if not isinstance(reference, dict):
        return ""
    namespace = reference.get("namespace") or dig(own, "metadata", "namespace")
    text = f"{reference.get('kind')} {namespace}/{reference.get('name')}"
    return f"{text} at {revision}" if revision else text


def ready(own: Object) -> tuple[str, str]:
    """What it says of itself, and in which words."""
    found = condition(own, "Ready")
    return str(found.get("status") or ""), str(found.get("message") or "")
