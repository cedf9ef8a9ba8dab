"""One proved or disproved claim, and the timing of the act that proves it."""

from __future__ import annotations

import time
import typing as t
from dataclasses import asdict, dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError, fail

Clock = t.Callable[[], float]


@dataclass(frozen=True)
class Evidence:
    """A row of ``evidence.json``: what was checked on what, how it went, what was seen, how long it took."""

    check: str
    subject: str
    passed: bool
    evidence: str
    seconds: float

    @classmethod
    def from_dict(cls, row: t.Mapping[str, t.Any]) -> Evidence:
        """Read a row that another module returned; refuses one that is not whole."""
        try:
            return cls(
                str(row["check"]),
                str(row["subject"]),
                row["passed"] is True,
                str(row["evidence"]),
                float(row["seconds"]),
            )
        except (KeyError, TypeError, ValueError) as exc:
            raise fail(
                "PLB-INPUT",
                "rows",
                f"a row of evidence needs check, subject, passed, evidence and seconds: {exc!r}",
                evidence=str(row),
            ) from exc

    def to_dict(self) -> dict[str, t.Any]:
        return {**asdict(self), "seconds": round(self.seconds, 2)}


@dataclass(frozen=True)
class Proof:
    """A row together with the findings that explain why it did not pass."""

    row: Evidence
    findings: tuple[Finding, ...] = ()


def prove(check: str, subject: str, act: t.Callable[[], str], clock: Clock = time.monotonic) -> Proof:
    """Do ``act`` and keep what it says; what it raises is a failed row, never the end of the other checks."""
    start = clock()
    findings: tuple[Finding, ...] = ()
    try:
        seen = act()
    except HarvisError as exc:
        seen, findings = said(exc.findings), exc.findings
    return Proof(Evidence(check, subject, not findings, seen, clock() - start), findings)


def said(findings: t.Iterable[Finding]) -> str:
    """Findings in one line, for a row."""
    return "; ".join(f"{f.cause} ({f.evidence})" if f.evidence else f.cause for f in findings)


def to_result(proofs: t.Sequence[Proof]) -> dict[str, t.Any]:
    """What every module that proves something returns."""
    findings = {str(f): f for p in proofs for f in p.findings}.values()
    return {
        "changed": False,
        "passed": all(p.row.passed for p in proofs),
        "rows": [p.row.to_dict() for p in proofs],
        "findings": [f.to_dict() for f in findings],
    }


def stop_on_failure(proofs: t.Sequence[Proof]) -> None:
    """Raise what went wrong, with all rows, once everything has been looked at."""
    result = to_result(proofs)
    if result["passed"]:
        return
    findings = {str(f): f for p in proofs for f in p.findings}.values()
    raise HarvisError(*findings, rows=result["rows"], passed=False)


def finding_from_dict(found: t.Mapping[str, t.Any]) -> Finding:
    """A finding that another module returned."""
    try:
        parts = (str(found.get(key, "")) for key in ("evidence", "fix"))
        return Finding(str(found["code"]), str(found["subject"]), str(found["cause"]), *parts)
    except (KeyError, ValueError) as exc:
        raise fail(
            "PLB-INPUT", "findings", f"a finding needs a known code, subject and cause: {exc}", evidence=str(found)
        ) from exc
