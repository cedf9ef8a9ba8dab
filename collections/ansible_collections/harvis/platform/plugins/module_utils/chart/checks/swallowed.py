"""VAL-FALSE: ``default`` takes false and 0 for missing."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.wiring import Wiring, said
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place


def swallowed(wiring: Wiring) -> dict[ValuePath, Finding]:
    """By the path whose false or 0 cannot get through."""
    found: dict[ValuePath, Finding] = {}
    for ref in wiring.subject.references:
        value = wiring.values.at(ref.path)
        if (ref.use == "default true" and isinstance(value, bool)) or (
            ref.use == "default number" and isinstance(value, int | float) and value == 0
        ):
            found.setdefault(ref.path, _finding(ref, wiring))
    return found


def _finding(ref: Reference, wiring: Wiring) -> Finding:
    value = "0" if ref.use == "default number" else "false"
    path = ref.name
    return Finding.at(
        "VAL-FALSE",
        Place(ref.file, ref.line, path),
        f"{path}: {value} has no effect here, because `default` takes {value} for missing",
        evidence=f"{said(Place(ref.file, ref.line))}: {ref.expression}; set at {said(wiring.place(ref.path))}",
        fix=f"Declare the default in values.yaml and read .Values.{dotted(ref.path)} alone, or test with hasKey.",
    )
