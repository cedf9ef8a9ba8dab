"""Objects of what is deployed beside: other charts and manifests, which the audited ones may refer to."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.audit.detect import Outcome
from ansible_collections.harvis.platform.plugins.module_utils.audit.helm import find_helm
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditRequest, Beside
from ansible_collections.harvis.platform.plugins.module_utils.audit.templates import index_of, templates_of
from ansible_collections.harvis.platform.plugins.module_utils.chart.files import load_chart
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Renderer, RenderOptions
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, fail
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, Objects
from ansible_collections.harvis.platform.plugins.module_utils.manifest.read import Reading, read_manifests
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner


@dataclass(frozen=True)
class Neighbours:
    """All objects beside; ``renders`` counts the runs of Helm that they took."""

    objects: tuple[KubernetesObject, ...] = ()
    outcome: Outcome = field(default_factory=Outcome)
    renders: int = 0


def neighbours(request: AuditRequest, runner: Runner) -> Neighbours:
    """Never raises. What cannot be read is not checked; only a path that is not there is a finding."""
    objects: list[KubernetesObject] = []
    outcome, renders = Outcome(), 0
    for beside in request.beside:
        if not beside.path.exists():
            gone = fail("VAL-INPUT", str(beside.path), "does not exist", fix="Name a chart or a folder of manifests.")
            outcome += Outcome(gone.findings)
        elif (beside.path / "Chart.yaml").is_file():
            read, runs = _rendered(request, beside, runner)
            renders += runs
            objects += read.objects
            outcome += Outcome((), tuple(_unread(beside.path, finding.cause) for finding in read.findings))
        else:
            read = read_manifests(beside.path, beside.namespace or request.namespace)
            objects += read.objects
            outcome += Outcome((), read.not_checked)
    return Neighbours(tuple(objects), outcome, renders)


def _rendered(request: AuditRequest, beside: Beside, runner: Runner) -> tuple[Reading, int]:
    """The chart's objects, and how often Helm ran for them."""
    try:
        chart = load_chart(beside.path, beside.values)
        helm = find_helm(request.helm, request.base, request.cache)
    except HarvisError as exc:
        return Reading(Objects(()), exc.findings), 0
    options = RenderOptions(helm, beside.release_name, beside.namespace or request.namespace, request.kubernetes)
    renderer = Renderer(chart, runner, options)
    return renderer.objects(index_of(chart, templates_of(chart)).lines_of), renderer.count


def _unread(path: Path, cause: str) -> str:
    return f"what {path} deploys beside: {cause}"
