"""REL-UNKNOWN: what a version of Kubernetes knows."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.manifest import schemas
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.kinds import DETECTORS
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.workloads import (
    deployment,
    findings,
    found,
    not_checked,
    subject,
)

AT = "/spec/template/spec/containers/0"
FIELDS = [
    pytest.param("nodeSelector: {disk: ssd}", f"{AT}/nodeSelector", id="one-level-too-deep"),
    pytest.param("env: [{name: A, value: 1}]", f"{AT}/env/0/value", id="a-number-for-text"),
    pytest.param("ports: [{containerPort: '80'}]", f"{AT}/ports/0/containerPort", id="text-for-a-number"),
    pytest.param("livenessProbe: {httpGet: {port: [80]}}", f"{AT}/livenessProbe/httpGet/port", id="neither-nor"),
    pytest.param("livenessProbe: {httpGet: {port: http}}", "", id="text-or-number"),
    pytest.param("resources: {limits: {cpu: 2, memory: 1Gi}}", "", id="quantities"),
    pytest.param("env: null", "", id="nothing"),
    pytest.param("resources: {$patch: delete}", "", id="a-patch"),
    pytest.param("securityContext: {runAsUser: }", "", id="a-key-without-value"),
]


@pytest.mark.parametrize(("container", "field"), FIELDS)
def test_fields(container: str, field: str) -> None:
    assert found(DETECTORS, subject(deployment(container))) == ([("REL-UNKNOWN", field)] if field else [])


def test_the_right_level_is_named() -> None:
    (deep,) = findings(DETECTORS, subject(deployment("nodeSelector: {disk: ssd}")))
    (shallow,) = findings(DETECTORS, subject(deployment(spec="restartPolicy: Always")))
    (slip,) = findings(DETECTORS, subject(deployment(pod="nodeSelektor: {disk: ssd}")))

    assert deep.fix == "It is indented too deep: move it to /spec/template/spec."
    assert shallow.cause == "restartPolicy is no field of /spec in apps/v1 Deployment"
    assert slip.fix == "Did you mean nodeSelector?"


def test_a_value_is_never_shown() -> None:
    given = subject("{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {pin: 4711}}")
    (finding,) = findings(DETECTORS, given)

    assert finding.cause == "/stringData/pin must be string in v1 Secret, and is integer"
    assert "4711" not in str(finding)


KINDS = [
    ("policy/v1beta1", "PodDisruptionBudget", "v1.34.4", True),
    ("policy/v1beta1", "PodDisruptionBudget", "v1.25.0", True),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "v1.25.0", False),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "v1.26.0", True),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "v1.25.0", False),
    ("apps/v1", "Deploymnet", "v1.34.4", True),
    ("v1", "Config", "v1.34.4", False),
    ("gateway.networking.k8s.io/v1", "Gateway", "v1.34.4", False),
]


@pytest.mark.parametrize(("api_version", "kind", "version", "wanted"), KINDS)
def test_kinds(api_version: str, kind: str, version: str, wanted: bool) -> None:
    given = subject(f"{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: a}}}}", kubernetes=version)

    assert [code for code, _ in found(DETECTORS, given)] == ["REL-UNKNOWN"] * wanted


def test_the_served_version_is_the_fix() -> None:
    (old,) = findings(DETECTORS, subject("{apiVersion: extensions/v1beta1, kind: Ingress, metadata: {name: a}}"))
    (slip,) = findings(DETECTORS, subject("{apiVersion: apps/v1, kind: Deploymnet, metadata: {name: a}}"))

    assert old.fix == "Write apiVersion: networking.k8s.io/v1."
    assert slip.fix == "Did you mean Deployment?"


CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: queues.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Queue, plural: queues}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                size: {type: integer}
                limit: {x-kubernetes-int-or-string: true}
                free: {type: object, x-kubernetes-preserve-unknown-fields: true}
                labels: {type: object, additionalProperties: {type: string}}
                template: {type: object, x-kubernetes-embedded-resource: true, properties: {}}
---
apiVersion: example.com/v1
kind: Queue
metadata: {name: a}
"""
RESOURCES = [
    ("spec: {size: 1, limit: 5%, free: {any: thing}, labels: {any: text}, template: {kind: Pod}}", []),
    ("spec: {sise: 1}", ["/spec/sise"]),
    ("spec: {size: many}", ["/spec/size"]),
    ("spec: {labels: {a: 1}}", ["/spec/labels/a"]),
    ("data: {}", ["/data"]),
    ("status: {any: thing}", []),
]


@pytest.mark.parametrize(("body", "fields"), RESOURCES)
def test_custom_resources_against_their_definition(body: str, fields: list[str]) -> None:
    assert found(DETECTORS, subject(CRD + body)) == [("REL-UNKNOWN", field) for field in fields]


def test_custom_resources_without_a_definition_are_not_checked_once_per_kind() -> None:
    queue = "---\n{apiVersion: example.com/v1, kind: Queue, metadata: {name: a}}\n"

    assert not_checked(DETECTORS, subject(queue * 2)) == [
        "fields of example.com/v1 Queue: its definition is not among the objects"
    ]


@pytest.mark.parametrize(("version", "reason"), [("v1.2", "not of 1.2"), ("v9.9.9", "not of 9.9"), ("x", "no version")])
def test_a_version_without_schemas_is_not_checked(version: str, reason: str) -> None:
    (said,) = not_checked(DETECTORS, subject(deployment("nonsense: 1"), kubernetes=version))

    assert said.startswith(f"whether Kubernetes {version} knows every object and field: ")
    assert reason in said


def test_without_the_library_it_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    schemas._load.cache_clear()
    monkeypatch.setattr(schemas.importlib.util, "find_spec", lambda _name: None)

    (said,) = not_checked(DETECTORS, subject(deployment("nonsense: 1")))

    assert "kubernetes-validate, which holds the schemas, is not installed" in said
