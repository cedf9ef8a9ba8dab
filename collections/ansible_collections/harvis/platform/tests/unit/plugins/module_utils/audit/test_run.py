"""Whole audits, with the real helm, on the corpus' healthy chart and on what somebody made of it."""

from __future__ import annotations

import os
import shutil
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditReport, AuditRequest
from ansible_collections.harvis.platform.plugins.module_utils.audit.run import audit
from ansible_collections.harvis.platform.tests.unit.corpus import BASES

PROJECT = Path(__file__).resolve().parents[9]
DEAD = "web:\n  forgotten: 1\n"
ACCEPT = "- {code: %s, subject: web.forgotten, reason: an older chart reads it}\n"
GREEDY = """apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: registry.example.com/web:1.0.0
      resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}
"""

Audit = t.Callable[..., AuditReport]


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BASES / "tiny", tmp_path / "tiny"))


@pytest.fixture
def run(tmp_path: Path) -> Audit:
    own = PROJECT / ".harvis/bin/helm"
    helm = os.environ.get("HELM_BIN") or (str(own) if own.exists() else shutil.which("helm") or "")
    if not helm:
        pytest.skip("no helm: set HELM_BIN, or run `make up`, which leaves one in .harvis/bin")
    return lambda **given: audit(AuditRequest(base=tmp_path, helm=helm, **given))


def codes(report: AuditReport) -> list[tuple[str, str, int]]:
    return [(f.code, f.place.file, f.place.line) for f in report.findings if f.place]


def test_a_healthy_chart_passes_and_every_value_has_its_effect(run: Audit, chart: Path) -> None:
    report = run(chart=chart)

    assert (report.findings, report.passed) == ((), True)
    assert report.effects.dead() == []
    assert (len(report.leaves), report.renders > 1) == (10, True)


def test_an_operators_value_without_effect_is_an_error_at_its_line(run: Audit, chart: Path, tmp_path: Path) -> None:
    (tmp_path / "prod.yaml").write_text(DEAD)

    report = run(chart=chart, values=(tmp_path / "prod.yaml",))

    assert ("prod.yaml", 2) in [(file, line) for _, file, line in codes(report)]
    assert not report.passed


def test_an_accepted_finding_is_kept_with_its_reason(run: Audit, chart: Path, tmp_path: Path) -> None:
    (tmp_path / "prod.yaml").write_text(DEAD)
    refused = run(chart=chart, values=(tmp_path / "prod.yaml",)).findings
    (chart / ".harvis-audit.yml").write_text("".join(ACCEPT % finding.code for finding in refused))

    report = run(chart=chart, values=(tmp_path / "prod.yaml",))

    assert (report.findings, [a.finding for a in report.accepted]) == ((), list(refused))


def test_an_acceptance_without_a_finding_is_a_finding(run: Audit, chart: Path) -> None:
    (chart / ".harvis-audit.yml").write_text(ACCEPT % "VAL-DEAD" + ACCEPT % "ENV-UNREAD")

    report = run(chart=chart)

    assert codes(report) == [("VAL-ACCEPTED", "tiny/.harvis-audit.yml", 1)]


@pytest.mark.parametrize("part", ["chart", "manifests", "sources", "playbooks"])
def test_a_folder_that_is_not_there_is_no_pass(run: Audit, tmp_path: Path, part: str) -> None:
    report = run(**{part: tmp_path / "gone"})

    assert [finding.code for finding in report.findings] == ["VAL-INPUT"]


def test_a_chart_that_cannot_be_rendered_is_said_at_its_line(run: Audit, chart: Path) -> None:
    (chart / "templates/broken.yaml").write_text("kind: ConfigMap\nname: {{ .Values.web.port | nosuch }}\n")

    report = run(chart=chart)

    assert ("VAL-RENDER", "tiny/templates/broken.yaml", 2) in codes(report)
    assert any("cannot be rendered" in reason for reason in report.not_checked)


def test_without_helm_the_manifests_are_looked_at_all_the_same(chart: Path, tmp_path: Path) -> None:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s/pod.yaml").write_text(GREEDY)

    report = audit(AuditRequest(chart=chart, manifests=tmp_path / "k8s", base=tmp_path, helm="no-such-helm"))

    assert [finding.code for finding in report.findings] == ["PLB-PROCESS", "RES-LIMIT"]


def test_the_schema_of_the_chart_is_asked(run: Audit, chart: Path, tmp_path: Path) -> None:
    (chart / "values.schema.json").write_text(
        '{"additionalProperties": false, "properties": {"web": {"additionalProperties": true,'
        ' "properties": {"replicas": {"type": "integer"}}}}}'
    )
    (tmp_path / "prod.yaml").write_text("web:\n  port: 8080\n  replicas: many\n")

    report = run(chart=chart, values=(tmp_path / "prod.yaml",))

    assert ("VAL-SCHEMA", "prod.yaml", 3) in codes(report)


def test_the_same_audit_says_the_same(run: Audit, chart: Path, tmp_path: Path) -> None:
    (tmp_path / "prod.yaml").write_text(DEAD)
    first, second = (run(chart=chart, values=(tmp_path / "prod.yaml",)) for _ in range(2))

    assert first.findings == second.findings
    assert first.effects.effects == second.effects.effects
    assert first.renders == second.renders
