"""Accepted findings: what an entry matches, and that it cannot outlive its finding unnoticed."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.acceptance import FILE, judge, read_acceptances
from ansible_collections.harvis.platform.plugins.module_utils.findings import CODES, Finding, HarvisError, Place

LEAF = 'web.limits["nvidia.com/gpu"]'
PLACE = Place("chart/values.yaml", 7, LEAF, "shop/Deployment/web", "/spec/replicas")
FINDING = Finding.at("VAL-DEAD", PLACE, "no template reads it")


def written(folder: Path, text: str) -> Path:
    path = folder / FILE
    path.write_text(text)
    return path


def entry(subject: str, code: str = "VAL-DEAD") -> str:
    return f"- code: {code}\n  subject: '{subject}'\n  reason: kept for the old release\n"


@pytest.mark.parametrize(
    "subject",
    [
        LEAF,
        "web.*",
        "shop/Deployment/web",
        "shop/Deployment/web:/spec/*",
        "chart/values.yaml",
        "chart/values.yaml:7",
        "*/values.yaml",
    ],
)
def test_an_entry_accepts_what_it_names(tmp_path: Path, subject: str) -> None:
    judged = judge([FINDING], read_acceptances(written(tmp_path, entry(subject))), CODES)

    assert judged.findings == ()
    assert [(a.finding, a.reason) for a in judged.accepted] == [(FINDING, "kept for the old release")]


@pytest.mark.parametrize("given", [entry("web"), entry("web.*", "VAL-TYPO"), entry("back.*")])
def test_an_entry_that_matches_nothing_is_a_finding_at_its_own_line(tmp_path: Path, given: str) -> None:
    path = written(tmp_path, "# Decided in spring.\n" + given)

    judged = judge([FINDING], read_acceptances(path), CODES)

    assert judged.findings[0] == FINDING
    assert [(f.code, f.place) for f in judged.findings[1:]] == [("VAL-ACCEPTED", Place(str(path), 2))]


def test_an_entry_about_what_was_not_looked_for_is_left_alone(tmp_path: Path) -> None:
    path = written(tmp_path, entry("API_KEY", "ENV-MISSING"))

    assert judge([], read_acceptances(path), {"VAL-DEAD"}).findings == ()


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_a_file_may_be_empty(tmp_path: Path, text: str) -> None:
    assert read_acceptances(written(tmp_path, text)) == []


def test_there_may_be_no_file(tmp_path: Path) -> None:
    assert read_acceptances(tmp_path / FILE) == []


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        ("code: VAL-DEAD\n", 1, "must be a list"),
        ("- code: VAL-DEAD\n  subject: a\n", 1, "exactly code, subject, reason"),
        ("- {code: VAL-DEAD, subject: a, reason: ''}\n", 1, "needs a subject and a reason"),
        ("\n- {code: VAL-DAED, subject: a, reason: b}\n", 2, "'VAL-DAED' is no code"),
        ("- just a word\n", 1, "exactly code, subject, reason"),
    ],
)
def test_an_entry_that_cannot_be_understood_is_refused(tmp_path: Path, text: str, line: int, cause: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(HarvisError, match=cause) as caught:
        read_acceptances(path)

    assert [(f.code, f.place) for f in caught.value.findings] == [("VAL-INPUT", Place(str(path), line))]


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarvisError, match="cannot be read"):
        read_acceptances(written(tmp_path, "- {code: [\n"))
