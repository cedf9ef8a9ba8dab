"""The audit as text for a terminal, 120 characters wide and without colours: it reads the same in a CI log."""

from __future__ import annotations

import textwrap

from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditReport
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place, Severity

WIDTH = 120
LABEL = 10
WORDS = {Severity.ERROR: "ERROR", Severity.WARNING: "warning", Severity.INFO: "note"}


def lines(report: AuditReport) -> list[str]:
    """Errors first, each in full; notes in a line each; what was accepted and not checked; a line that counts."""
    told = [line for severity in (Severity.ERROR, Severity.WARNING) for f in report.of(severity) for line in _full(f)]
    notes = report.of(Severity.INFO)
    told += _section("Notes", [f"{_where(f)}  {f.code}  {f.cause}" for f in notes])
    told += _section("Accepted", [f"{_where(a.finding)}  {a.finding.code}  {a.reason}" for a in report.accepted])
    told += _section("Not checked", list(report.not_checked))
    return [*told, *_wrap(_summary(report))]


def _full(finding: Finding) -> list[str]:
    """A line that says what and where, and the rest below it, aligned."""
    head = f"{WORDS[finding.severity]:<{LABEL}}{finding.code:<16}{_where(finding)}"
    place = finding.place or Place()
    rows = [
        ("value", place.leaf),
        ("object", f"{place.object} {place.field}".strip()),
        ("cause", finding.cause),
        ("evidence", finding.evidence),
        ("fix", finding.fix),
    ]
    body = [line for label, text in rows if text for line in _labelled(label, text)]
    return [head, *body, ""]


def _where(finding: Finding) -> str:
    place = finding.place
    if place is None or not (place.file or place.object):
        return finding.subject
    if not place.file:
        return place.object
    return f"{place.file}:{place.line}" if place.line else place.file


def _labelled(label: str, text: str) -> list[str]:
    """Lines of the text stay lines: evidence may be a piece of YAML."""
    rows = [row for line in text.splitlines() for row in _wrap(line, WIDTH - LABEL - 10)]
    return [f"{'':{LABEL}}{label if n == 0 else '':<10}{row}".rstrip() for n, row in enumerate(rows)]


def _section(title: str, entries: list[str]) -> list[str]:
    if not entries:
        return []
    body = [line for entry in entries for line in _wrap(entry.replace("\n", " "), WIDTH - 2, "  ")]
    return [f"{title} ({len(entries)})", *(f"  {line}" for line in body), ""]


def _wrap(text: str, width: int = WIDTH, indent: str = "") -> list[str]:
    """A path is never broken in its middle: it would not be one any more."""
    keep = {"break_long_words": False, "break_on_hyphens": False}
    return textwrap.wrap(text, width, subsequent_indent=indent, drop_whitespace=True, **keep) or [""]


def _summary(report: AuditReport) -> str:
    counted = [(Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "note")]
    parts = [_count(len(report.of(severity)), word) for severity, word in counted]
    parts += [f"{len(report.accepted)} accepted", f"{len(report.not_checked)} not checked"]
    work = f"{_count(len(report.leaves), 'value')}, {_count(report.renders, 'render')}, {report.seconds:.1f} s"
    return f"{', '.join(parts)} ({work})"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
