"""Managers of managers: a Kustomization that applies a HelmRelease, an Application that applies Applications."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.gitops.look import look
from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Managed, Release, Steps
from ansible_collections.harvis.platform.plugins.module_utils.gitops.marks import owners
from ansible_collections.harvis.platform.plugins.module_utils.gitops.refuse import managed
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster

_GENERATORS = ("ApplicationSet",)


def unsuspendable(cluster: Cluster, release: Release, manager: Managed) -> list[Finding]:
    """Why holding the manager off would not last, or cannot be done at all."""
    if manager.own is None:
        return [managed(release, manager)]
    found = [_generated(release, manager, name) for name in _generators(manager)]
    what = f"suspend {manager}"
    return found + taken_back(cluster, release, manager, [manager.tool.switch], what)


def taken_back(
    cluster: Cluster, release: Release, manager: Managed, fields: t.Sequence[Steps], what: str
) -> list[Finding]:
    """Managers of the manager that are at work and own one of ``fields``: they would write it back."""
    own = manager.own or {}
    found = []
    for parent in look(cluster, Release("", ""), [own]):
        written = [steps for steps in fields if _writes(parent, own, steps)]
        if parent.ref != manager.ref and not parent.suspended and written:
            when = parent.state.reverts_object if parent.state else f"at an unknown time ({parent.unread})"
            cause = f"{parent} owns {'.'.join(written[0])} of {manager}, and would undo {what} {when}"
            fix = f"Change it in the source of {parent}, or suspend that first."
            found.append(managed(release, parent, cause=cause, fix=fix))
    return found


def _writes(parent: Managed, own: dict[str, t.Any], steps: Steps) -> bool:
    return any(re.search(parent.tool.writer, name) for name, _ in owners(own, steps))


def _generators(manager: Managed) -> list[str]:
    references = ((manager.own or {}).get("metadata") or {}).get("ownerReferences") or []
    return [f"{r['kind']} {r['name']}" for r in references if r.get("kind") in _GENERATORS]


def _generated(release: Release, manager: Managed, name: str) -> Finding:
    cause = f"{name} makes {manager}, and would undo its suspension at once"
    return managed(release, manager, cause=cause, fix=f"Change its source, or take the sync policy off {name} first.")
