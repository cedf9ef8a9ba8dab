"""What charts/ holds, beside what Chart.yaml asks for and Chart.lock has settled."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.stale import stale_subcharts
from ansible_collections.harvis.platform.plugins.module_utils.chart.files import load_chart
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects

# Asked for in Chart.yaml, settled in Chart.lock, lying in charts/, and what is said: a cause without the folders.
VERSIONS: list[tuple[str, str, str, str]] = [
    ("1.2.0", "1.2.0", "1.2.0", ""),
    ("^1.2.0", "1.4.1", "1.4.1", ""),
    ("^1.2.0", "", "1.4.1", ""),
    ("^1.2.0", "", "", ""),
    ("^1.2.0", "v1.4.1", "1.4.1", ""),
    ("^1.2.0", "", "2.0.0", "asks for db ^1.2.0, and charts/db is 2.0.0"),
    ("^1.2.0", "1.4.1", "1.3.0", "Chart.lock has db 1.4.1, and charts/db is 1.3.0"),
    ("^2.0.0", "1.4.1", "1.4.1", "asks for db ^2.0.0, and Chart.lock has 1.4.1"),
    ("^2.0.0", "1.4.1", "", "asks for db ^2.0.0, and Chart.lock has 1.4.1"),
]


def chart(root: Path, wanted: str, locked: str, *packed: str) -> AuditSubject:
    """A chart with one dependency. More than one packed version lie in folders of their own."""
    root.mkdir(exist_ok=True)
    (root / "Chart.yaml").write_text(
        "apiVersion: v2\nname: made\nversion: 1.0.0\ndependencies:\n"
        f'  - name: db\n    repository: https://charts.example.com\n    version: "{wanted}"\n'
    )
    if locked:
        (root / "Chart.lock").write_text(f"dependencies:\n  - name: db\n    version: {locked}\n")
    for number, version in enumerate(packed):
        folder = root / "charts" / f"db{number or ''}"
        folder.mkdir(parents=True)
        (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: db\nversion: {version}\n")
    return AuditSubject(Objects(()), load_chart(root))


@pytest.mark.parametrize(("wanted", "locked", "packed", "cause"), VERSIONS)
def test_the_version_that_lies_there(wanted: str, locked: str, packed: str, cause: str, tmp_path: Path) -> None:
    subject = chart(tmp_path, wanted, locked, *([packed] if packed else []))

    found = [one for one in stale_subcharts(subject) if isinstance(one, Finding)]

    assert [one.cause.replace(f"{tmp_path}/", "") for one in found] == ([cause] if cause else [])
    # The line of the version in Chart.yaml.
    assert [(one.place.file, one.place.line) for one in found if one.place] == (
        [(str(tmp_path / "Chart.yaml"), 7)] if cause else []
    )


def test_two_archives_of_one_subchart(tmp_path: Path) -> None:
    (item,) = stale_subcharts(chart(tmp_path, "^1.0.0", "", "1.0.0", "1.1.0"))

    assert isinstance(item, Finding)
    assert item.cause == "charts/ holds db more than once; which one is installed is chance"


def test_a_range_that_is_not_understood_is_not_checked(tmp_path: Path) -> None:
    (item,) = stale_subcharts(chart(tmp_path, "latest", "", "1.0.0"))

    assert item == NotChecked(f"{tmp_path}/Chart.yaml: the version range 'latest' is not understood")


def test_without_a_chart_there_is_nothing_to_say() -> None:
    assert list(stale_subcharts(AuditSubject(Objects(())))) == []
