"""``audit``: all that is wrong with a chart, manifests, sources and playbooks, and what could not be looked at."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.audit.acceptance import (
    FILE,
    Judged,
    judge,
    read_acceptances,
)
from ansible_collections.harvis.platform.plugins.module_utils.audit.detect import Outcome, detect
from ansible_collections.harvis.platform.plugins.module_utils.audit.detectors import DETECTORS
from ansible_collections.harvis.platform.plugins.module_utils.audit.gather import gather, roots_of
from ansible_collections.harvis.platform.plugins.module_utils.audit.parts import judged_codes, plays, sources
from ansible_collections.harvis.platform.plugins.module_utils.audit.places import Roots, in_order, named
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditReport, AuditRequest
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject
from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import EffectMap
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner, SystemRunner

Clock = t.Callable[[], float]


def audit(request: AuditRequest, runner: Runner | None = None, clock: Clock = time.monotonic) -> AuditReport:
    """Never raises for what it is given: whatever is wrong with that is a finding of the report."""
    start = clock()
    gathered = gather(request, runner or SystemRunner())
    outcome = gathered.outcome + detect(gathered.subject, DETECTORS)
    outcome = _own(outcome + sources(request, gathered.subject) + plays(request), gathered.subject)
    roots = Roots(request.base.absolute(), roots_of(request), request.names)
    judged = _judged(request, gathered.subject, outcome, roots)
    return AuditReport(
        findings=judged.findings,
        accepted=judged.accepted,
        not_checked=tuple(dict.fromkeys(map(roots.text, outcome.not_checked))),
        effects=gathered.subject.effects or EffectMap({}),
        leaves=gathered.subject.leaves,
        renders=gathered.renders(),
        seconds=clock() - start,
        base=request.base,
    )


def _own(outcome: Outcome, subject: AuditSubject) -> Outcome:
    """Without findings about the objects of other releases, which have audits of their own."""
    others = {item.address for item in subject.objects.beside} - {item.address for item in subject.objects}
    own = (finding for finding in outcome.findings if not finding.place or finding.place.object not in others)
    return Outcome(tuple(own), outcome.not_checked)


def _judged(request: AuditRequest, subject: AuditSubject, outcome: Outcome, roots: Roots) -> Judged:
    """Findings with their places named, without the accepted ones, in order."""
    findings = in_order(named(finding, roots) for finding in outcome.findings)
    try:
        acceptances = read_acceptances(_acceptance_file(request))
    except HarvisError as exc:
        return Judged(tuple(in_order([*findings, *(named(finding, roots) for finding in exc.findings)])), ())
    judged = judge(findings, acceptances, judged_codes(request, subject))
    return Judged(tuple(in_order(named(finding, roots) for finding in judged.findings)), judged.accepted)


def _acceptance_file(request: AuditRequest) -> Path:
    if request.acceptances is not None:
        return request.acceptances
    folder = request.folder or request.base
    return (folder if folder.is_dir() else folder.parent) / FILE
