"""The module's arguments to an audit, and the audit to files and a result."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.audit import html, sarif, table
from ansible_collections.harvis.platform.plugins.module_utils.audit.document import document
from ansible_collections.harvis.platform.plugins.module_utils.audit.helm import find_helm
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditReport, AuditRequest, Beside
from ansible_collections.harvis.platform.plugins.module_utils.audit.reuse import reused
from ansible_collections.harvis.platform.plugins.module_utils.audit.run import audit
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import NodeCapacity
from ansible_collections.harvis.platform.plugins.module_utils.chart.schema import merge
from ansible_collections.harvis.platform.plugins.module_utils.evidence.files import replace
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, Severity, fail

GIB = 1 << 30
PAGES = "https://github.com/harvis/platform/blob/main/docs/findings"
# Its name in a temporary folder; findings call it otherwise.
EXTRA_VALUES = "extra-values.json"

Params = t.Mapping[str, t.Any]


def run_task(params: Params, temporary: str) -> dict[str, t.Any]:
    """Raises HarvisError when there are errors, with all files written."""
    base = Path(params["base_dir"] or ".").absolute()
    request = audit_request(params, base, Path(temporary))
    if not params["require_helm"] and request.chart and not has_helm(request):
        return {"changed": False, "skipped": True, "msg": "There is no helm yet, so the chart was not audited."}
    return reused(params, request, lambda: _audited(params, base, request))


def _audited(params: Params, base: Path, request: AuditRequest) -> dict[str, t.Any]:
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


def audit_request(params: Params, base: Path, temporary: Path) -> AuditRequest:
    def path(name: str) -> Path | None:
        return base / params[name] if params[name] else None

    values = [base / name for name in params["values"]]
    extra = merge(params["extra_values"], params["secret_values"])
    names: dict[str, str] = {}
    if extra:
        file = _written(temporary / EXTRA_VALUES, extra)
        values.append(file)
        names[str(file)] = params["extra_values_name"]
    return AuditRequest(
        beside=tuple(_beside(number, given, base, temporary) for number, given in enumerate(params["beside"])),
        **{name: path(name) for name in ("chart", "sources", "manifests", "playbooks", "acceptances")},
        **{name: params[name] for name in ("namespace", "release", "kubernetes", "components", "strict")},
        values=tuple(values),
        nodes=tuple(_node(node) for node in params["nodes"]),
        helm=params["helm"] or "",
        cache=path("cache_dir"),
        base=base,
        names=names,
    )


def _beside(number: int, given: Params, base: Path, temporary: Path) -> Beside:
    values = [base / name for name in given["values"]]
    if given["extra_values"]:
        values.append(_written(temporary / f"beside-{number}.json", given["extra_values"]))
    return Beside(base / given["path"], tuple(values), given["namespace"] or "", given["release"] or "")


def _written(file: Path, values: Params) -> Path:
    """Values as a file that nobody else can read."""
    file.touch(mode=0o600)
    file.write_text(json.dumps(values, indent=1))
    return file


def has_helm(request: AuditRequest) -> bool:
    try:
        find_helm(request.helm, request.base, request.cache)
    except HarvisError:
        return False
    return True


def _node(node: Params) -> NodeCapacity:
    return NodeCapacity(node["cpu"], int(node["memory_gib"] * GIB), node["gpus"], int(node["gpu_memory_gib"] * GIB))


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
