"""The audit as JSON for programs."""

from __future__ import annotations

import typing as t
from dataclasses import asdict

from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditReport
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place


def document(report: AuditReport) -> dict[str, t.Any]:
    """Accepted findings are not in it: whoever reads it looks for what is left to do."""
    return {
        "findings": [entry(finding) for finding in report.findings],
        "effects": report.effects.to_result(),
        "not_checked": list(report.not_checked),
        "leaves": len(report.leaves),
        "renders": report.renders,
        "seconds": round(report.seconds, 3),
    }


def entry(finding: Finding) -> dict[str, t.Any]:
    place = finding.place or Place(object=finding.subject)
    said = {"cause": finding.cause, "evidence": finding.evidence, "fix": finding.fix}
    return {"code": finding.code, "severity": str(finding.severity), **asdict(place), **said}
