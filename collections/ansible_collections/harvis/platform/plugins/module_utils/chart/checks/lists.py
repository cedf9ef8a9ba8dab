"""VAL-LIST: Helm merges maps and replaces lists: an override of one entry removes the others."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.depth import containers
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.wiring import Wiring, said
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.known import KnownValues
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding

# What Kubernetes merges lists by; entries without one of them can't be told apart.
_NAMES = ("name", "key", "mountPath", "containerPort")


def replaced_lists(subject: AuditSubject) -> t.Iterator[Finding]:
    chart = subject.chart
    if chart is None or not chart.overrides:
        return
    wiring = Wiring(subject)
    given = KnownValues(chart.override_values())
    for path in containers(given.values):
        mine, default = given.at(path), wiring.defaults.at(path)
        if isinstance(mine, list) and mine and isinstance(default, list):
            lost = [name for name in _names(default) if name not in _names(mine)]
            if lost and _names(mine):
                yield _finding(path, lost, wiring)


def _names(entries: list[t.Any]) -> list[str]:
    for key in _NAMES:
        named = [str(entry[key]) for entry in entries if isinstance(entry, dict) and key in entry]
        if len(named) == len(entries):
            return named
    return []


def _finding(path: ValuePath, lost: list[str], wiring: Wiring) -> Finding:
    chart = wiring.subject.chart
    own = chart.defaults if chart else None
    where = f"{own.file}:{own.lines[path]}" if own and path in own.lines else said(wiring.place(path))
    return Finding.at(
        "VAL-LIST",
        wiring.place(path),
        f"{dotted(path)} replaces the chart's list, which loses {', '.join(lost)}",
        evidence=f"the chart's own list is at {where}",
        fix="Repeat the entries that are to stay, or add yours where the chart takes additional ones.",
    )


DETECTORS = (replaced_lists,)
