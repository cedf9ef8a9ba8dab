"""What the detectors look at, read once: the chart with its renderings and effects, and manifests as they lie."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.audit.beside import neighbours
from ansible_collections.harvis.platform.plugins.module_utils.audit.detect import Outcome, guarded
from ansible_collections.harvis.platform.plugins.module_utils.audit.helm import find_helm
from ansible_collections.harvis.platform.plugins.module_utils.audit.kept import kept
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditRequest
from ansible_collections.harvis.platform.plugins.module_utils.audit.schema import schema_findings
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject
from ansible_collections.harvis.platform.plugins.module_utils.audit.templates import index_of, templates_of
from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import EffectMap
from ansible_collections.harvis.platform.plugins.module_utils.chart.files import Chart, load_chart
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf, ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Changes, Renderer, RenderOptions
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.effects import effect_map
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError, fail
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects
from ansible_collections.harvis.platform.plugins.module_utils.manifest.read import Reading, read_manifests
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner

# Rendering a chart of thousands of values takes half a minute.
EFFECTS_SECONDS = 300.0


@dataclass(frozen=True)
class Gathered:
    """The subject, and what was wrong with reading it. ``renders`` counts the runs of Helm so far."""

    subject: AuditSubject
    outcome: Outcome = field(default_factory=Outcome)
    renders: t.Callable[[], int] = field(default=lambda: 0)


def gather(request: AuditRequest, runner: Runner) -> Gathered:
    """Never raises: what cannot be read is in the outcome."""
    empty = AuditSubject(
        Objects(()), kubernetes=request.kubernetes, nodes=request.nodes, folder=request.folder, sources=request.sources
    )
    others = neighbours(request, runner)
    lying, outcome = _manifests(request)
    lying, outcome = dataclasses.replace(lying, beside=others.objects), outcome + others.outcome
    if request.chart is None:
        return Gathered(dataclasses.replace(empty, objects=lying), outcome, lambda: others.renders)
    try:
        chart = load_chart(request.chart, request.values)
        helm = find_helm(request.helm, request.base, request.cache)
        options = RenderOptions(helm, request.release, request.namespace, request.kubernetes)
    except HarvisError as exc:
        refused = Outcome(exc.findings, ("the chart: nothing of it could be looked at",))
        return Gathered(dataclasses.replace(empty, objects=lying), outcome + refused)
    folder = request.cache and request.cache / "effects"
    rendered = _chart(chart, Renderer(chart, runner, options), empty, lying, folder)

    def renders() -> int:
        return others.renders + rendered.renders()

    return dataclasses.replace(rendered, outcome=outcome + rendered.outcome, renders=renders)


def _manifests(request: AuditRequest) -> tuple[Objects, Outcome]:
    folder = request.manifests
    if folder is None:
        return Objects(()), Outcome()
    if not folder.exists():
        gone = fail("VAL-INPUT", str(folder), "does not exist", fix="Name a folder or file of manifests.")
        return Objects(()), Outcome(gone.findings)
    reading = read_manifests(folder, request.namespace)
    return reading.objects, Outcome(reading.findings, reading.not_checked)


def _chart(chart: Chart, renderer: Renderer, empty: AuditSubject, lying: Objects, folder: Path | None) -> Gathered:
    templates = templates_of(chart)
    lines_of = index_of(chart, templates).lines_of
    reading = renderer.objects(lines_of)
    outcome = Outcome(reading.findings, templates.not_checked)
    outcome += guarded("the values' schema", lambda: schema_findings(renderer))
    leaves = chart.leaves()
    effects, settled = _effects(renderer, leaves, reading, folder)
    subject = dataclasses.replace(
        empty,
        objects=_together(reading.objects, lying),
        chart=chart,
        values=renderer.values,
        leaves=leaves,
        effects=effects,
        references=templates.references,
        rerender=_rerenderer(renderer, lines_of, lying),
    )
    return Gathered(subject, outcome + settled, lambda: renderer.count)


def _effects(
    renderer: Renderer,
    leaves: t.Mapping[ValuePath, Leaf],
    reading: Reading,
    folder: Path | None,
) -> tuple[EffectMap | None, Outcome]:
    """No map where the chart cannot be rendered: every value would seem dead."""
    if reading.findings:
        return None, Outcome((), ("the effects of values: the chart cannot be rendered",))
    made: list[EffectMap] = []

    def settle() -> t.Iterator[Finding]:
        made.append(kept(folder, renderer, lambda: effect_map(renderer, leaves)))
        yield from ()

    outcome = guarded("the effects of values", settle, EFFECTS_SECONDS)
    return (made[0], outcome + Outcome((), made[0].not_checked)) if made else (None, outcome)


def _rerenderer(renderer: Renderer, lines_of: t.Any, lying: Objects) -> t.Callable[[Changes], Objects]:
    """Values under which rendering fails give no object of the chart."""

    def rerender(changes: Changes) -> Objects:
        return _together(renderer.objects(lines_of, changes).objects, lying)

    return rerender


def _together(rendered: Objects, lying: Objects) -> Objects:
    return dataclasses.replace(lying, items=rendered.items + lying.items)


def roots_of(request: AuditRequest) -> tuple[Path, ...]:
    """Folders that relative names in findings may begin at."""
    given = (request.chart, request.manifests, request.sources, request.playbooks, *(b.path for b in request.beside))
    return tuple(path if path.is_dir() else path.parent for path in given if path is not None)
