"""A live look at everything that Flux and Argo CD have in a cluster: what pretends to be well, what is forgotten."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.gitops.inside import Inside, failing, inside
from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Managed
from ansible_collections.harvis.platform.plugins.module_utils.gitops.marks import owners, parsed, seconds
from ansible_collections.harvis.platform.plugins.module_utils.gitops.served import served
from ansible_collections.harvis.platform.plugins.module_utils.gitops.suspend import marked_at, marked_for
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.gitops import (
    fixed_versions,
    unproven_success,
    unwatched_drift,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, Objects
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import Snapshot

INTERVALS = 12
SETTLE_SECONDS = 60.0
_SHOWN = 5


@dataclass
class Report:
    """What was found, and what could not be looked at."""

    managers: list[Managed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    def to_result(self) -> dict[str, t.Any]:
        return {
            "changed": False,
            "managers": [manager.to_dict() for manager in self.managers],
            "findings": [finding.to_dict() for finding in self.findings],
            "unchecked": self.unchecked,
        }


def gitops_info(
    cluster: Cluster,
    *,
    namespace: str = "",
    intervals: int = INTERVALS,
    compare: bool = True,
    settle: float = SETTLE_SECONDS,
    now: dt.datetime | None = None,
) -> Report:
    """Every manager in ``namespace`` (empty: in all), with what is wrong; ``compare`` looks at what they manage too."""
    now = now or dt.datetime.now(dt.UTC)
    report = Report()
    for kind in served(cluster, namespace):
        if kind.unread:
            report.unchecked.append(f"{kind.tool.kind}s, which may not be listed: {kind.unread}")
        report.managers += [Managed(kind.tool, ref, own, whole=True) for ref, own in sorted(kind.own.items())]
    report.findings += [f for m in report.managers for f in suspended(m, intervals, now)]
    report.findings += _described(report)
    if compare:
        _look_inside(cluster, report, settle, now)
    return report


def suspended(manager: Managed, intervals: int, now: dt.datetime) -> list[Finding]:
    """GOP-SUSPENDED, which says more where it looks forgotten."""
    own, state = manager.own or {}, manager.state
    by_us = marked_for(own)
    if state is None or not state.suspended or (state.chosen and not by_us):
        return []
    writer, since = _since(manager)
    began = parsed(since)
    age = (now - began).total_seconds() if began else 0.0
    limit = intervals * seconds(state.interval)
    cause = f"suspended ({state.suspended})" + (f" since {since}" if since else "")
    cause += f" for {by_us}, by a run that has not resumed it" if by_us else (f" by {writer}" if writer else "")
    if limit and age > limit:
        cause += f": forgotten? That is {age / seconds(state.interval):.0f} intervals of {state.interval}"
    status = f"it goes on saying {state.ready}: {state.message}" if state.ready else "it has no status"
    evidence = f"{status}; source {state.source}"
    fix = "Bring what was changed meanwhile into its source, and resume it."
    return [Finding("GOP-SUSPENDED", str(manager), cause, evidence, fix)]


def _since(manager: Managed) -> tuple[str, str]:
    """Who suspended it, and when: that field's owner; else when its controller was last seen at work."""
    own = manager.own or {}
    if marked_at(own):
        return "", marked_at(own)
    writers = owners(own, manager.tool.switch) if manager.tool.off is not None else []
    newest = max(writers, key=lambda entry: entry[1], default=("", ""))
    return newest if newest[1] else ("", manager.state.last_handled if manager.state else "")


class _Nowhere:
    """Live objects come from no file."""

    def find(self, _pointer: str) -> tuple[str, int]:
        return "", 0


def _described(report: Report) -> t.Iterator[Finding]:
    """The audit's own look at manifests, at what is live."""
    bodies = [m.own for m in report.managers if m.own]
    items = tuple(KubernetesObject(body, body["metadata"].get("namespace", ""), _Nowhere()) for body in bodies)
    subject = AuditSubject(Objects(items))
    for detector in (fixed_versions, unwatched_drift, unproven_success):
        for found in detector(subject):
            if isinstance(found, NotChecked):
                report.unchecked.append(found.reason)
            else:
                yield found


def _look_inside(cluster: Cluster, report: Report, settle: float, now: dt.datetime) -> None:
    insides = []
    for manager in report.managers:
        # One that does not say it is well hides nothing.
        if manager.state and manager.state.is_good:
            try:
                insides.append(inside(cluster, manager))
            except HarvisError as exc:
                report.unchecked.append(f"what {manager} manages: {exc.findings[0].cause}")
    namespaces = sorted({ref.namespace for each in insides for ref in each.workloads})
    snapshot = Snapshot.read(cluster, namespaces) if namespaces else None
    for each in insides:
        bad = failing(snapshot, each.workloads, settle=settle, now=now) if snapshot else []
        report.findings += hollow(each, _drift(cluster, each, report), bad)


def _drift(cluster: Cluster, each: Inside, report: Report) -> tuple[str, ...]:
    try:
        return each.drift(cluster)
    except HarvisError as exc:
        report.unchecked.append(f"whether live objects of {each.manager} differ: {exc.findings[0].cause}")
        return ()


def hollow(each: Inside, drift: t.Sequence[str], bad: t.Sequence[Finding]) -> list[Finding]:
    """GOP-HOLLOW: it says it is well, and it is not."""
    state = each.manager.state
    said = [f"{found.subject}: {found.cause}" for found in bad] + list(drift)
    if not said or state is None:
        return []
    what = [f"{len(bad)} of its pods or workloads do not work"] if bad else []
    what += [f"{len(drift)} fields of its live objects differ from what was deployed"] if drift else []
    cause = f"it says {state.ready} ({state.message}), and {' and '.join(what)}"
    fix = next((found.fix for found in bad if found.fix), "Take the changes back by applying the release again.")
    lasting = " Then set spec.driftDetection.mode: enabled." if drift else ""
    evidence = "\n".join([*said[:_SHOWN], *([f"and {len(said) - _SHOWN} more"] if len(said) > _SHOWN else [])])
    return [Finding("GOP-HOLLOW", str(each.manager), cause, f"{evidence}\n{state.watches}", f"{fix}{lasting}")]
