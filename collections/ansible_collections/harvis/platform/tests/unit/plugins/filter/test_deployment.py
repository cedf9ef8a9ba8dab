from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.harvis.platform.plugins.filter.deployment import FilterModule, components

CHARTS = Path(__file__).resolve().parents[8] / "charts"


def test_components_stand_where_their_releases_put_them() -> None:
    placed = {c["name"]: c for c in components(["indexer"], "prod", "agents", "vhm", "data")}
    assert list(placed) == ["indexer", "backend", "kafka", "qdrant"]
    assert placed["indexer"] == {
        "name": "indexer",
        "namespace": "vhm",
        "workload": "indexer",
        "container": "indexer",
        "release": "prod",
    }
    assert (placed["backend"]["namespace"], placed["backend"]["workload"]) == ("agents", "harvis-backend")
    assert (placed["kafka"]["namespace"], placed["kafka"]["release"]) == ("vhm", "data")


@pytest.mark.parametrize("name", ["kafka", "qdrant"])
def test_the_chart_has_the_data_services(name: str) -> None:
    assert name in yaml.safe_load((CHARTS / "harvis-data" / "values.yaml").read_text())


def test_it_is_a_filter() -> None:
    assert FilterModule().filters() == {"components": components}
