"""Proving something: what was seen, what went wrong, how long it took."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import (
    Evidence,
    Proof,
    finding_from_dict,
    prove,
    stop_on_failure,
    to_result,
)
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError, fail

GOOD = Evidence("ready", "/ready", True, "ready", 0.126)
FINDING = Finding("PRB-FAILED", "/ready", "no broker", "503", "start it")
BAD = Proof(Evidence("chat", "/api/chat", False, "no broker (503)", 1.0), (FINDING,))


def test_what_is_proved_is_timed_and_kept() -> None:
    ticks = iter([10.0, 12.5])

    assert prove("ready", "/ready", lambda: "seen", lambda: next(ticks)) == Proof(
        Evidence("ready", "/ready", True, "seen", 2.5)
    )


def test_a_finding_is_a_failed_row_with_cause_and_evidence() -> None:
    def act() -> str:
        raise fail("PRB-FAILED", "/ready", "no broker", evidence="503", fix="start it")

    assert prove("chat", "/api/chat", act, lambda: 0.0) == Proof(
        Evidence("chat", "/api/chat", False, "no broker (503)", 0.0), (FINDING,)
    )


def test_a_programming_error_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        prove("x", "y", lambda: str(1 / 0))


def test_the_result_says_a_repeated_finding_once() -> None:
    assert to_result([Proof(GOOD), BAD, BAD]) == {
        "changed": False,
        "passed": False,
        "rows": [{**GOOD.to_dict(), "seconds": 0.13}, BAD.row.to_dict(), BAD.row.to_dict()],
        "findings": [FINDING.to_dict()],
    }


def test_only_a_failure_stops() -> None:
    stop_on_failure([Proof(GOOD)])
    with pytest.raises(HarvisError, match="PRB-FAILED /ready: no broker") as stopped:
        stop_on_failure([Proof(GOOD), BAD])
    assert stopped.value.to_result()["rows"] == [GOOD.to_dict(), BAD.row.to_dict()]


def test_rows_and_findings_survive_the_way_through_ansible() -> None:
    assert Evidence.from_dict(BAD.row.to_dict()) == BAD.row
    assert finding_from_dict(FINDING.to_dict()) == FINDING


ROW = BAD.row.to_dict()


@pytest.mark.parametrize(
    "row", [{**ROW, "seconds": "long"}, {**ROW, "seconds": None}, {k: v for k, v in ROW.items() if k != "check"}]
)
def test_a_row_that_is_not_whole_is_refused(row: dict[str, t.Any]) -> None:
    with pytest.raises(HarvisError, match="PLB-INPUT rows"):
        Evidence.from_dict(row)


@pytest.mark.parametrize("passed", ["yes", 1, "true", None])
def test_only_true_has_passed(passed: t.Any) -> None:
    assert Evidence.from_dict({**ROW, "passed": passed}).passed is False


@pytest.mark.parametrize("found", [{"code": "XXX-NONE", "subject": "", "cause": ""}, {"code": "PRB-FAILED"}])
def test_a_finding_that_is_not_whole_is_refused(found: dict[str, str]) -> None:
    with pytest.raises(HarvisError, match="PLB-INPUT findings"):
        finding_from_dict(found)
