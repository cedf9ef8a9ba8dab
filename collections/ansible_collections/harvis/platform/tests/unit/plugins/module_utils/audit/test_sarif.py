"""SARIF as the standard's schema wants it, and as code hosts use it."""

from __future__ import annotations

import json
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditReport
from ansible_collections.harvis.platform.plugins.module_utils.audit.sarif import sarif
from ansible_collections.harvis.platform.plugins.module_utils.findings import CODES, Finding, Place

PAGES = "https://example.com/docs/findings"


def run_of(report: AuditReport) -> dict[str, t.Any]:
    return sarif(report, PAGES)["runs"][0]


@pytest.mark.parametrize("pages", [PAGES, ""])
def test_the_schema_of_the_standard_takes_it(report: AuditReport, pages: str) -> None:
    model = pytest.importorskip("pydantic_sarif.model", reason="the schema as classes, pydantic-sarif, is missing")
    schema = model.StaticAnalysisResultsFormatSarifVersion210JsonSchema

    schema.model_validate_json(json.dumps(sarif(report, pages)))


def test_a_result_annotates_its_line(report: AuditReport) -> None:
    result = run_of(report)["results"][0]

    assert (result["ruleId"], result["level"]) == ("VAL-CROSSED", "error")
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "chart/templates/web.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 91},
    }
    assert "Read `web.resources` here." in result["message"]["text"]


def test_every_code_is_a_rule_with_its_page(report: AuditReport) -> None:
    rules = run_of(report)["tool"]["driver"]["rules"]

    assert [(rule["id"], rule["helpUri"]) for rule in rules] == [(code, f"{PAGES}/{code}.md") for code in CODES]
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run_of(report)["results"])


def test_an_accepted_finding_is_suppressed_with_its_reason(report: AuditReport) -> None:
    suppressed = [result for result in run_of(report)["results"] if "suppressions" in result]

    assert [result["ruleId"] for result in suppressed] == ["VAL-DEAD"]
    assert suppressed[0]["suppressions"] == [{"kind": "external", "justification": "kept for the old release"}]


def test_what_was_not_checked_is_said(report: AuditReport) -> None:
    notes = run_of(report)["invocations"][0]["toolExecutionNotifications"]

    assert [note["message"]["text"] for note in notes] == ["Not checked: no schema of v9.9.9"]


@pytest.mark.parametrize(
    ("file", "location"),
    [
        ("a folder/värden.yaml", {"uri": "a%20folder/v%C3%A4rden.yaml", "uriBaseId": "%SRCROOT%"}),
        ("/elsewhere/x.yaml", {"uri": Path("/elsewhere/x.yaml").as_uri()}),
    ],
)
def test_a_file_is_an_address(report: AuditReport, file: str, location: dict[str, str]) -> None:
    finding = Finding.at("VAL-DEAD", Place(file, 1), "x")

    result = run_of(replace(report, findings=(finding,)))["results"][0]

    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == location


def test_a_fingerprint_survives_a_moved_line(report: AuditReport) -> None:
    prints = [
        run_of(replace(report, findings=(Finding.at("VAL-DEAD", Place("v.yaml", line, leaf), "x"),)))["results"][0]
        for line, leaf in [(1, "a"), (2, "a"), (1, "b")]
    ]
    first, moved, other = (result["partialFingerprints"]["subject/v1"] for result in prints)

    assert first == moved != other
