"""Namespaces that are being deleted: what is in them goes, and nothing new comes."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object

# https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/namespace-v1/#NamespaceStatus
_HOLD = (
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceFinalizersRemaining",
    "NamespaceContentRemaining",
)


def ending(namespace: Object) -> Finding | None:
    """REL-TERMINATING with what holds the namespace, in the words of its controller."""
    status = namespace.get("status") or {}
    if status.get("phase") != "Terminating":
        return None
    told = {entry["type"]: entry for entry in status.get("conditions") or []}
    holds = [told[kind]["message"] for kind in _HOLD if told.get(kind, {}).get("status") == "True"]
    since = f"since {namespace['metadata'].get('deletionTimestamp')}"
    return Finding(
        "REL-TERMINATING",
        f"namespace {namespace['metadata']['name']}",
        "is being deleted: nothing can be created in it",
        evidence="; ".join([since, *holds]),
        fix="Wait until it is gone, or remove what holds it: a finalizer whose controller is gone, or an APIService"
        " that nobody serves. Then `make up` makes it again.",
    )
