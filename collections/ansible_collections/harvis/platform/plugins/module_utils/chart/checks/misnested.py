"""VAL-NESTED in the chart's own values: a template reads a path that is there one level further up or down."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.depth import meant_elsewhere
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.wiring import Wiring, said
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place


def misnested(wiring: Wiring) -> dict[ValuePath, Finding]:
    """By the path that lies at the wrong depth."""
    found: dict[ValuePath, Finding] = {}
    for ref in undefined_reads(wiring):
        for path in meant_elsewhere(ref.path, None if not ref.whole else {}, wiring.values):
            if _unused(path, wiring):
                found.setdefault(path, _finding(path, ref, wiring))
    return found


def undefined_reads(wiring: Wiring) -> list[Reference]:
    """Reads, reached with the audited values, of paths that the values do not have."""
    return [
        ref
        for ref in wiring.subject.references
        if ref.exact and not ref.each and ref.reached is not False and not wiring.values.has(ref.path)
    ]


def _unused(path: ValuePath, wiring: Wiring) -> bool:
    if wiring.subject.effects is not None:
        return wiring.all_dead(path)
    reads = (ref for ref in wiring.subject.references if ref.use != "look")
    return not any(ref.path[: len(path)] == path or (ref.whole and path[: len(ref.path)] == ref.path) for ref in reads)


def _finding(path: ValuePath, ref: Reference, wiring: Wiring) -> Finding:
    deep = len(path) > len(ref.path)
    return Finding.at(
        "VAL-NESTED",
        wiring.place(path),
        f"{dotted(path)} lies one level too {'deep' if deep else 'high'}: templates read {ref.name}",
        evidence=f"{said(Place(ref.file, ref.line))} reads {ref.expression}",
        fix=f"Move it to {ref.name}.",
    )
