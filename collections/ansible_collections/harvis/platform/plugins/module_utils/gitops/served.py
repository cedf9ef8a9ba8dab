"""Which of the tools' kinds a cluster has, in which version, and what there is of them."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Tool
from ansible_collections.harvis.platform.plugins.module_utils.gitops.tools import TOOLS
from ansible_collections.harvis.platform.plugins.module_utils.kube import (
    ApiRefusal,
    Cluster,
    Object,
    ObjectRef,
    UnknownKind,
)


@dataclass(frozen=True)
class Served:
    """Of one tool: the version of its kind (empty: the cluster does not have it) and its objects by address.

    ``unread`` is why they may not be listed.
    """

    tool: Tool
    api_version: str = ""
    own: t.Mapping[ObjectRef, Object] = field(default_factory=dict)
    unread: str = ""

    def named(self, name: str, namespace: str = "") -> list[Object]:
        """Objects of that name; in that namespace, where one is given."""
        return [body for ref, body in self.own.items() if ref.name == name and namespace in ("", ref.namespace)]


def served(cluster: Cluster, namespace: str = "", *, at_least: str = "") -> list[Served]:
    """All tools, in one question and one list for each kind that is there.

    Who may not list all namespaces is shown those of ``at_least``, where he may.
    """
    versions = _versions(cluster)
    return [_of(cluster, tool, versions.get(tool.group, ()), (namespace, at_least)) for tool in TOOLS]


def _versions(cluster: Cluster) -> dict[str, tuple[str, ...]]:
    """The versions of each group, the preferred one first."""
    status, text = cluster.ask("/apis")
    if status != 200:
        raise ApiRefusal("/apis", status, "", "the API server does not say which kinds it has")
    groups: list[Object] = json.loads(text).get("groups") or []
    found = {}
    for group in groups:
        first = str((group.get("preferredVersion") or {}).get("groupVersion") or "")
        every = [str(version["groupVersion"]) for version in group.get("versions") or []]
        found[str(group["name"])] = tuple(dict.fromkeys(filter(None, [first, *every])))
    return found


def _of(cluster: Cluster, tool: Tool, versions: t.Iterable[str], namespaces: tuple[str, str]) -> Served:
    for version in versions:
        try:
            return _list(cluster, tool, version, namespaces)
        except UnknownKind:
            continue
    return Served(tool)


def _list(cluster: Cluster, tool: Tool, version: str, namespaces: tuple[str, str]) -> Served:
    unread = ""
    for namespace in dict.fromkeys(namespaces[:1] + tuple(filter(None, namespaces[1:]))):
        try:
            bodies = cluster.find(version, tool.kind, namespace=namespace)
        except ApiRefusal as exc:
            if exc.status != 403:
                raise
            unread = unread or exc.message
            continue
        return Served(tool, version, {ObjectRef.of(body): body for body in bodies}, unread)
    return Served(tool, version, {}, unread)
