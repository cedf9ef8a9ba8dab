"""What a release needs: the rendered chart against Helm's record, against the live objects, and why."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text
from ansible_collections.harvis.platform.plugins.module_utils.release.compare import (
    MISSING,
    Difference,
    described,
    differences,
)
from ansible_collections.harvis.platform.plugins.module_utils.release.live import LiveObject
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import Manifest, as_stored
from ansible_collections.harvis.platform.plugins.module_utils.release.ownership import HandField
from ansible_collections.harvis.platform.plugins.module_utils.release.readers import stale_readers
from ansible_collections.harvis.platform.plugins.module_utils.release.redact import redact_pair
from ansible_collections.harvis.platform.plugins.module_utils.release.replace import fixed_fields
from ansible_collections.harvis.platform.plugins.module_utils.release.restarts import Restart, restart
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import Revision
from ansible_collections.harvis.platform.plugins.module_utils.release.values import Values, without_nulls


@dataclass(frozen=True)
class Wanted:
    """The release as described: merged values and the chart rendered with them."""

    values: Values
    manifest: Manifest


@dataclass(frozen=True)
class Recorded:
    """The release as Helm last deployed it."""

    revision: Revision
    manifest: Manifest


@dataclass(frozen=True)
class ObjectPlan:
    """One object that will change; ``before`` and ``after`` are free of secrets."""

    ref: ObjectRef
    action: str  # added, changed, removed, replaced
    fields: tuple[str, ...]
    drift: tuple[str, ...]
    before: Object | None
    after: Object | None
    restart: Restart | None = None


@dataclass(frozen=True)
class Plan:
    """``reasons`` say why the release is (re-)applied; ``drift`` is what hands did to live objects."""

    reasons: tuple[str, ...]
    drift: tuple[str, ...]
    objects: tuple[ObjectPlan, ...]
    stale_readers: tuple[Restart, ...] = ()

    @property
    def restarts(self) -> list[Restart]:
        """The pods that are started again when the plan is applied."""
        return [item.restart for item in self.objects if item.restart]

    @property
    def replaced(self) -> list[ObjectRef]:
        return [item.ref for item in self.objects if item.action == "replaced"]

    @property
    def changed(self) -> bool:
        return bool(self.reasons)

    def diff(self) -> dict[str, str]:
        """Manifest before and after, the changed objects only."""
        return {"before": _text(self.objects, "before"), "after": _text(self.objects, "after")}

    def summary(self) -> dict[str, list[str]]:
        actions = ("added", "changed", "removed", "replaced")
        return {action: [str(o.ref) for o in self.objects if o.action == action] for action in actions}


def plan_release(
    wanted: Wanted,
    recorded: Recorded | None,
    live: t.Mapping[ObjectRef, LiveObject],
    removed: t.Mapping[ObjectRef, Object],
    *,
    take_back_drift: bool,
) -> Plan:
    """Compare. ``removed`` are live objects of the recorded manifest that the chart no longer has."""
    objects = [_plan_object(ref, wanted, recorded, live[ref]) for ref in wanted.manifest.objects]
    objects += [ObjectPlan(ref, "removed", (), (), redact_pair(body, None)[0], None) for ref, body in removed.items()]
    drift = tuple(f"{o.ref}: {text}" for o in objects if o for text in o.drift)
    if not take_back_drift:
        objects = [o for o in objects if o and (o.fields or o.action == "removed")]
    changes = tuple(o for o in objects if o)
    reasons: list[str] = []
    if recorded:
        # For a first install the objects say nothing that "not installed" does not.
        reasons = _release_reasons(wanted, recorded) + [reason for o in changes for reason in _object_reasons(o)]
    if take_back_drift:
        reasons += [f"{text} (changed in the cluster)" for text in drift]
    return Plan(tuple(dict.fromkeys(reasons)), drift, changes, _stale_readers(changes, live))


def _stale_readers(changes: t.Iterable[ObjectPlan], live: t.Mapping[ObjectRef, LiveObject]) -> tuple[Restart, ...]:
    bodies = {ref: item.found for ref, item in live.items() if item.found is not None}
    kept = [o for o in changes if o.before is not None and o.after is not None]
    moved = [o.ref for o in kept if any(_at(o.before, part) != _at(o.after, part) for part in ("data", "binaryData"))]
    return tuple(stale_readers(bodies, moved, [o.ref for o in changes if o.restart]))


def _at(body: Object | None, part: str) -> t.Any:
    return (body or {}).get(part)


def _release_reasons(wanted: Wanted, recorded: Recorded) -> list[str]:
    reasons = [
        # A value may be a secret, so values are named and not shown.
        f"value {found.path} {'is no longer given' if found.after is MISSING else 'differs from the deployed one'}"
        for found in differences(without_nulls(recorded.revision.values), without_nulls(wanted.values))
    ]
    old, new = recorded.manifest.hooks, wanted.manifest.hooks
    for ref in dict.fromkeys([*old, *new]):
        if (old[ref].body if ref in old else None) != (new[ref].body if ref in new else None):
            reasons.append(f"hook {ref} differs from the recorded one")
    return reasons


def _object_reasons(item: ObjectPlan) -> list[str]:
    if item.action == "added":
        return [] if item.drift else [f"{item.ref} is new in the chart"]
    if item.action == "removed":
        return [f"{item.ref} is no longer in the chart"]
    return [f"{item.ref}: {field}" for field in item.fields]


def _plan_object(ref: ObjectRef, wanted: Wanted, recorded: Recorded | None, live: LiveObject) -> ObjectPlan | None:
    rendered = wanted.manifest.objects[ref].body
    known = recorded.manifest.objects.get(ref) if recorded else None
    if live.found is None:
        after = redact_pair(None, described(live.wanted) if live.wanted else as_stored(rendered))[1]
        return ObjectPlan(ref, "added", (), ("was deleted",) if known else (), None, after)
    if live.fixed:
        return _replaced(ref, rendered, live.found, live.fixed)
    before, after = redact_pair(described(live.found), described(live.wanted or live.found))
    again = restart(ref, live.found, before or {}, after or {})
    moved = differences(before, after)
    if not known:
        # Left over from something else; Helm itself decides whether it may take the object over.
        fields = ("exists already, and is new in the chart", *map(str, moved))
        return ObjectPlan(ref, "changed", fields, (), before, after, again)
    in_chart = differences(*redact_pair(as_stored(known.body), as_stored(rendered)))
    by_hand = {field.path: field for field in live.hand_fields}
    drift = tuple(
        _drift_text(found, by_hand.get(found.path)) for found in moved if not _is_within(found.path, in_chart)
    )
    fields = tuple(map(str, in_chart))
    return ObjectPlan(ref, "changed", fields, drift, before, after, again) if fields or drift else None


def _replaced(ref: ObjectRef, rendered: Object, found: Object, fixed: str) -> ObjectPlan:
    before, after = redact_pair(described(found), as_stored(rendered))
    fields = (f"{fixed_fields(fixed)} cannot be changed in place: the object is replaced",)
    again = restart(ref, found, before or {}, after or {}, replaced=True)
    return ObjectPlan(ref, "replaced", fields, (), before, after, again)


def _is_within(path: str, others: t.Iterable[Difference]) -> bool:
    return any(path == o.path or path.startswith((f"{o.path}.", f"{o.path}[")) for o in others)


def _drift_text(found: Difference, field: HandField | None) -> str:
    return f"{found}, added by {field.manager} at {field.time}" if field else str(found)


def _text(objects: t.Iterable[ObjectPlan], side: str) -> str:
    bodies = [(o.ref, getattr(o, side)) for o in objects]
    return "".join(f"---\n# {ref}\n{yaml_text.dump(body)}" for ref, body in bodies if body is not None)
