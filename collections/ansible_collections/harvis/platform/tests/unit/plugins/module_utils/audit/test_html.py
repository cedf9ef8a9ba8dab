"""The audit's page: everything escaped, nothing fetched, and the data that its script draws."""

from __future__ import annotations

import html.parser
import json
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.document import document
from ansible_collections.harvis.platform.plugins.module_utils.audit.html import Audited, page, read_audits
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditReport
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError, Place

HOSTILE = '</script><img src=x onerror=alert(1)>"'


class Reader(html.parser.HTMLParser):
    """Tags with their attributes, and the text of the embedded data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.data = ""
        self._in_data = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        self._in_data = tag == "script" and ("type", "application/json") in attrs

    def handle_data(self, data: str) -> None:
        self.data += data if self._in_data else ""

    def handle_endtag(self, tag: str) -> None:
        self._in_data = self._in_data and tag != "script"


def test_the_page_needs_nothing_else(report: AuditReport) -> None:
    read = Reader(page(Audited("charts/web", document(report))))

    assert read.addresses == []
    assert {"img", "iframe", "link", "object"}.isdisjoint(read.tags)


def test_the_script_gets_effects_and_findings(report: AuditReport) -> None:
    said = document(report)

    data = json.loads(Reader(page(Audited("charts/web", said))).data)

    assert data["effects"] == said["effects"]
    assert [f["code"] for f in data["findings"]] == ["VAL-CROSSED", "VAL-DORMANT", "PLB-PROCESS"]


def test_what_comes_from_a_chart_stays_text(report: AuditReport) -> None:
    said = document(report)
    said["effects"][HOSTILE] = []
    place = Place(HOSTILE, 1, HOSTILE, HOSTILE, HOSTILE)
    said["findings"].append({**said["findings"][0], "cause": HOSTILE, "file": HOSTILE, "leaf": HOSTILE})
    said["not_checked"].append(str(Finding.at("VAL-DEAD", place, HOSTILE)))

    read = Reader(page(Audited(HOSTILE, said)))

    assert "img" not in read.tags
    assert HOSTILE in json.loads(read.data)["effects"]


def test_notes_are_on_the_map_and_not_in_the_list(report: AuditReport) -> None:
    text = page(Audited("charts/web", document(report)))

    assert "sleeps until" not in text.partition('<script type="application/json">')[0]
    assert "2 errors, 0 warnings, 1 note; 1 not checked; 3 values, 9 renders, 1.2 s" in text


def test_an_audit_of_manifests_has_no_map(report: AuditReport) -> None:
    assert "svg" not in Reader(page(Audited("k8s", {**document(report), "effects": {}}))).tags


def test_results_are_read_and_missing_ones_passed_over(tmp_path: Path, report: AuditReport) -> None:
    said = json.loads(json.dumps(document(report)))
    (tmp_path / "web.json").write_text(json.dumps(said))

    read = read_audits({"web": str(tmp_path / "web.json"), "data": str(tmp_path / "gone.json")})

    assert read == [Audited("web", said)]


def test_a_result_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "web.json").write_text("{")

    with pytest.raises(HarvisError, match="is no result of an audit"):
        read_audits({"web": str(tmp_path / "web.json")})
