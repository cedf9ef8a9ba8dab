"""VAL-TYPE: text where templates expect a switch or a number, and numbers that were meant as text."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.wiring import Wiring, said
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf, ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place

_FALSE = frozenset(["false", "no", "off", "n", "f", "0"])
_SCALAR = re.compile(r":\s*(?P<text>[-+\w.]+)\s*(?:#.*)?$")


def types_of_values(subject: AuditSubject) -> t.Iterator[Finding]:
    wiring = Wiring(subject)
    for path, leaf in subject.leaves.items():
        if finding := wrong_type(path, leaf, wiring):
            yield finding


def wrong_type(path: ValuePath, leaf: Leaf, wiring: Wiring) -> Finding | None:
    """What is wrong with the type of one leaf."""
    if isinstance(leaf.value, str):
        return _text_as_switch(path, leaf, wiring) or _text_as_number(path, leaf, wiring)
    return _number_as_text(path, leaf, wiring) if isinstance(leaf.value, float) else None


def _text_as_switch(path: ValuePath, leaf: Leaf, wiring: Wiring) -> Finding | None:
    """A text that is not empty is true, whatever it says."""
    tests = [ref for ref in _exact_reads(path, wiring) if ref.use == "test"]
    default = wiring.defaults.at(path)
    wrong = leaf.value.strip().lower() in _FALSE or (leaf.override and isinstance(default, bool) and leaf.value)
    # Text by design, such as a mode that may be "off", is compared with something.
    compared = {(ref.file, ref.line) for ref in tests} >= _looks(path, wiring)
    if not tests or not wrong or not compared:
        return None
    place = Place(leaf.file, leaf.line, dotted(path))
    return Finding.at(
        "VAL-TYPE",
        place,
        f'{dotted(path)} is the text "{leaf.value}", and templates test it as true or false: any text is true',
        evidence=_read(tests[0]) + (f"; the default is {str(default).lower()}" if isinstance(default, bool) else ""),
        fix="Write true or false without quotes.",
    )


def _text_as_number(path: ValuePath, leaf: Leaf, wiring: Wiring) -> Finding | None:
    reads = [ref for ref in _exact_reads(path, wiring) if ref.use == "compare"]
    default = wiring.defaults.at(path)
    if not reads or not leaf.override or isinstance(default, bool) or not isinstance(default, int | float):
        return None
    return Finding.at(
        "VAL-TYPE",
        Place(leaf.file, leaf.line, dotted(path)),
        f'{dotted(path)} is the text "{leaf.value}", and templates compare it with a number',
        evidence=f"{_read(reads[0])}; the default is {default}",
        fix="Write the number without quotes.",
    )


def _number_as_text(path: ValuePath, leaf: Leaf, wiring: Wiring) -> Finding | None:
    """``tag: 1.10`` is the number 1.1."""
    written = _written(leaf, wiring)
    default = wiring.defaults.at(path)
    if not isinstance(default, str) or not leaf.override:
        return None
    if written == "" or written == f"{leaf.value:g}" or written == str(leaf.value):
        return None
    return Finding.at(
        "VAL-TYPE",
        Place(leaf.file, leaf.line, dotted(path)),
        f"{dotted(path)} is written {written} and read as the number {leaf.value:g}; the chart's default is text",
        evidence=f"the default is declared at {said(wiring.place(path))}",
        fix=f'Write "{written}".',
    )


def _written(leaf: Leaf, wiring: Wiring) -> str:
    chart = wiring.subject.chart
    for file in chart.overrides if chart else ():
        lines = file.text.splitlines()
        if file.file == leaf.file and leaf.line <= len(lines):
            match = _SCALAR.search(lines[leaf.line - 1])
            return match["text"] if match else ""
    return ""


def _exact_reads(path: ValuePath, wiring: Wiring) -> list[Reference]:
    return [ref for ref in wiring.reads_of(path) if ref.path == path]


def _looks(path: ValuePath, wiring: Wiring) -> set[tuple[str, int]]:
    return {(ref.file, ref.line) for ref in _exact_reads(path, wiring) if ref.use == "look"}


def _read(ref: Reference) -> str:
    return f"{said(Place(ref.file, ref.line))} tests {ref.expression}"


DETECTORS = (types_of_values,)
