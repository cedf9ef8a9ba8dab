"""No detector is written and then forgotten."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.detectors import DETECTORS
from ansible_collections.harvis.platform.plugins.module_utils.chart import checks as of_charts
from ansible_collections.harvis.platform.plugins.module_utils.manifest import checks as of_manifests

TOPICS = [
    f"{package.__name__}.{found.name}"
    for package in (of_charts, of_manifests)
    for found in pkgutil.iter_modules(package.__path__)
]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda name: name.rpartition("module_utils.")[2])
def test_every_detector_runs(topic: str) -> None:
    written = getattr(importlib.import_module(topic), "DETECTORS", ())

    assert [detector for detector in written if detector not in DETECTORS] == []


def test_no_detector_runs_twice() -> None:
    assert len(set(DETECTORS)) == len(DETECTORS) > 30
