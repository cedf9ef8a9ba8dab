"""Fixtures of the judgements of pods."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.tests.unit.pods import FakeCluster, Make

Object = dict[str, t.Any]
FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def make() -> type[Make]:
    return Make


@pytest.fixture
def fake_cluster() -> type[FakeCluster]:
    return FakeCluster


@pytest.fixture
def restarted_node() -> dict[str, list[Object]]:
    """Recorded: a node whose kubelet and containers were killed at 07:03:09 and came back at 07:03:12."""
    recorded: dict[str, list[Object]] = json.loads((FIXTURES / "restarted_node.json").read_text())
    return recorded
