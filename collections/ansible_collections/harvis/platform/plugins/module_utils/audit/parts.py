"""The parts of an audit that are no detectors over objects: Python sources and playbooks."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.detect import Outcome, guarded
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditRequest
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.contract.check import check_contract
from ansible_collections.harvis.platform.plugins.module_utils.findings import CODES, Finding, fail
from ansible_collections.harvis.platform.plugins.module_utils.plays.check import check_plays

# A repository of thousands of files takes its time.
SECONDS = 120.0

# Codes that only a part of an audit can find; without the part, nobody knows whether they would be found.
SOURCE_CODES = frozenset(
    (
        *("ENV-MISSING", "ENV-UNREAD", "ENV-EMPTY", "ENV-CONFLICT", "ENV-TYPE", "ENV-MODULE", "ENV-IMPORT", "ENV-PATH"),
        *("KFK-POLL", "KFK-OFFSET", "ENV-LINKS"),
    )
)
PLAY_CODES = frozenset(("PLB-PIPE", "PLB-ENVIRONMENT", "PLB-SWALLOW"))
NODE_CODES = frozenset(("RES-NODE", "GPU-POD", "GPU-SURGE"))


def sources(request: AuditRequest, subject: AuditSubject) -> Outcome:
    """The variables, modules and imports of Python sources against the objects that run them."""
    folder = request.sources
    if folder is None:
        return Outcome()

    def check() -> t.Iterator[Finding | NotChecked]:
        components, strict = request.components, request.strict
        return _said(*check_contract(subject.objects, folder, components=components, strict=strict))

    return guarded("the sources", check, SECONDS)


def plays(request: AuditRequest) -> Outcome:
    """What hides failures in playbooks and roles."""
    folder = request.playbooks
    if folder is None:
        return Outcome()

    def check() -> t.Iterator[Finding | NotChecked]:
        if not folder.exists():
            raise fail("VAL-INPUT", str(folder), "does not exist", fix="Name a folder of playbooks.")
        return _said(*check_plays(folder))

    return guarded("the playbooks", check, SECONDS)


def _said(findings: t.Sequence[Finding], not_checked: t.Sequence[str]) -> t.Iterator[Finding | NotChecked]:
    yield from findings
    yield from map(NotChecked, not_checked)


def judged_codes(request: AuditRequest, subject: AuditSubject) -> frozenset[str]:
    """Codes of which this audit knows whether they are there: what it could not look at may still be."""
    if request.chart is not None and subject.effects is None:
        return frozenset()
    left_out: set[str] = set()
    left_out |= set() if request.sources else SOURCE_CODES
    left_out |= set() if request.playbooks else PLAY_CODES
    left_out |= set() if request.nodes else NODE_CODES
    if request.chart is None:
        left_out |= {code for code in CODES if code.startswith("VAL-")}
    return frozenset(CODES) - left_out
