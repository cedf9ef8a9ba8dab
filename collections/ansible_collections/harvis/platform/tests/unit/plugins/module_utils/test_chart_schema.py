"""Values against a chart's schema: every refused one is named, with the nearest key that exists."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.chart.schema import merge, refused_values
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError

CHARTS = Path(__file__).resolve().parents[8] / "charts"
HARVIS = CHARTS / "harvis"


@pytest.mark.parametrize("chart", ["harvis", "harvis-data"])
def test_a_charts_own_values_pass(chart):
    assert refused_values(CHARTS / chart, {}) == []


@pytest.mark.parametrize(
    ("values", "subject", "cause", "fix"),
    [
        (
            {"mergedOllamaBackend": {"resorces": {}}},
            "harvis: mergedOllamaBackend",
            "unknown key resorces",
            "Did you mean resources?",
        ),
        ({"wokers": {}}, "harvis: (top)", "unknown key wokers", "Did you mean workers?"),
        (
            {"workers": {"resonance": {"replicas": "two"}}},
            "harvis: workers.resonance.replicas",
            "breaks the schema's rule type",
            f"See {HARVIS}/values.yaml.",
        ),
    ],
)
def test_a_refused_value_is_named(values, subject, cause, fix):
    assert refused_values(HARVIS, values) == [Finding("VAL-SCHEMA", subject, cause, fix=fix)]


def test_a_secret_is_not_shown():
    (finding,) = refused_values(HARVIS, {"global": {"namespace": ["hunter2"]}})
    assert "hunter2" not in str(finding)


def test_maps_are_merged_and_lists_replaced():
    assert merge({"a": {"b": 1, "c": [1, 2]}}, {"a": {"c": [3]}}) == {"a": {"b": 1, "c": [3]}}


def test_a_folder_that_is_no_chart_is_refused(tmp_path):
    with pytest.raises(HarvisError, match="PLB-INPUT"):
        refused_values(tmp_path, {})
