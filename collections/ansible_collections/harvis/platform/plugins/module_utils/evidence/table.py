"""Rows of evidence as lines of text for a terminal."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Evidence
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding

WIDEST_SUBJECT = 44


def lines(rows: t.Sequence[Evidence]) -> list[str]:
    """One line a row, columns aligned, and a closing line that counts."""
    if not rows:
        return ["nothing was checked"]
    checks = max(len(row.check) for row in rows)
    subjects = min(WIDEST_SUBJECT, max(len(row.subject) for row in rows))
    table = [_line(row, checks, subjects) for row in rows]
    failed = sum(not row.passed for row in rows)
    return [*table, f"{len(rows) - failed} passed, {failed} failed"]


def problems(rows: t.Sequence[Evidence], findings: t.Sequence[Finding]) -> list[str]:
    """What went wrong, for a person: findings, and failed rows that none of them explains."""
    unexplained = [row for row in rows if not row.passed and not any(f.cause in row.evidence for f in findings)]
    return [str(f) for f in findings] + [f"{row.check} {row.subject}: {row.evidence}" for row in unexplained]


def _line(row: Evidence, checks: int, subjects: int) -> str:
    mark, subject = "ok  " if row.passed else "FAIL", _end(row.subject, subjects)
    return f"{mark} {row.check:{checks}}  {subject:{subjects}}  {row.seconds:6.1f}s  {row.evidence}".rstrip()


def _end(text: str, width: int) -> str:
    """Addresses and object names differ at their end."""
    return text if len(text) <= width else "…" + text[1 - width :]
