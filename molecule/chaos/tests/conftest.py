"""The platform under test, and the table of what became of each fault."""

from __future__ import annotations

import os
import sys
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from faults import FAULTS
from harness import Platform
from table import Table


@pytest.fixture(scope="session")
def platform() -> Platform:
    return Platform.of_scenario()


@pytest.fixture(scope="session")
def table(platform: Platform) -> t.Iterator[Table]:
    table = Table.read(platform.output / "chaos.json")
    yield table
    if document := os.environ.get("HARVIS_CHAOS_DOCUMENT"):
        Path(document).write_text(table.page([fault.name for fault in FAULTS]))


@pytest.fixture(autouse=True)
def whole(platform: Platform) -> None:
    """Faults are made one at a time: what an earlier test left broken is no fault of this one's."""
    if not platform.settle(60):
        platform.playbook("recover")
        assert platform.settle(60)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Redeploys and runs that are killed come last: they take the longest."""
    items.sort(key=lambda item: item.path.name != "test_faults.py")
