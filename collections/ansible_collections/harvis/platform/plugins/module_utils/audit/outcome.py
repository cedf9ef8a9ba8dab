"""An audit that is made: its findings to files and a result."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.audit import html, sarif, table
from ansible_collections.harvis.platform.plugins.module_utils.audit.document import document
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditReport, AuditRequest
from ansible_collections.harvis.platform.plugins.module_utils.audit.run import audit
from ansible_collections.harvis.platform.plugins.module_utils.evidence.files import replace
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, Severity, fail

PAGES = "https://github.com/harvis/platform/blob/main/docs/findings"

Params = t.Mapping[str, t.Any]


def audited(params: Params, base: Path, request: AuditRequest) -> dict[str, t.Any]:
    """Raises AuditFailed when there are errors, with all files written."""
    report = audit(request)
    write_files(params, base, report)
    result = {"passed": report.passed, "table": table.lines(report), **document(report)}
    if report.passed or params["report_only"]:
        return {"changed": False, **result}
    details = {key: value for key, value in result.items() if key != "findings"}
    raise AuditFailed(report, **details)


class AuditFailed(HarvisError):
    """Errors were found; the message has these alone, the result all findings."""

    def __init__(self, report: AuditReport, **details: t.Any) -> None:
        super().__init__(*report.of(Severity.ERROR), **details)
        self.report = report

    def to_result(self) -> dict[str, t.Any]:
        return {**super().to_result(), "findings": document(self.report)["findings"]}


def write_files(params: Params, base: Path, report: AuditReport) -> None:
    """The files that were asked for; each is replaced in one step."""
    said = document(report)
    title = str(params["chart"] or params["manifests"] or params["sources"] or params["playbooks"])
    makers: dict[str, t.Callable[[], str]] = {
        "json": lambda: json.dumps(said, indent=2, ensure_ascii=False) + "\n",
        "sarif": lambda: json.dumps(sarif.sarif(report, PAGES), indent=2, ensure_ascii=False) + "\n",
        "html": lambda: html.page(html.Audited(title, said)),
    }
    for kind, make in makers.items():
        if params[kind]:
            _write(base / params[kind], make())


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, text)
    except OSError as exc:
        raise fail("PLB-INPUT", str(path), f"the result cannot be written: {exc.strerror}") from exc
