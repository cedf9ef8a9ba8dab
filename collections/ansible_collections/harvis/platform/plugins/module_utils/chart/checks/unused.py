"""Values without an effect: why, where it can be told (VAL-CROSSED, VAL-PARTIAL, VAL-NESTED, VAL-TYPO, VAL-FALSE), else
VAL-IGNORED for the operator's and VAL-DEAD for the chart's own; and VAL-DORMANT for those that wait for another."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks import (
    crossed,
    misnested,
    partial,
    swallowed,
    swapped,
    types,
    unknown_keys,
)
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.misnested import undefined_reads
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.undefined import near_dead
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.wiring import Wiring, said
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.words import nearest_path
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place


def unused_values(subject: AuditSubject) -> t.Iterator[Finding | NotChecked]:
    """Each value without an effect gets one explanation, the most telling one."""
    wiring = Wiring(subject)
    found = crossed.crossings(wiring)
    yield from (crossed.finding(one, wiring) for one in found)
    yield from (swapped.finding(one, wiring) for one in swapped.swapped(wiring))
    explained = crossed.explained(found, wiring)
    for explain in (unknown_keys.unknown_keys, misnested.misnested, swallowed.swallowed):
        for path, finding in explain(wiring).items():
            if path not in explained:
                yield finding
                explained.update((path, *wiring.below(path)))
    # Another detector says what is wrong with these.
    explained.update(top for ref in undefined_reads(wiring) for top in wiring.below(near_dead(ref, wiring)))
    explained.update(path for path in wiring.dead if types.wrong_type(path, wiring.leaf(path), wiring))
    left_out = partial.left_out(wiring, [path for path in wiring.dead if path not in explained])
    yield from left_out.values()
    explained.update(left_out)
    yield from partial.second_container(wiring)
    yield from _without_reason(wiring, [path for path in wiring.dead if path not in explained])


def dormant_values(subject: AuditSubject) -> t.Iterator[Finding]:
    wiring = Wiring(subject)
    for path, guard in wiring.effects.dormant.items():
        if path not in subject.leaves or path == guard.path:
            continue
        effect = min(map(str, guard.effects), default="")
        yield Finding.at(
            "VAL-DORMANT",
            wiring.place(path),
            f"{dotted(path)} has an effect only when {dotted(guard.path)} is {json.dumps(guard.value, default=str)}",
            evidence=f"{dotted(guard.path)} is set at {said(wiring.place(guard.path))}; then it reaches {effect}",
        )


def sleeping_values(subject: AuditSubject) -> t.Iterator[Finding]:
    """Read under a condition that no value tried by the effect map has met."""
    wiring = Wiring(subject)
    for path in wiring.effects.dead():
        if path not in subject.leaves or path in wiring.effects.breaking:
            continue
        waits_for, evidence = wiring.asleep(path)
        if waits_for:
            conditions = ", ".join(map(dotted, waits_for))
            cause = f"{dotted(path)} is read only when {conditions} allows it"
            yield Finding.at("VAL-DORMANT", wiring.place(path), cause, evidence=evidence)


def _without_reason(wiring: Wiring, paths: list[ValuePath]) -> t.Iterator[Finding | NotChecked]:
    undecided: list[str] = []
    for path in paths:
        leaf = wiring.leaf(path)
        reads = wiring.reads_of(path)
        if leaf.override:
            yield _ignored(wiring, path)
        elif _is_own(wiring, leaf.file):
            if any(ref.reached is None for ref in reads):
                undecided.append(f"{dotted(path)} ({said(Place(reads[0].file, reads[0].line))})")
            else:
                yield _dead(wiring, path)
    if undecided:
        listed = ", ".join(undecided[:10]) + (f" and {len(undecided) - 10} more" if len(undecided) > 10 else "")
        yield NotChecked(f"whether these values have an effect depends on what a cluster answers: {listed}")


def _is_own(wiring: Wiring, file: str) -> bool:
    """Values of a subchart's own file are its author's affair."""
    chart = wiring.subject.chart
    return chart is None or file == chart.defaults.file


def _ignored(wiring: Wiring, path: ValuePath) -> Finding:
    near = nearest_path(path, [one for one, found in wiring.effects.effects.items() if found])
    evidence = _read_at(wiring, path) or "no template reads it"
    fix = f"Did you mean {dotted(near)}?" if near else "Remove it, or make a template of the chart read it."
    return Finding.at(
        "VAL-IGNORED", wiring.place(path), f"{dotted(path)} changes nothing in any object", evidence=evidence, fix=fix
    )


def _dead(wiring: Wiring, path: ValuePath) -> Finding:
    evidence = _read_at(wiring, path) or "no template reads it"
    return Finding.at(
        "VAL-DEAD",
        wiring.place(path),
        f"{dotted(path)} changes nothing in any object",
        evidence=evidence,
        fix="Remove it, or make a template read it.",
    )


def _read_at(wiring: Wiring, path: ValuePath) -> str:
    reads = wiring.reads_of(path)
    return f"read at {said(Place(reads[0].file, reads[0].line))} without reaching an object" if reads else ""


DETECTORS = (unused_values, dormant_values, sleeping_values)
