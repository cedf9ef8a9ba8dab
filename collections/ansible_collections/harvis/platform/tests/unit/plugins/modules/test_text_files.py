"""Many small files in one call: what differs is written, what is alike and what is foreign stays."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.modules import text_files
from ansible_collections.harvis.platform.tests.unit.fakes import run_main


def have(path: Path, files: dict[str, str], *, check_mode: bool = False) -> dict[str, t.Any]:
    return run_main(text_files.main, {"path": str(path), "files": files}, check_mode=check_mode)


def test_what_differs_is_written_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "foreign").write_text("kept")
    (tmp_path / "same").write_text("same\n")
    done = have(tmp_path, {"same": "same\n", "a/b/new": "new\n"})
    assert done["changed"]
    assert done["written"] == [str(tmp_path / "a" / "b" / "new")]
    assert (tmp_path / "a" / "b" / "new").read_text() == "new\n"
    assert (tmp_path / "a" / "b" / "new").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "foreign").read_text() == "kept"
    assert not have(tmp_path, {"same": "same\n", "a/b/new": "new\n"})["changed"]


def test_check_mode_shows_the_difference_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("before\n")
    done = have(tmp_path, {"one": "after\n"}, check_mode=True)
    assert done["changed"]
    assert [(each["before"], each["after"]) for each in done["diff"]] == [("before\n", "after\n")]
    assert (tmp_path / "one").read_text() == "before\n"


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "."])
def test_what_would_land_elsewhere_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    found = have(tmp_path / "in", {"good": "x", name: "y"})
    assert found["findings"][0]["code"] == "PLB-INPUT"
    assert not (tmp_path / "in").exists()


def test_what_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert have(tmp_path, {"binary": "text"})["findings"][0]["code"] == "PLB-INPUT"
