"""Ranges as Masterminds/semver, which Helm uses, reads them."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.versions import satisfies

RANGES: list[tuple[str, str, bool | None]] = [
    ("1.2.3", "1.2.3", True),
    ("v1.2.3", "1.2.3", True),
    ("1.2.4", "1.2.3", False),
    ("1.2.3", "", True),
    ("1.2.3", "*", True),
    ("1.2.3", "1.2", True),
    ("1.3.0", "1.2", False),
    ("1.9.0", "1.x", True),
    ("2.0.0", "1.x.x", False),
    ("1.2.9", "~1.2.3", True),
    ("1.3.0", "~1.2.3", False),
    ("1.9.0", "~1", True),
    ("1.9.0", "^1.2.3", True),
    ("1.2.0", "^1.2.3", False),
    ("2.0.0", "^1.2.3", False),
    ("0.2.9", "^0.2.3", True),
    ("0.3.0", "^0.2.3", False),
    ("0.0.4", "^0.0.3", False),
    ("1.5.0", ">=1.2 <2", True),
    ("1.5.0", ">= 1.2.0, < 1.5.0", False),
    ("1.5.0", "1.2 - 1.5", True),
    ("1.6.0", "1.2 - 1.5", False),
    ("3.0.0", "^1.0 || ^3.0", True),
    ("2.0.0", "^1.0 || ^3.0", False),
    ("2.0.0", "!=2.0.0", False),
    ("2.0.0-rc.1", ">=1.0.0", False),
    ("2.0.0-rc.1", ">=2.0.0-0", True),
    ("2.0.0-rc.1", "2.0.0-rc.1", True),
    ("1.2.3+build", "1.2.3", True),
    ("1.2.3", "latest", None),
    ("latest", "1.2.3", None),
]


@pytest.mark.parametrize(("version", "wanted", "fits"), RANGES)
def test_a_version_lies_in_a_range(version: str, wanted: str, fits: bool | None) -> None:
    assert satisfies(version, wanted) is fits
