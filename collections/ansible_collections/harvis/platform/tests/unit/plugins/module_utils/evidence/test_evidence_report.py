"""The files of a verification, the table for the terminal and the page for the browser."""

from __future__ import annotations

import html.parser
import json
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.harvis.platform.plugins.module_utils.evidence.files import replace
from ansible_collections.harvis.platform.plugins.module_utils.evidence.page import code
from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Evidence
from ansible_collections.harvis.platform.plugins.module_utils.evidence.table import lines
from ansible_collections.harvis.platform.plugins.modules import evidence_report

ROWS = [
    {"check": "ready", "subject": "http://h:1/ready", "passed": True, "evidence": "ready: kafka", "seconds": 0.1},
    {
        "check": "chat",
        "subject": "http://h:1/api/chat",
        "passed": False,
        "evidence": "<b>no</b> tokens",
        "seconds": 2.0,
    },
]
FINDINGS = [
    {
        "code": "PRB-CONTENT",
        "severity": "error",
        "subject": "POST /api/chat",
        "cause": "no <b> tokens",
        "evidence": "",
        "fix": "load a model",
    }
]


def run(capsys: pytest.CaptureFixture[str], folder: Path, **params: t.Any) -> tuple[int, dict[str, t.Any]]:
    params = {"output_dir": str(folder), "rows": ROWS, "endpoints": {"backend": "http://h:1"}, **params}
    with patch_module_args(params), pytest.raises(SystemExit) as end:
        evidence_report.main()
    return int(end.value.code or 0), json.loads(capsys.readouterr().out)


def test_the_files_are_written_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rc, result = run(capsys, tmp_path / "new", findings=FINDINGS)

    assert (rc, result["changed"], result["passed"]) == (0, False, False)
    assert json.loads((tmp_path / "new/evidence.json").read_text()) == ROWS
    assert json.loads((tmp_path / "new/endpoints.json").read_text()) == {"backend": "http://h:1"}
    assert sorted(found.name for found in (tmp_path / "new").iterdir()) == [
        "endpoints.json",
        "evidence.json",
        "report.html",
    ]
    assert {oct(found.stat().st_mode & 0o777) for found in (tmp_path / "new").iterdir()} == {"0o644"}


def test_a_second_report_of_another_run_is_no_change_either(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, tmp_path)
    _, result = run(capsys, tmp_path, rows=ROWS[:1])

    assert (result["changed"], result["passed"]) == (False, True)
    assert json.loads((tmp_path / "evidence.json").read_text()) == ROWS[:1]


def test_check_mode_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rc, result = run(capsys, tmp_path, _ansible_check_mode=True)

    assert (rc, result["passed"], "files" in result) == (0, False, False)
    assert list(tmp_path.iterdir()) == []


def test_nothing_checked_has_not_passed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, result = run(capsys, tmp_path, rows=[])

    assert (result["passed"], result["table"]) == (False, ["nothing was checked"])


def test_every_failure_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drift = {"check": "drift", "subject": "harvis-prod", "passed": False, "evidence": "1 object differs", "seconds": 0}
    explained = [{**FINDINGS[0], "cause": "<b>no</b> tokens"}]

    _, result = run(capsys, tmp_path, rows=[*ROWS, drift], findings=explained)

    assert result["problems"] == [
        "PRB-CONTENT POST /api/chat: <b>no</b> tokens\nFix: load a model",
        "drift harvis-prod: 1 object differs",
    ]


def test_a_folder_that_cannot_be_written_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")

    rc, result = run(capsys, tmp_path / "file")

    assert (rc, [finding["code"] for finding in result["findings"]]) == (1, ["PLB-INPUT"])


def test_a_failed_replacement_keeps_the_old_file_and_leaves_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "evidence.json"
    old.write_text("old")

    def full(*_: object) -> t.NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "chmod", full)
    with pytest.raises(OSError, match="No space left"):
        replace(old, "new")
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("evidence.json", "old")]


def test_the_table_is_aligned_and_counts() -> None:
    rows = [
        Evidence("ready", "http://h:1/ready", True, "ready", 0.1),
        Evidence("image-digest", "vhm/a-workload-with-a-very-long-name/and-a-container", False, "stale", 12.0),
    ]

    assert lines(rows) == [
        "ok   ready         http://h:1/ready                                 0.1s  ready",
        "FAIL image-digest  …kload-with-a-very-long-name/and-a-container    12.0s  stale",
        "1 passed, 1 failed",
    ]


class Page(html.parser.HTMLParser):
    """What a browser would see: tags, addresses, and the text of table cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.cells: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data
        if "td" in self.open:
            self.cells[-1] += data


def page(tmp_path: Path, capsys: pytest.CaptureFixture[str], **params: t.Any) -> Page:
    run(capsys, tmp_path, **params)
    return Page((tmp_path / "report.html").read_text())


def test_the_page_holds_all_evidence_and_needs_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = page(tmp_path, capsys, findings=FINDINGS, deployed={"chat model": "llama3 <8b>"})

    assert seen.open == []
    assert [cell.strip() for cell in seen.cells] == [
        *("passed", "ready", "http://h:1/ready", "ready: kafka", "0.1"),
        *("failed", "chat", "http://h:1/api/chat", "<b>no</b> tokens", "2.0"),
    ]
    assert "1 of 2 checks failed" in seen.text
    assert "no <b> tokens" in seen.text
    assert "What to do: load a model" in seen.text
    assert "llama3 <8b>" in seen.text
    assert seen.links == ["http://h:1"]
    assert not {"script", "link", "img", "iframe", "b"} & set(seen.tags)


def test_the_page_of_a_good_run_shows_no_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = page(tmp_path, capsys, rows=ROWS[:1])

    assert "all 1 checks passed" in seen.text
    assert "What to do" not in seen.text


def test_an_address_that_is_none_is_no_link(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = page(tmp_path, capsys, endpoints={"backend": "javascript:alert(1)"})

    assert seen.links == []
    assert "javascript:alert(1)" in seen.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see `kubectl logs` <now>", "see <code>kubectl logs</code> &lt;now&gt;"),
        ("`<a>`", "<code>&lt;a&gt;</code>"),
        ("one ` alone", "one ` alone"),
        ("", ""),
    ],
)
def test_backticks_become_code_and_nothing_else_becomes_markup(text: str, shown: str) -> None:
    assert str(code(text)) == shown


def test_audits_become_a_section_of_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = {"findings": [], "effects": {"web.port": ["d/Service/web:/spec/ports/0/port"]}, "not_checked": []}
    (tmp_path / "web.json").write_text(json.dumps({**said, "leaves": 1, "renders": 2, "seconds": 0.5}))

    run(capsys, tmp_path, audits={"charts/web": str(tmp_path / "web.json"), "gone": str(tmp_path / "gone.json")})

    page = (tmp_path / "report.html").read_text()
    assert page.count("What the values do: ") == 1
    assert "What the values do: charts/web" in page
    assert '"web.port": ["d/Service/web:/spec/ports/0/port"]' in page
    assert page.count("function draw(section, data)") == 1
