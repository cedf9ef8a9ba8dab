"""Who manages a release: asked of its live objects, and of the managers themselves."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Claim, Managed, Release
from ansible_collections.harvis.platform.plugins.module_utils.gitops.served import Served, served
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Cluster, Object, ObjectRef


def look(cluster: Cluster, release: Release, objects: t.Iterable[Object]) -> list[Managed]:
    """Every manager of the release, or of any of ``objects``, each once.

    Raises ClusterError where the API server does not say which kinds it has.
    """
    bodies = list(objects)
    return [
        found
        for each in served(cluster, at_least=release.namespace)
        for found in _of_tool(cluster, each, release, bodies)
    ]


def _of_tool(cluster: Cluster, kind: Served, release: Release, bodies: list[Object]) -> list[Managed]:
    found: dict[ObjectRef, Managed] = {
        ref: Managed(kind.tool, ref, own, whole=True, evidence=(f"it makes {release}",))
        for ref, own in kind.own.items()
        if (made := kind.tool.release(own)) and made[0] == release
    }
    nameless: list[Claim] = []
    for claim in (claim for body in bodies for claim in kind.tool.claims(body)):
        if not claim.name:
            nameless.append(claim)
        elif manager := _manager(cluster, kind, claim):
            found[manager.ref] = _with(found.get(manager.ref, manager), claim)
    # Handwriting alone outlives a tool that was removed, and belongs to the named manager where there is one.
    if nameless and not found and kind.api_version and (kind.own or kind.unread):
        unknown = Managed(
            kind.tool,
            ObjectRef(kind.api_version, kind.tool.kind, ""),
            None,
            unread="no label says which one",
        )
        for claim in nameless:
            unknown = _with(unknown, claim)
        return [unknown]
    return list(found.values())


def _manager(cluster: Cluster, kind: Served, claim: Claim) -> Managed | None:
    ref = ObjectRef(kind.api_version, kind.tool.kind, claim.name, claim.namespace)
    known = kind.named(claim.name, claim.namespace)
    if claim.weak:
        known = [own for own in known if kind.tool.confirms(own, claim.object)]
        return Managed(kind.tool, ObjectRef.of(known[0]), known[0]) if known else None
    if known:
        # Of several Applications of one name, the one that lists the object.
        own = next((own for own in known if kind.tool.confirms(own, claim.object)), known[0])
        return Managed(kind.tool, ObjectRef.of(own), own)
    if not kind.api_version:
        return Managed(kind.tool, ref, None, unread="this cluster has no such kind: it lives in another, or is gone")
    if not kind.unread:
        # Somebody deleted it and kept what it made: nobody acts any more.
        return None
    return _single(cluster, kind, ref)


def _single(cluster: Cluster, kind: Served, ref: ObjectRef) -> Managed | None:
    """One that may not be listed may still be read by its name."""
    try:
        own = cluster.get(ref) if ref.namespace else None
    except ApiRefusal as exc:
        return Managed(kind.tool, ref, None, unread=exc.message)
    if own is None and ref.namespace:
        return None
    return Managed(kind.tool, ref, own, unread="" if own else kind.unread)


def _with(manager: Managed, claim: Claim) -> Managed:
    return replace(
        manager,
        objects=(*manager.objects, claim.object),
        evidence=tuple(dict.fromkeys([*manager.evidence, claim.evidence])),
    )
