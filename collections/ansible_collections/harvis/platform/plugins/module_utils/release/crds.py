"""Custom resource definitions of a chart's crds folders: Helm makes them once, and never looks at them again."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Cluster, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.compare import described, differences
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import release_error
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.live import FIELD_MANAGER
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import parse_manifest
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec

_LOOK_SECONDS = 0.2
_SHOWN = 5


@dataclass(frozen=True)
class Definition:
    """One definition of the chart beside the cluster's; ``missing`` are the differences in words."""

    ref: ObjectRef
    body: Object
    source: str
    exists: bool
    missing: tuple[str, ...] = ()
    refusal: str = ""

    @property
    def reason(self) -> str:
        if self.refusal:
            return self.refusal
        what = f"differs from the chart's: {'; '.join(self.missing)}" if self.exists else "is missing"
        return f"{self.ref} {what}"


def chart_definitions(helm: Helm, spec: ReleaseSpec) -> dict[ObjectRef, tuple[Object, str]]:
    """What is in the crds folders of the chart and of those it depends on; helm is asked only if there may be any."""
    if spec.chart.is_dir() and not any(spec.chart.glob("**/crds")) and not any(spec.chart.glob("charts/*.tgz")):
        return {}
    found = parse_manifest(helm.show_crds(spec), "", lambda *_: False).objects
    return {ref: (item.body, item.source) for ref, item in found.items()}


def is_namespaced(cluster: Cluster, known: t.Iterable[Object]) -> t.Callable[[str, str], bool]:
    """The cluster's own answer, and for kinds that come with the chart that of its definitions."""
    scopes = {
        (f"{spec['group']}/{version['name']}", spec["names"]["kind"]): spec.get("scope") == "Namespaced"
        for spec in (body["spec"] for body in known)
        for version in spec["versions"]
    }

    def namespaced(api_version: str, kind: str) -> bool:
        scope = scopes.get((api_version, kind))
        return cluster.namespaced(api_version, kind) if scope is None else scope

    return namespaced


def compare_definitions(cluster: Cluster, wanted: t.Mapping[ObjectRef, tuple[Object, str]]) -> list[Definition]:
    """Those that the cluster has not, or has otherwise, or would not take."""
    found: list[Definition] = []
    for ref, (body, source) in wanted.items():
        live = cluster.get(ref)
        if live is None:
            found.append(Definition(ref, body, source, exists=False))
            continue
        try:
            after = cluster.apply(body, manager=FIELD_MANAGER, dry_run=True)
        except ApiRefusal as exc:
            found.append(Definition(ref, body, source, exists=True, refusal=exc.message))
            continue
        moved = [str(d) for d in differences(described(live), described(after))]
        if moved:
            shown = [*moved[:_SHOWN], f"and {len(moved) - _SHOWN} more"] if len(moved) > _SHOWN else moved
            found.append(Definition(ref, body, source, exists=True, missing=tuple(shown)))
    return found


def refused(found: t.Iterable[Definition]) -> list[Finding]:
    """Definitions that cannot be applied, as when a version goes that objects are stored in."""
    fix = "Move the stored objects to a version that stays, then take the old one out of status.storedVersions."
    return [
        Finding("REL-FAILED", f"{item.source}: {item.ref}", "the cluster refuses the definition", item.refusal, fix)
        for item in found
        if item.refusal
    ]


def left_alone(found: t.Iterable[Definition], *, is_installed: bool) -> list[Finding]:
    """What Helm does not do: fields that the chart's objects use would be dropped in silence."""
    fix = "Say crds: apply, which brings them up to date before the release."
    return [
        Finding(
            "REL-CRD", f"{item.source}: {item.ref}", "Helm leaves the cluster's definition as it is", item.reason, fix
        )
        for item in found
        if item.exists or is_installed
    ]


def apply_definitions(
    cluster: Cluster, found: t.Iterable[Definition], seconds: float, sleep: t.Callable[[float], None] = time.sleep
) -> None:
    """Apply each and wait until the server serves it."""
    for item in found:
        cluster.apply(item.body, manager=FIELD_MANAGER)
    deadline = time.monotonic() + seconds
    for item in found:
        while not _is_served(cluster.get(item.ref)):
            if time.monotonic() > deadline:
                raise release_error("REL-FAILED", str(item.ref), "the cluster does not begin to serve it")
            sleep(_LOOK_SECONDS)


def _is_served(body: Object | None) -> bool:
    conditions = ((body or {}).get("status") or {}).get("conditions") or []
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)
