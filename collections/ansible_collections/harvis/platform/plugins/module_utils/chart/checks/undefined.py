"""VAL-UNDEFINED and VAL-OPTIONAL: templates that read what the values do not have."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.crossed import crossings
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.depth import containers
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.misnested import misnested, undefined_reads
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.wiring import Wiring, is_free_form
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.words import nearest_key, nearest_path
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError, Place

MARK = "harvis-audit-undefined-"
MOST_ALONE = 10


def undefined_values(subject: AuditSubject) -> t.Iterator[Finding]:
    """An error only where a render shows that the path would have been printed."""
    wiring = Wiring(subject)
    crossed = {(one.reference.file, one.reference.line) for one in crossings(wiring)}
    nested = {finding.evidence for finding in misnested(wiring).values()}
    reads = [
        ref
        for ref in undefined_reads(wiring)
        if (ref.file, ref.line) not in crossed and f"{ref.file}:{ref.line} reads {ref.expression}" not in nested
    ]
    suspects = [ref for ref in reads if _prints_nothing(ref, wiring)]
    printed = _printed(wiring, {ref.path for ref in suspects})
    errors = {(ref.path, ref.file, ref.line): ref for ref in suspects if ref.path in printed}
    yield from (_undefined(ref, printed[ref.path], wiring) for ref in errors.values())
    told = {path for path, _, _ in errors}
    optional: dict[ValuePath, Reference] = {}
    for ref in (*reads, *_not_reached(wiring)):
        if ref.path not in told:
            optional.setdefault(ref.path, ref)
    yield from map(_optional, optional.values())


def _prints_nothing(ref: Reference, wiring: Wiring) -> bool:
    if ref.guarded or ref.reached is not True or ref.use != "print" or is_free_form(ref.path, wiring.values):
        return False
    # `toYaml` of nothing prints null, which removes a field: only suspicious when something similar goes unread.
    return not ref.whole or bool(near_dead(ref, wiring))


def near_dead(ref: Reference, wiring: Wiring) -> ValuePath:
    parent = wiring.values.at(ref.path[:-1])
    near = nearest_key(str(ref.path[-1]), parent) if isinstance(parent, dict) else ""
    path = (*ref.path[:-1], near)
    return path if near and wiring.all_dead(path) else ()


def _not_reached(wiring: Wiring) -> list[Reference]:
    return [
        ref
        for ref in wiring.subject.references
        if ref.exact and not ref.each and ref.reached is False and not wiring.values.has(ref.path)
    ]


def _printed(wiring: Wiring, paths: set[ValuePath]) -> dict[ValuePath, str]:
    """The paths whose values do appear in objects when they are set, and where."""
    rerender = wiring.subject.rerender
    if not paths:
        return {}
    if rerender is None or not wiring.subject.objects.items:
        return dict.fromkeys(paths, "")
    marks = {path: f"{MARK}{number}x" for number, path in enumerate(sorted(paths, key=dotted))}
    try:
        return _seen(rerender(marks), marks)
    except HarvisError:
        found: dict[ValuePath, str] = {}
        for path, mark in list(marks.items())[:MOST_ALONE]:
            try:
                found |= _seen(rerender({path: mark}), {path: mark})
            except HarvisError:
                continue  # not settled, so not an error
        return found


def _seen(objects: t.Any, marks: dict[ValuePath, str]) -> dict[ValuePath, str]:
    found: dict[ValuePath, str] = {}
    for item in objects:
        text = json.dumps(item.body, default=str)
        if MARK in text:
            found |= {path: item.address for path, mark in marks.items() if mark in text and path not in found}
    return found


def _undefined(ref: Reference, address: str, wiring: Wiring) -> Finding:
    near = near_dead(ref, wiring) or nearest_path(ref.path, containers(wiring.values.values))
    where = f" in {address}" if address else ""
    return Finding.at(
        "VAL-UNDEFINED",
        Place(ref.file, ref.line, ref.name, address),
        f"the values have no {ref.name}: nothing is printed here",
        evidence=f"{ref.file}:{ref.line} reads {ref.expression}, which would be printed{where}",
        fix=f"Did you mean {dotted(near)}?" if near else f"Give {ref.name} a default in values.yaml.",
    )


def _optional(ref: Reference) -> Finding:
    return Finding.at(
        "VAL-OPTIONAL",
        Place(ref.file, ref.line, ref.name),
        f"{ref.name} can be set, and values.yaml does not say so",
        evidence=f"{ref.file}:{ref.line} reads {ref.expression}",
        fix=f"List {ref.name} in values.yaml, with its default or as a comment.",
    )


DETECTORS = (undefined_values,)
