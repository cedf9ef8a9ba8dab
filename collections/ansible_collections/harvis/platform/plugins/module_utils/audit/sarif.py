"""The audit as SARIF 2.1.0, from which code hosts annotate lines (docs.oasis-open.org/sarif/sarif/v2.1.0)."""

from __future__ import annotations

import hashlib
import typing as t
from pathlib import Path
from urllib.parse import quote

from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditReport
from ansible_collections.harvis.platform.plugins.module_utils.findings import CODES, Code, Finding, Severity

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
NAME = "harvis-audit"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
# The tool's reader says what the root of relative addresses is; by custom, the checkout.
ROOT = "%SRCROOT%"

Json = dict[str, t.Any]


def sarif(report: AuditReport, pages: str) -> Json:
    """``pages`` is the address of the folder that holds a page for each code, or empty where nobody can reach one."""
    results = [_result(finding) for finding in report.findings]
    accepted = [
        {**_result(a.finding), "suppressions": [{"kind": "external", "justification": a.reason}]}
        for a in report.accepted
    ]
    notes = [{"level": "note", "message": {"text": f"Not checked: {reason}"}} for reason in report.not_checked]
    run = {
        "tool": {"driver": {"name": NAME, "rules": [_rule(code, pages) for code in CODES.values()]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "results": [*results, *accepted],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: Code, pages: str) -> Json:
    page = f"{pages.rstrip('/')}/{code.name}.md" if pages else ""
    more = f"See docs/findings/{code.name}.md."
    return {
        "id": code.name,
        "shortDescription": {"text": code.title.replace("`", "")},
        "help": {"text": more, "markdown": f"[{more}]({page})" if page else more},
        "defaultConfiguration": {"level": LEVELS[code.severity]},
        **({"helpUri": page} if page else {}),
    }


def _result(finding: Finding) -> Json:
    return {
        "ruleId": finding.code,
        "ruleIndex": list(CODES).index(finding.code),
        "level": LEVELS[finding.severity],
        "message": {"text": _message(finding)},
        "locations": [_location(finding)],
        "partialFingerprints": {"subject/v1": _fingerprint(finding)},
    }


def _message(finding: Finding) -> str:
    about = finding.place.leaf if finding.place and finding.place.leaf else ""
    parts = [f"{about}: {finding.cause}" if about else finding.cause, finding.evidence, finding.fix]
    return "\n".join(filter(None, parts))


def _location(finding: Finding) -> Json:
    place = finding.place
    if place is None:
        return {"logicalLocations": [{"fullyQualifiedName": finding.subject}]}
    location: Json = {}
    if place.file:
        location["physicalLocation"] = {"artifactLocation": _artifact(place.file)}
        if place.line:
            location["physicalLocation"]["region"] = {"startLine": place.line}
    names = [(place.leaf, "value"), (f"{place.object}{place.field}", "object")]
    logical = [{"fullyQualifiedName": name, "kind": kind} for name, kind in names if name]
    return {**location, **({"logicalLocations": logical} if logical else {})}


def _artifact(file: str) -> Json:
    if Path(file).is_absolute():
        return {"uri": Path(file).as_uri()}
    return {"uri": quote(Path(file).as_posix()), "uriBaseId": ROOT}


def _fingerprint(finding: Finding) -> str:
    """The same finding keeps it while lines move."""
    place = finding.place
    about = (place.file, place.leaf, place.object, place.field) if place else (finding.subject,)
    return hashlib.sha256("\0".join((finding.code, *about, finding.cause)).encode()).hexdigest()[:32]
