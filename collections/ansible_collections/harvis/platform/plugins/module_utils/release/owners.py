"""Who owns what the release is about to write: objects that exist already, and the release's name itself."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text
from ansible_collections.harvis.platform.plugins.module_utils.release.live import FIELD_MANAGER, as_applied
from ansible_collections.harvis.platform.plugins.module_utils.release.situation import Situation
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import History

_NAME, _NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
_FIX = "Rename it in the chart, remove it from its owner, or hand it over to this release with take_ownership."


def take_over(cluster: Cluster, spec: ReleaseSpec, situation: Situation) -> None:
    """Write the objects of others as the release's own: Helm 4's first install stops at fields that others manage."""
    for ref, _ in _foreign(spec, situation):
        if not situation.live[ref].fixed:
            body = as_applied(situation.wanted.manifest.objects[ref].body, spec.name, spec.namespace)
            cluster.apply(body, manager=FIELD_MANAGER)


def foreign_objects(spec: ReleaseSpec, situation: Situation) -> list[Finding]:
    """Objects of the chart that exist and that Helm would not touch, because they are not this release's."""
    return [
        Finding("REL-OWNED", str(ref), f"it exists already and belongs to {whose}", f"release {spec.name}", _FIX)
        for ref, whose in _foreign(spec, situation)
    ]


def _foreign(spec: ReleaseSpec, situation: Situation) -> list[tuple[ObjectRef, str]]:
    # What the release has had is its own, also where a hand took the marks away.
    new = [item for ref, item in situation.live.items() if ref not in situation.recorded and item.found]
    found = [(item.ref, owner(item.found or {}, spec.name, spec.namespace)) for item in new]
    return [(ref, whose) for ref, whose in found if whose]


def owner(body: Object, release: str, namespace: str) -> str:
    """Whose the object is, in words; empty when it is the release's own."""
    metadata = body.get("metadata") or {}
    notes, labels = metadata.get("annotations") or {}, metadata.get("labels") or {}
    managed_by = str(labels.get("app.kubernetes.io/managed-by") or "")
    if _NAME in notes:
        if (notes[_NAME], notes.get(_NAMESPACE)) == (release, namespace) and managed_by == "Helm":
            return ""
        return f"release {notes.get(_NAMESPACE)}/{notes[_NAME]}"
    if managed_by and managed_by != "Helm":
        return managed_by
    return "nobody that Helm knows: it was made without a release"


def foreign_release(spec: ReleaseSpec, history: History) -> list[Finding]:
    """The release's name, where another chart has it: an upgrade would delete that chart's objects."""
    last, wanted = history.last, _chart_name(spec)
    if last is None or not history.is_installed or not wanted or last.chart in ("", wanted):
        return []
    fix = "Choose another release name or namespace; or, where one chart follows the other, say take_ownership."
    cause = f"the name is held by a release of chart {last.chart}, and {wanted} is to be released"
    evidence = f"revision {last.number} of {last.updated}; an upgrade removes what {last.chart} made"
    return [Finding("REL-OWNED", f"release {spec.namespace}/{spec.name}", cause, evidence, fix)]


def _chart_name(spec: ReleaseSpec) -> str:
    """Empty for a packaged chart and for a folder that Helm will complain about itself."""
    try:
        described = yaml_text.load((spec.chart / "Chart.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(described.get("name") or "") if isinstance(described, dict) else ""
