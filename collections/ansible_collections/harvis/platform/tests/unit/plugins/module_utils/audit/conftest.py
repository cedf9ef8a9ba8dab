from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import Accepted, AuditReport
from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Effect, EffectMap
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place

CROSSED = Finding.at(
    "VAL-CROSSED",
    Place("chart/templates/web.yaml", 91, "backend.resources.limits.memory", "shop/Deployment/web", "/spec/replicas"),
    "the resources of `web` come from `backend.resources`",
    evidence="resources:\n  {{ .Values.backend.resources }}",
    fix="Read `web.resources` here.",
)
DEAD = Finding.at("VAL-DEAD", Place("chart/values.yaml", 3, "web.old"), "no template reads it </script><b>")
NOTE = Finding.at("VAL-DORMANT", Place("chart/values.yaml", 9, "web.tls"), "sleeps until `web.secure` is true")
PLAIN = Finding("PLB-PROCESS", "helm", "the helm program is not there", fix="Install it.")


@pytest.fixture
def report() -> AuditReport:
    """One of everything that a report can hold."""
    paths = [("web", "memory"), ("web", "old"), ("web", "tls")]
    effect = Effect("shop/Deployment/web", "/spec/template/spec/containers/0/resources/limits/memory")
    return AuditReport(
        findings=(CROSSED, NOTE, PLAIN),
        accepted=(Accepted(DEAD, "kept for the old release"),),
        not_checked=("no schema of v9.9.9",),
        effects=EffectMap({path: frozenset({effect} if path[1] == "memory" else set()) for path in paths}, renders=7),
        leaves={path: Leaf(path, "x", "chart/values.yaml", number) for number, path in enumerate(paths, 1)},
        renders=9,
        seconds=1.23456,
        base=Path("/checkout"),
    )
