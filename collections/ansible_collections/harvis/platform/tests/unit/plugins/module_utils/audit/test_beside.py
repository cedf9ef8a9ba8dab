"""What is deployed beside may be referred to; slips of its names are found, and nothing is said about it."""

from __future__ import annotations

import os
import shutil
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditReport, AuditRequest, Beside
from ansible_collections.harvis.platform.plugins.module_utils.audit.run import audit
from ansible_collections.harvis.platform.tests.unit.corpus import BASES

PROJECT = Path(__file__).resolve().parents[9]
POD = """apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  enableServiceLinks: false
  containers:
    - name: web
      image: registry.example.com/web:1.0.0
      resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: 100m, memory: 64Mi}}
      %s
"""
SERVICE = """apiVersion: v1
kind: Service
metadata: {name: queue, namespace: streams}
spec: {selector: {app: queue}, ports: [{port: 9092}]}
"""
CONFIG = """apiVersion: v1
kind: ConfigMap
metadata: {name: shared, namespace: shop}
data: {LEVEL: info, QUEUE_URL: "kafka://queu.streams.svc:9092"}
"""
CRD = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lamps.example.com}
spec:
  group: example.com
  names: {kind: Lamp, plural: lamps}
  scope: Namespaced
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {properties: {watts: {type: integer}}}}}
"""
LAMP = "apiVersion: example.com/v1\nkind: Lamp\nmetadata: {name: hall, namespace: shop}\nwatts: %s\n"
OPERATED = """apiVersion: v1
kind: Service
metadata: {name: front, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""

Audit = t.Callable[..., AuditReport]


@pytest.fixture
def run(tmp_path: Path) -> Audit:
    def run(own: str, beside: str) -> AuditReport:
        for name, text in (("own", own), ("beside", beside)):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "all.yaml").write_text(text)
        others = (Beside(tmp_path / "beside"),) if beside else ()
        return audit(AuditRequest(manifests=tmp_path / "own", beside=others, base=tmp_path))

    return run


def said(report: AuditReport) -> list[str]:
    return [f"{finding.code}: {finding.cause}" for finding in report.findings]


def env(url: str) -> str:
    return POD % f"env: [{{name: QUEUE_URL, value: '{url}'}}]"


TAKES = POD % "env: [{name: LEVEL, valueFrom: {configMapKeyRef: {name: shared, key: %s}}}]"
ALL = POD % "envFrom: [{configMapRef: {name: shared}}]"
CASES = [
    pytest.param(env("kafka://queue.streams.svc:9092"), SERVICE, [], id="an-address-that-is-right"),
    pytest.param(
        env("kafka://queeu.streams.svc:9092"),
        SERVICE,
        ["NET-SERVICE: there is no Service queeu in namespace streams; there is queue"],
        id="a-slip-of-a-name",
    ),
    pytest.param(
        env("kafka://queue:9092"),
        SERVICE,
        ["NET-SERVICE: Service queue lies in namespace streams, not in shop"],
        id="another-namespace",
    ),
    pytest.param(
        env("kafka://queue.streams.svc:9093"),
        SERVICE,
        ["NET-SERVICEPORT: Service queue offers 9092, not 9093"],
        id="a-port-that-it-does-not-offer",
    ),
    pytest.param(TAKES % "LEVEL", CONFIG, [], id="a-key-that-is-there"),
    pytest.param(
        TAKES % "LEVLE", CONFIG, ["ENV-KEY: variable LEVEL: ConfigMap shared has no key LEVLE"], id="a-key-misspelt"
    ),
    pytest.param(ALL, f"{CONFIG}---\n{SERVICE}", [], id="nothing-is-said-about-a-config-map-beside"),
    pytest.param(LAMP % "40", CRD, [], id="a-custom-resource"),
    pytest.param(
        OPERATED, POD.replace("web, namespace: shop", "w, namespace: shop, labels: {app: web}") % "", [], id="pods"
    ),
]


