"""``KubernetesObject`` and ``Objects``: what a release or a folder of manifests consists of."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.harvis.platform.plugins.module_utils.findings import Place

Body = dict[str, t.Any]

# Kinds of Kubernetes' own groups that lie in no namespace (`kubectl api-resources --namespaced=false`, 1.34).
CLUSTER_KINDS = frozenset(
    [
        "APIService",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "ClusterRole",
        "ClusterRoleBinding",
        "ClusterTrustBundle",
        "ComponentStatus",
        "CustomResourceDefinition",
        "DeviceClass",
        "FlowSchema",
        "IPAddress",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "ResourceSlice",
        "RuntimeClass",
        "ServiceCIDR",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "VolumeAttributesClass",
    ]
)


class Lines(t.Protocol):
    """Knows the source line of each field of one object."""

    def find(self, pointer: str) -> tuple[str, int]:
        """File and line (from 1) of the field at a JSON pointer, or of its nearest parent that has a line."""
        ...


@dataclass(frozen=True)
class KubernetesObject:
    """One object. ``namespace`` is the effective one: its own, else the release's; empty for cluster-wide kinds."""

    body: Body
    namespace: str
    lines: Lines

    @property
    def api_version(self) -> str:
        return str(self.body.get("apiVersion", ""))

    @property
    def kind(self) -> str:
        return str(self.body.get("kind", ""))

    @property
    def name(self) -> str:
        metadata = self.body.get("metadata")
        return str(metadata.get("name") or metadata.get("generateName", "")) if isinstance(metadata, dict) else ""

    @property
    def address(self) -> str:
        """``namespace/Kind/name``, as effects and findings write it."""
        return f"{self.namespace}/{self.kind}/{self.name}"

    def get(self, pointer: str, default: t.Any = None) -> t.Any:
        """The value at a JSON pointer (RFC 6901), or ``default`` where a part of the way is missing."""
        value: t.Any = self.body
        for part in pointer_parts(pointer):
            try:
                value = value[int(part)] if isinstance(value, list) else value[part]
            except (KeyError, IndexError, ValueError, TypeError):
                return default
        return value

    def place(self, field: str = "", leaf: str = "") -> Place:
        """Where the field comes from."""
        file, line = self.lines.find(field)
        return Place(file, line, leaf, self.address, field)


@dataclass(frozen=True)
class Objects:
    """The objects that are deployed together, in the order of their sources.

    ``beside`` are those of other releases: they can be referred to, and nothing is said about them.
    """

    items: tuple[KubernetesObject, ...]
    beside: tuple[KubernetesObject, ...] = ()

    def __iter__(self) -> t.Iterator[KubernetesObject]:
        return iter(self.items)

    def of_kind(self, *kinds: str) -> list[KubernetesObject]:
        return [item for item in self.items if item.kind in kinds]

    def known(self, *kinds: str) -> list[KubernetesObject]:
        """Those of these kinds, and those beside."""
        return [item for item in (*self.items, *self.beside) if item.kind in kinds]

    def is_beside(self, item: KubernetesObject) -> bool:
        return any(item is other for other in self.beside)

    def find(self, kind: str, namespace: str, name: str) -> KubernetesObject | None:
        """The object of that name; one beside only where there is none here."""
        return self._by_name.get((kind, namespace, name))

    @cached_property
    def _by_name(self) -> dict[tuple[str, str, str], KubernetesObject]:
        # Backwards, so that the first of equal names stays.
        return {(item.kind, item.namespace, item.name): item for item in reversed((*self.items, *self.beside))}


def pointer(*parts: str | int) -> str:
    """A JSON pointer from its parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def pointer_parts(text: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]
