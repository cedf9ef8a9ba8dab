"""A look at a small file: whether it is there, what is in it, and a finding where it can't be read."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.harvis.platform.plugins.modules import host_file
from ansible_collections.harvis.platform.tests.unit.fakes import run_main


def test_what_is_there_is_told_with_its_text_where_that_is_asked_for(tmp_path: Path) -> None:
    place = tmp_path / "note.json"
    assert run_main(host_file.main, {"path": str(place), "read": True}) == {
        "changed": False,
        "exists": False,
        "text": "",
        "invocation": {"module_args": {"path": str(place), "read": True}},
    }
    place.write_text("{}")
    assert run_main(host_file.main, {"path": str(place), "read": True})["text"] == "{}"
    assert "text" not in run_main(host_file.main, {"path": str(place)})


def test_what_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xff")
    found = run_main(host_file.main, {"path": str(tmp_path / "binary"), "read": True})
    assert found["findings"][0]["code"] == "PLB-INPUT"
