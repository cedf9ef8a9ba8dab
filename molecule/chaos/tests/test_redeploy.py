"""What was changed behind the release's back, and a template without a new version: redeploy.yml sees and mends it."""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

import pytest
from faults import kubectl, wrong_image
from harness import Platform
from table import Entry, Table

OLD_GRACE = "terminationGracePeriodSeconds: {{ $worker.terminationGracePeriodSeconds }}"
NEW_GRACE = "terminationGracePeriodSeconds: 41"
CHANGES = {
    "made by hand: deployment scaled to nothing": kubectl("scale", "-n", "vhm", "deployment/indexer", "--replicas=0"),
    "stale image: another one under a good tag": wrong_image,
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_differs_is_seen_and_taken_back(change: str, platform: Platform, table: Table) -> None:
    table.drop(change)
    CHANGES[change](platform)
    _mended(change, platform, table)


def test_a_template_without_a_new_version_is_released(platform: Platform, table: Table, tmp_path: Path) -> None:
    name = "template edited without a new version"
    table.drop(name)
    chart = Path(shutil.copytree(platform.project / "charts/harvis", tmp_path / "harvis"))
    template = chart / "templates/workers.yaml"
    assert OLD_GRACE in template.read_text()
    template.write_text(template.read_text().replace(OLD_GRACE, NEW_GRACE))

    _mended(name, platform, table, {"release_app_chart": str(chart)})

    assert _grace(platform) == 41
    back = platform.playbook("redeploy")
    assert back.rc == 0, back.said
    assert _grace(platform) != 41


def _mended(name: str, platform: Platform, table: Table, given: dict[str, t.Any] | None = None) -> None:
    """Twice: the first run changes, the second finds nothing more to do; then everything works."""
    extra = ["-e", json.dumps(given)] if given else []
    first = platform.playbook("redeploy", *extra)
    again = platform.playbook("redeploy", *extra)

    assert first.rc == 0, first.said
    assert _changed(first.said) > 0, first.said
    assert again.rc == 0, again.said
    assert _changed(again.said) == 0, again.said
    assert platform.settle(60)
    table.add(Entry(name, "mended by redeploy.yml", "mended by redeploy.yml", None, first.seconds))


def _changed(said: str) -> int:
    recap = said.partition("PLAY RECAP")[2]
    return int(recap.partition("changed=")[2].split()[0])


def _grace(platform: Platform) -> int:
    spec = platform.get("deployment", "indexer", "-n", "vhm")["spec"]["template"]["spec"]
    return int(spec["terminationGracePeriodSeconds"])
