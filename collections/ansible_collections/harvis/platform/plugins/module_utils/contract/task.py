"""The check as a task asks for it: options in, objects read or rendered, one answer out."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.contract.check import check_contract
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError, Severity, fail
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects
from ansible_collections.harvis.platform.plugins.module_utils.manifest.read import Reading, read_manifests
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner


@dataclass(frozen=True)
class ContractRequest:
    """Sources, and the objects that run them: ``manifests`` as they lie, a ``chart`` with override files, or both."""

    sources: Path
    manifests: Path | None = None
    chart: Path | None = None
    values: tuple[Path, ...] = ()
    namespace: str = "default"
    release: str = "release-name"
    components: t.Mapping[str, t.Any] = field(default_factory=dict)
    strict: bool = False
    helm: str = ""

    @classmethod
    def from_params(cls, params: dict[str, t.Any]) -> ContractRequest:
        return cls(
            sources=Path(params["sources"]),
            manifests=Path(params["manifests"]) if params["manifests"] else None,
            chart=Path(params["chart"]) if params["chart"] else None,
            values=tuple(map(Path, params["values"])),
            namespace=params["namespace"],
            release=params["release"],
            components=params["components"],
            strict=params["strict"],
            helm=params["helm"] or "",
        )


def run_contract(request: ContractRequest, runner: Runner, *, report_only: bool) -> dict[str, t.Any]:
    """The module's result. Raises HarvisError with the findings when one is an error, unless ``report_only``."""
    readings = [*_lying(request), *_rendered(request, runner)]
    objects = Objects(tuple(item for reading in readings for item in reading.objects))
    found, not_checked = check_contract(objects, request.sources, components=request.components, strict=request.strict)
    findings = sorted([*(f for reading in readings for f in reading.findings), *found], key=_order)
    not_checked = [*(text for reading in readings for text in reading.not_checked), *not_checked]
    if not report_only and any(finding.severity is Severity.ERROR for finding in findings):
        raise HarvisError(*findings, not_checked=not_checked)
    return {"changed": False, "findings": [f.to_dict() for f in findings], "not_checked": not_checked}


def _lying(request: ContractRequest) -> list[Reading]:
    if request.manifests is None:
        return []
    if not request.manifests.exists():
        raise fail("VAL-INPUT", str(request.manifests), "does not exist", fix="Name a folder or file of manifests.")
    return [read_manifests(request.manifests, request.namespace)]


def _rendered(request: ContractRequest, runner: Runner) -> list[Reading]:
    if request.chart is None:
        return []
    from ansible_collections.harvis.platform.plugins.module_utils.audit.helm import find_helm
    from ansible_collections.harvis.platform.plugins.module_utils.chart.files import load_chart
    from ansible_collections.harvis.platform.plugins.module_utils.chart.locate import TemplateIndex
    from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Renderer, RenderOptions
    from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.references import (
        TemplateFile,
        read_templates,
    )

    chart = load_chart(request.chart, request.values)
    # Subcharts first: what the root chart defines wins.
    charts = reversed(list(chart.tree()))
    files = [TemplateFile(each.file, each.text, one.at) for one in charts for each in one.templates]
    trees = read_templates(files, chart.values()).trees
    sources = {each.file: name for name, each in chart.all_templates().items()}
    index = TemplateIndex({sources[tree.file]: tree for tree in trees})
    helm = find_helm(request.helm, Path.cwd())
    renderer = Renderer(chart, runner, RenderOptions(helm, request.release, request.namespace))
    return [renderer.objects(index.lines_of)]


def _order(finding: Finding) -> tuple[str, int, str, str]:
    place = finding.place
    return (place.file if place else "", place.line if place else 0, finding.code, finding.cause)
