"""Every fault of the corpus is found at the right line, and its healthy twin gives nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.run import audit
from ansible_collections.harvis.platform.plugins.module_utils.findings import CODES, Finding, Severity
from ansible_collections.harvis.platform.tests.unit.corpus import Case, cases

PROJECT = Path(__file__).resolve().parents[6]
CASES = [
    pytest.param(case, id=case.name, marks=[pytest.mark.fault(case.fault, code=case.code)] if case.fault else [])
    for case in cases()
]


@pytest.fixture(scope="session")
def helm() -> str:
    own = PROJECT / ".harvis/bin/helm"
    return os.environ.get("HELM_BIN") or (str(own) if own.exists() else shutil.which("helm") or "")


@pytest.fixture
def program(request: pytest.FixtureRequest, helm: str) -> str:
    case: Case = request.getfixturevalue("case")
    if not helm and (case.kind == "chart" or "chart" in case.options):
        pytest.skip("no helm: set HELM_BIN, or run `make up`, which leaves one in .harvis/bin")
    return helm


@pytest.mark.parametrize("case", CASES)
def test_the_fault_is_found_at_its_line(case: Case, program: str, tmp_path: Path) -> None:
    report = audit(case.request(case.write(case.faulty, tmp_path), program))

    found = [finding for finding in report.findings if finding.code == case.code]
    assert found, f"no {case.code}{_all(report.findings, report.not_checked)}"
    assert [f for f in found if _lies_at(f, case)], f"elsewhere{_all(found)}\nwanted {case.file}:{case.line}"


@pytest.mark.parametrize("case", CASES)
def test_the_healthy_twin_gives_nothing(case: Case, program: str, tmp_path: Path) -> None:
    report = audit(case.request(case.write(case.healthy, tmp_path), program))

    assert [str(f) for f in report.findings if f.severity is not Severity.INFO] == []
    assert [reason for reason in report.not_checked if "went wrong" in reason] == []


@pytest.mark.parametrize("case", CASES)
def test_a_case_is_about_one_fault(case: Case) -> None:
    assert case.code in CODES
    assert case.title
    assert case.faulty != case.healthy


def _lies_at(finding: Finding, case: Case) -> bool:
    place = finding.place
    if place is None:
        return not case.at
    wanted = {key: case.at[key] for key in ("leaf", "object", "field") if key in case.at}
    same = all(getattr(place, key) == value for key, value in wanted.items())
    return same and (not case.file or place.file == case.file) and case.line in (0, place.line)


def _all(findings: tuple[Finding, ...] | list[Finding], not_checked: tuple[str, ...] = ()) -> str:
    lines = [f"{f.place.file}:{f.place.line} {f}" if f.place else str(f) for f in findings]
    return "\n" + "\n".join([*(lines or ["nothing was found"]), *(f"not checked: {text}" for text in not_checked)])
