"""Charts that are not ours: the map is what one render for each leaf shows, and a healthy chart has no error."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditRequest
from ansible_collections.harvis.platform.plugins.module_utils.audit.run import audit
from ansible_collections.harvis.platform.plugins.module_utils.chart.files import load_chart
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Renderer, RenderOptions
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.effects import effect_map
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.naive import naive_effect_map
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.chart.charts import HELM, needs_helm

pytestmark = needs_helm
PROJECT = Path(__file__).resolve().parents[9]
NAMES = ["metallb", "nvidia-device-plugin", "metrics-server", "node-feature-discovery", "external-dns", "descheduler"]
# nvidia-device-plugin refuses the namespace `default`.
NAMESPACE = "audit"


@functools.cache
def fetched() -> dict[str, str]:
    fetch = PROJECT / "tools/charts/fetch"
    done = subprocess.run([sys.executable, fetch], capture_output=True, text=True, env=dict(os.environ), timeout=900)
    if done.returncode:
        pytest.skip(f"the public charts cannot be had: {done.stderr.strip()}")
    return {name: str(place) for name, place in json.loads(done.stdout).items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_map_is_what_one_render_for_each_leaf_shows(name: str) -> None:
    chart = load_chart(Path(fetched()[name]))
    leaves = chart.leaves()
    sample = list(leaves)[::4]  # a render for each leaf takes minutes; bench/audit compares them all
    made = Renderer(chart, SystemRunner(), RenderOptions(HELM, namespace=NAMESPACE))

    found, slow = effect_map(made, leaves), naive_effect_map(made, leaves, sample)

    assert {path: found.effects[path] for path in sample} == slow.effects
    assert slow.breaking.keys() <= found.breaking.keys()
    assert found.renders < len(leaves) / 2


@pytest.mark.parametrize("name", NAMES)
def test_a_healthy_chart_has_no_error(name: str, tmp_path: Path) -> None:
    report = audit(AuditRequest(chart=Path(fetched()[name]), helm=HELM, base=tmp_path, namespace=NAMESPACE))

    assert [str(finding) for finding in report.findings if finding.severity == "error"] == []