@pytest.mark.parametrize(("own", "beside", "wanted"), CASES)
def test_what_refers_to_objects_beside(run: Audit, own: str, beside: str, wanted: list[str]) -> None:
    report = run(own, beside)

    assert said(report) == wanted
    assert [text for text in report.not_checked if "not among the objects" in text or "selects" in text] == []


def test_a_custom_resource_against_its_definition_beside(run: Audit) -> None:
    assert [finding.code for finding in run(LAMP % "bright", CRD).findings] == ["REL-UNKNOWN"]


def test_without_what_lies_beside_the_address_is_not_checked(run: Audit) -> None:
    report = run(env("kafka://queeu.streams.svc:9092"), "")

    assert said(report) == []
    assert [text for text in report.not_checked if "Service queeu" in text]


def test_a_fault_beside_is_not_ours(run: Audit) -> None:
    greedy = POD.replace("memory: 64Mi}, limits", "memory: 2Gi}, limits").replace("name: web", "name: other") % ""

    assert said(run(POD % "", greedy)) == []
    assert [text[:9] for text in said(run(greedy, ""))] == ["RES-LIMIT"]


def test_a_folder_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(POD % "")

    report = audit(AuditRequest(manifests=tmp_path / "pod.yaml", beside=(Beside(tmp_path / "gone"),), base=tmp_path))

    assert [(f.code, f.subject) for f in report.findings] == [("VAL-INPUT", "gone")]


@pytest.fixture
def helm() -> str:
    own = PROJECT / ".harvis/bin/helm"
    found = os.environ.get("HELM_BIN") or (str(own) if own.exists() else shutil.which("helm") or "")
    if not found:
        pytest.skip("no helm: set HELM_BIN, or run `make up`, which leaves one in .harvis/bin")
    return found


RENDERED = [("store-web:9999", []), ("store-wbe:9999", ["NET-SERVICE"]), ("store-web:8080", ["NET-SERVICEPORT"])]


@pytest.mark.parametrize(("host", "wanted"), RENDERED)
def test_a_chart_beside_is_rendered_with_its_values(helm: str, tmp_path: Path, host: str, wanted: list[str]) -> None:
    chart = Path(shutil.copytree(BASES / "tiny", tmp_path / "tiny"))
    (tmp_path / "more.yaml").write_text("web: {port: 9999}\n")
    (tmp_path / "pod.yaml").write_text(env(f"http://{host}"))
    beside = Beside(chart, (tmp_path / "more.yaml",), "shop", "store")

    report = audit(AuditRequest(manifests=tmp_path / "pod.yaml", beside=(beside,), base=tmp_path, helm=helm))

    assert ([f.code for f in report.findings], report.renders) == (wanted, 1)


def test_a_chart_beside_that_cannot_be_rendered_is_not_checked(helm: str, tmp_path: Path) -> None:
    chart = Path(shutil.copytree(BASES / "tiny", tmp_path / "tiny"))
    (chart / "templates/broken.yaml").write_text("{{ fail `no` }}")
    (tmp_path / "pod.yaml").write_text(POD % "")

    report = audit(AuditRequest(manifests=tmp_path / "pod.yaml", beside=(Beside(chart),), base=tmp_path, helm=helm))

    assert said(report) == []
    assert [text for text in report.not_checked if "deploys beside" in text] == [
        "what tiny deploys beside: the chart cannot be rendered with these values"
    ]


RELEASES = [
    ("charts/harvis-data", "", "harvis-data"),
    ("Our_Data", "", "our-data"),
    ("x", "prod", "prod"),
    ("__", "", "beside"),
]


@pytest.mark.parametrize(("folder", "given", "wanted"), RELEASES)
def test_a_release_is_called_as_its_folder(folder: str, given: str, wanted: str) -> None:
    assert Beside(Path(folder), release=given).release_name == wanted
