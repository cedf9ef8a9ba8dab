"""VAL-FLOAT: Helm reads numbers as floats and prints large ones as 1e+06."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.wiring import Wiring, said
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, pointer

_EXPONENT = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?e\+\d+(?![\w.])")
_SMALLEST = 1_000_000
DEEPEST = 60


def large_numbers(subject: AuditSubject) -> t.Iterator[Finding]:
    wiring = Wiring(subject)
    numbers: dict[float, list[ValuePath]] = {}
    for path, leaf in subject.leaves.items():
        if isinstance(leaf.value, int) and not isinstance(leaf.value, bool) and abs(leaf.value) >= _SMALLEST:
            numbers.setdefault(float(leaf.value), []).append(path)
    if not numbers:
        return
    for item in subject.objects:
        for field, text in _exponents(item.body):
            paths = numbers.get(float(text), [])
            if path := _source(item, field, paths, wiring):
                yield _finding(item, field, text, path, wiring)


def _exponents(value: t.Any, field: str = "", depth: int = 0) -> t.Iterator[tuple[str, str]]:
    """Fields with a number in exponent notation, in text or as a number that YAML reads as a float."""
    if isinstance(value, dict | list) and depth < DEEPEST:
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _exponents(inner, field + pointer(key), depth + 1)
    elif isinstance(value, str):
        yield from ((field, match.group()) for match in _EXPONENT.finditer(value))
    elif isinstance(value, float) and value.is_integer() and abs(value) >= _SMALLEST:
        yield field, f"{value:g}" if float(f"{value:g}") == value else repr(value)


def _source(item: KubernetesObject, field: str, paths: list[ValuePath], wiring: Wiring) -> ValuePath:
    """The leaf that the number is; without an effect map the only one with that value."""
    for path in paths:
        reached = wiring.effects.effects.get(path, frozenset())
        if any(effect.object == item.address and effect.field == field for effect in reached):
            return path
    return paths[0] if len(paths) == 1 and wiring.subject.effects is None else ()


def _finding(item: KubernetesObject, field: str, text: str, path: ValuePath, wiring: Wiring) -> Finding:
    reads = [ref for ref in wiring.reads_of(path) if ref.use == "print"]
    line = (reads[0].file, reads[0].line) if reads else item.lines.find(field)
    return Finding.at(
        "VAL-FLOAT",
        Place(*line, dotted(path), item.address, field),
        f"{dotted(path)} is {wiring.leaf(path).value} and is rendered as {text}",
        evidence=f"set at {said(wiring.place(path))}; {item.address}:{field} holds {text}",
        fix=f"Convert it: {{{{ .Values.{dotted(path)} | int64 }}}}, or write the value in quotes.",
    )


DETECTORS = (large_numbers,)
