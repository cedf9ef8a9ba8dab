"""All that is read for one decision about a release, and the answer made of it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release import pending
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.explain import hide
from ansible_collections.harvis.platform.plugins.module_utils.release.leftovers import Failed
from ansible_collections.harvis.platform.plugins.module_utils.release.live import LiveObject, read_live
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import Manifest, parse_manifest
from ansible_collections.harvis.platform.plugins.module_utils.release.plan import Plan, Recorded, Wanted, plan_release
from ansible_collections.harvis.platform.plugins.module_utils.release.replace import holds_data, refused
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import History, Revision


@dataclass(frozen=True)
class Situation:
    """What Helm recorded, what is wanted, what is live, and what follows from the three.

    ``recorded`` are the objects that the release has had so far. ``exact`` is false where the chart could not be
    rendered with what the server knows: then ``wanted`` is a forecast.
    """

    history: History
    wanted: Wanted
    live: dict[ObjectRef, LiveObject]
    plan: Plan
    recorded: frozenset[ObjectRef] = frozenset()
    exact: bool = True


def read_situation(spec: ReleaseSpec, cluster: Cluster, history: History, wanted: Wanted) -> Situation:
    """Raises ReleaseError where the server would refuse an object, or an object would have to be replaced."""
    base = history.last_good if history.is_installed else None
    recorded = _recorded(base, cluster) if base else None
    live = read_live(cluster, wanted.manifest.objects, spec.name, spec.namespace, _failed(history, cluster))
    _refuse_replacements(spec, wanted.manifest, live)
    removed = _removed(cluster, recorded.manifest if recorded else None, wanted.manifest)
    plan = plan_release(wanted, recorded, live, removed, take_back_drift=spec.take_back_drift)
    state_reasons = pending.reasons(cluster, history, spec)
    refs = frozenset(recorded.manifest.objects if recorded else ())
    return Situation(history, wanted, live, replace(plan, reasons=(*state_reasons, *plan.reasons)), refs)


def to_result(
    spec: ReleaseSpec, revision: Revision | None, reasons: list[str], situation: Situation
) -> dict[str, t.Any]:
    """The module's answer; secrets given to the release are blanked."""
    plan = situation.plan
    return {
        "changed": bool(reasons),
        "reasons": [hide(reason, spec) for reason in reasons],
        "drift": [hide(text, spec) for text in plan.drift],
        "objects": plan.summary(),
        "restarts": [{**each.to_dict(), "why": [hide(text, spec) for text in each.why]} for each in plan.restarts],
        "stale_readers": [each.to_dict() for each in plan.stale_readers],
        "images": situation.wanted.manifest.images(),
        "release": described_release(spec, revision),
        "diff": {side: hide(text, spec) for side, text in plan.diff().items()},
    }


def recorded_objects(cluster: Cluster, history: History) -> list[Object]:
    """What is live of the revision that is meant to be."""
    base = history.last_good if history.is_installed else None
    found = [cluster.get(ref) for ref in _recorded(base, cluster).manifest.objects] if base else []
    return [body for body in found if body is not None]


def described_release(spec: ReleaseSpec, revision: Revision | None) -> dict[str, t.Any] | None:
    return {"name": spec.name, "namespace": spec.namespace, **revision.summary()} if revision else None


def _refuse_replacements(spec: ReleaseSpec, manifest: Manifest, live: dict[ObjectRef, LiveObject]) -> None:
    found = [
        refused(ref, manifest.objects[ref].source, item.found, item.fixed)
        for ref, item in live.items()
        if item.found is not None and item.fixed and (not spec.replace_immutable or holds_data(item.found))
    ]
    if found:
        raise ReleaseError(*found)


def _recorded(revision: Revision, cluster: Cluster) -> Recorded:
    text = f"{revision.manifest}\n{revision.hooks}"
    return Recorded(revision, parse_manifest(text, revision.namespace, cluster.namespaced))


def _failed(history: History, cluster: Cluster) -> dict[ObjectRef, list[Failed]]:
    found: dict[ObjectRef, list[Failed]] = {}
    for revision in history.revisions if history.is_installed else ():
        if revision.status == "failed" or revision.is_pending:
            for ref, item in parse_manifest(revision.manifest, revision.namespace, cluster.namespaced).objects.items():
                found.setdefault(ref, []).append(Failed(revision.number, revision.updated, item.body))
    return found


def _removed(cluster: Cluster, recorded: Manifest | None, wanted: Manifest) -> dict[ObjectRef, Object]:
    gone = [ref for ref in recorded.objects if ref not in wanted.objects] if recorded else []
    found = {ref: cluster.get(ref) for ref in gone}
    return {ref: body for ref, body in found.items() if body is not None}
