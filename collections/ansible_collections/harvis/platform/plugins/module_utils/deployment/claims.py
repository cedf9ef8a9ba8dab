"""What in the cluster belongs to somebody else and has a name that we would use."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.gitops.look import look
from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Release
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object
from ansible_collections.harvis.platform.plugins.module_utils.release.managed import WRITE, Managers
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import History
from ansible_collections.harvis.platform.plugins.module_utils.rollout.namespaces import ending

_RELEASE = "meta.helm.sh/release-name"
_NAMESPACE = "meta.helm.sh/release-namespace"


@dataclass(frozen=True)
class Claim:
    """A release of ours: its name, its namespace, its chart's name, and the workloads (namespace, name) it will own."""

    name: str
    namespace: str
    chart: str
    workloads: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def foreign_release(claim: Claim, history: History) -> list[Finding]:
    """A release of our name that another chart holds."""
    last = history.last
    if last is None or not history.is_installed or last.chart in ("", claim.chart):
        return []
    cause = f"the release is one of chart {last.chart}, not of {claim.chart}: an upgrade would replace its objects"
    seen = f"revision {last.number} of {last.chart} {last.chart_version}, {last.status} since {last.updated}"
    return [Finding("REL-FOREIGN", f"release {claim}", cause, seen, "Give ours another name or namespace.")]


def foreign_namespace(body: Object, claims: t.Sequence[Claim]) -> list[Finding]:
    """A namespace that another release owns, or that is being deleted."""
    name = body["metadata"]["name"]
    gone = ending(body)
    if gone:
        return [gone]
    owner = _owner(body)
    if not owner or owner in map(str, claims):
        return []
    cause = f"the namespace belongs to the Helm release {owner}, and would be deleted with it"
    seen = f"{_RELEASE} and {_NAMESPACE} in its annotations"
    return [Finding("REL-FOREIGN", f"namespace {name}", cause, seen, "Choose another namespace.")]


def managed_releases(
    cluster: Cluster, claims: t.Iterable[Claim], workloads: t.Sequence[Object], mode: str
) -> list[Finding]:
    """Releases that Flux or Argo CD would bring back, unless ``mode`` deals with that when they are applied."""
    found = []
    for claim in claims:
        own = [body for body in workloads if _owner(body) == str(claim) or _place(body) in claim.workloads]
        release = Release(claim.name, claim.namespace)
        managers = Managers(release, tuple(look(cluster, release, own)))
        if mode != WRITE or not managers.receivers:
            found += managers.refusals(cluster, mode)
    return found


def _place(body: Object) -> tuple[str, str]:
    return body["metadata"]["namespace"], body["metadata"]["name"]


def foreign_workloads(bodies: t.Iterable[Object], claims: t.Sequence[Claim]) -> list[Finding]:
    """Workloads under names that our charts use, and that another release or nobody's Helm made."""
    names = {workload: claim for claim in claims for workload in claim.workloads}
    found = []
    for body in bodies:
        metadata = body["metadata"]
        claim = names.get(_place(body))
        if claim is None or _owner(body) == str(claim):
            continue
        owner = _owner(body)
        whose = f"belongs to the Helm release {owner}" if owner else "was made by something else than Helm"
        subject = f"{body['kind']} {metadata['namespace']}/{metadata['name']}"
        cause = f"it is there already and {whose}: release {claim} cannot have it"
        fix = "Choose another namespace, or remove the object."
        found.append(Finding("REL-FOREIGN", subject, cause, f"created {metadata.get('creationTimestamp')}", fix))
    return found


def _owner(body: Object) -> str:
    annotations = body["metadata"].get("annotations") or {}
    return f"{annotations.get(_NAMESPACE, '')}/{annotations[_RELEASE]}" if _RELEASE in annotations else ""
