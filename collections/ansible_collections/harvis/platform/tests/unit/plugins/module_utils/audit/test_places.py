"""Files as the caller would write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.places import Roots, in_order, named
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    (tmp_path / "work/charts/web/templates").mkdir(parents=True)
    (tmp_path / "work/charts/web/templates/a.yaml").touch()
    (tmp_path / "work/values.yaml").touch()
    work = tmp_path / "work"
    return Roots(work, (work / "charts/web",), {str(tmp_path / "made.json"): "release_app_values"})


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("templates/a.yaml", "charts/web/templates/a.yaml"),
        ("web/templates/a.yaml", "charts/web/templates/a.yaml"),
        ("{tmp}/work/charts/web/templates/a.yaml", "charts/web/templates/a.yaml"),
        ("values.yaml", "values.yaml"),
        ("{tmp}/other/values.yaml", "{tmp}/other/values.yaml"),
        ("{tmp}/made.json", "release_app_values"),
        ("templates/gone.yaml", "templates/gone.yaml"),
        ("", ""),
    ],
)
def test_a_file_is_named_from_the_callers_directory(roots: Roots, tmp_path: Path, given: str, wanted: str) -> None:
    assert roots.name(given.format(tmp=tmp_path)) == wanted.format(tmp=tmp_path)


def test_the_subject_follows_the_place(roots: Roots) -> None:
    finding = Finding.at("VAL-DEAD", Place("web/templates/a.yaml", 3, "web.x"), "dead")

    assert named(finding, roots).subject == "charts/web/templates/a.yaml:3 web.x"


def test_paths_in_prose_are_written_from_the_base_too(roots: Roots, tmp_path: Path) -> None:
    finding = Finding("VAL-DEAD", "x", f"see {tmp_path}/work/values.yaml:3", f"{tmp_path}/made.json", "{tmp_path}/x")

    told = named(finding, roots)

    assert (told.cause, told.evidence, told.fix) == ("see values.yaml:3", "release_app_values", "{tmp_path}/x")


def test_findings_are_told_by_file_line_and_code_and_once() -> None:
    given = [("b", 1, "VAL-DEAD"), ("a", 10, "VAL-DEAD"), ("a", 9, "VAL-TYPO"), ("a", 9, "VAL-DEAD")]
    given += given[:1]

    told = in_order(Finding.at(code, Place(file, line), "x") for file, line, code in given)

    assert [(f.place.file, f.place.line, f.code) for f in told if f.place] == [
        ("a", 9, "VAL-DEAD"),
        ("a", 9, "VAL-TYPO"),
        ("a", 10, "VAL-DEAD"),
        ("b", 1, "VAL-DEAD"),
    ]
