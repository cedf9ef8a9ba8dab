"""The registry of codes: well formed, all used, all explained."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import (
    CODES,
    Finding,
    HarvisError,
    Severity,
    fail,
)

COLLECTION = Path(__file__).resolve().parents[4]
PROJECT = COLLECTION.parents[3]
AREAS = [
    "VAL",
    "ENV",
    "RES",
    "NET",
    "PRB",
    "SEC",
    "IMG",
    "GPU",
    "DRV",
    "REL",
    "ROL",
    "KFK",
    "VEC",
    "MDL",
    "GOP",
    "PLB",
    "PLG",
    "RUN",
]
SHAPE = re.compile(rf"(?:{'|'.join(AREAS)})-[A-Z]+")
HEADINGS = ["What it looks like", "Why", "How it is detected", "How to fix it", "When to accept it"]


def codes_in_plugins() -> set[str]:
    registry = COLLECTION / "plugins" / "module_utils" / "findings" / "codes.py"
    sources = [p for p in (COLLECTION / "plugins").rglob("*.py") if p != registry]
    constants = (node for p in sources for node in ast.walk(ast.parse(p.read_text())) if isinstance(node, ast.Constant))
    return {c.value for c in constants if isinstance(c.value, str) and SHAPE.fullmatch(c.value)}


def codes_in_scripts() -> set[str]:
    """What is said before there is a Python of ours to say it."""
    scripts = [p for p in (PROJECT / "tools").iterdir() if p.is_file()]
    return {code for p in scripts for code in SHAPE.findall(p.read_text())}


def pages() -> dict[str, str]:
    return {p.stem: p.read_text() for p in (PROJECT / "docs" / "findings").glob("*.md") if p.stem != "README"}


@pytest.mark.parametrize("code", CODES.values(), ids=lambda c: c.name)
def test_a_code_is_well_formed(code: Severity) -> None:
    assert SHAPE.fullmatch(code.name)
    assert code.title == code.title.strip().rstrip(".")
    assert CODES[code.name] is code


def test_every_code_is_used_and_every_used_code_is_known() -> None:
    assert codes_in_plugins() | codes_in_scripts() == set(CODES)


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert set(pages()) == set(CODES)


@pytest.mark.parametrize("name", CODES)
def test_a_page_says_what_a_reader_needs(name: str) -> None:
    text = pages()[name]

    assert text.splitlines()[0] == f"# {name}: {CODES[name].title}"
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert all(section.strip() for section in re.split(r"^## .+$", text, flags=re.MULTILINE))


def test_a_finding_in_words_and_as_data() -> None:
    finding = Finding("NET-PORT", "port 6443", "is held by nginx", "pid 77", "Stop nginx.")

    assert str(finding) == "NET-PORT port 6443: is held by nginx\nEvidence: pid 77\nFix: Stop nginx."
    assert finding.to_dict() == {
        "code": "NET-PORT",
        "subject": "port 6443",
        "cause": "is held by nginx",
        "evidence": "pid 77",
        "fix": "Stop nginx.",
        "severity": "error",
    }


def test_what_is_not_known_is_not_said() -> None:
    assert str(Finding("NET-PORT", "port 6443", "is held")) == "NET-PORT port 6443: is held"


def test_an_unknown_code_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="unknown finding code 'NET-NONSENSE'"):
        Finding("NET-NONSENSE", "x", "y")


def test_an_error_carries_its_findings_and_details() -> None:
    findings = (Finding("NET-PORT", "a", "b"), Finding("RES-DISK", "c", "d"))

    assert HarvisError(*findings, release="harvis").to_result() == {
        "msg": "NET-PORT a: b\nRES-DISK c: d",
        "findings": [f.to_dict() for f in findings],
        "release": "harvis",
    }


def test_a_single_finding_ready_to_be_raised() -> None:
    error = fail("NET-PORT", "a", "b", evidence="e", fix="f")

    assert error.findings == (Finding("NET-PORT", "a", "b", "e", "f"),)
