"""Texts are what Helm 4.0.4 and Helm 3 really said."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.process import CommandResult
from ansible_collections.harvis.platform.plugins.module_utils.release.explain import explain, is_timeout
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec

HELM_4_SCHEMA = """Error: values don't meet the specifications of the schema(s) in the following chart(s):
sample:
- at '/image': additional properties 'nme' not allowed
- at '/replicas': got string, want integer

"""
HELM_3_SCHEMA = """Error: values don't meet the specifications of the schema(s) in the following chart(s):
sample:
- (root): Additional property unknown is not allowed
- image.name: Invalid type. Expected: string, given: integer
"""
NIL_POINTER = """Error: sample/templates/app.yaml:22:45
  executing "sample/templates/app.yaml" at <.Values.nothing.at.all>:
    nil pointer evaluating interface {}.at

Use --debug flag to render out invalid YAML
"""
HELM_3_NIL_POINTER = (
    'Error: template: sample/templates/app.yaml:22:45: executing "sample/templates/app.yaml" at '
    "<.Values.nothing.at.all>: nil pointer evaluating interface {}.at\n"
)
BAD_YAML = (
    "Error: YAML parse error on sample/templates/app.yaml: error converting YAML to JSON: yaml: line 22: "
    "mapping values are not allowed in this context\n\nUse --debug flag to render out invalid YAML\n"
)
FAIL = "Error: execution error at (sample/templates/app.yaml:27:39): greeting must not be fail\n"
SUBCHART = "Error: execution error at (sample/charts/store/templates/set.yaml:3:2): size is required\n"
LOCKED = "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress\n"
UNREACHABLE = 'Error: kubernetes cluster unreachable: Get "http://localhost:8080/version": connection refused\n'
OWNED = (
    'Error: Unable to continue with install: Service "web" in namespace "shop" exists and cannot be imported into the '
    'current release: invalid ownership metadata; label validation error: missing key "app.kubernetes.io/managed-by"\n'
)
DEPENDENCY = "Error: found in Chart.yaml, but missing in charts/ directory: store\n"

SCHEMA = {"properties": {"image": {"properties": {"name": {}, "tag": {}}}, "replicas": {"type": "integer"}}}


@pytest.fixture
def described(spec: ReleaseSpec, tmp_path: Path) -> ReleaseSpec:
    (spec.chart / "values.schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    values = tmp_path / "values.yaml"
    values.write_text("image:\n  nme: x\n", encoding="utf-8")
    return dataclasses.replace(spec, values_files=(str(values),), secret_texts=("hunter2",))


def failed(text: str) -> CommandResult:
    return CommandResult(("helm",), 1, "", text)


CASES: list[tuple[str, str, list[tuple[str, str, str]]]] = [
    (
        "schema, helm 4",
        HELM_4_SCHEMA,
        [
            ("VAL-SCHEMA", "values.yaml:2 image.nme", "the chart has no such value"),
            ("VAL-SCHEMA", "replicas", "got string, want integer"),
        ],
    ),
    (
        "schema, helm 3",
        HELM_3_SCHEMA,
        [
            ("VAL-SCHEMA", "unknown", "the chart has no such value"),
            ("VAL-SCHEMA", "image.name", "Invalid type. Expected: string, given: integer"),
        ],
    ),
    ("nil pointer", NIL_POINTER, [("VAL-RENDER", "templates/app.yaml:22", "nil pointer evaluating interface {}.at")]),
    ("fail", FAIL, [("VAL-RENDER", "templates/app.yaml:27", "greeting must not be fail")]),
    ("a chart inside", SUBCHART, [("VAL-RENDER", "charts/store/templates/set.yaml:3", "size is required")]),
    (
        "no YAML",
        BAD_YAML,
        [
            (
                "VAL-RENDER",
                "templates/app.yaml",
                "error converting YAML to JSON: yaml: line 22: mapping values are not allowed in this context",
            )
        ],
    ),
    ("locked", LOCKED, [("REL-LOCKED", "release shop/app", "another helm run holds the release")]),
    ("unreachable", UNREACHABLE, [("REL-CLUSTER", "release shop/app", "helm cannot reach the cluster")]),
    (
        "owned by something else",
        OWNED,
        [("REL-OWNED", "release shop/app", "an object of the chart exists already and belongs to something else")],
    ),
    ("dependency", DEPENDENCY, [("VAL-RENDER", "release shop/app", "a chart that this one depends on is not there")]),
    (
        "a hook",
        "Error: UPGRADE FAILED: pre-upgrade hooks failed: resource Job/shop/check not ready. status: Failed\n",
        [
            (
                "REL-HOOK",
                "release shop/app",
                "a pre-upgrade hook failed: resource Job/shop/check not ready. status: Failed",
            )
        ],
    ),
    ("anything else", "Error: no\n", [("REL-FAILED", "release shop/app", "helm failed")]),
]


@pytest.mark.parametrize(("text", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_helms_words_become_findings(described: ReleaseSpec, text: str, expected: t.Any) -> None:
    found = [
        (f.code, f.subject.replace(str(Path(described.values_files[0]).parent) + "/", ""), f.cause)
        for f in explain(failed(text), described)
    ]
    assert found == expected


def test_helm_3_names_the_template_line_too(described: ReleaseSpec) -> None:
    found = explain(failed(HELM_3_NIL_POINTER), described)[0]
    assert (found.code, found.subject) == ("VAL-RENDER", "templates/app.yaml:22")


def test_a_misspelt_value_gets_the_name_that_was_meant(described: ReleaseSpec) -> None:
    assert explain(failed(HELM_4_SCHEMA), described)[0].fix == "Did you mean 'name'?"


def test_an_unlike_name_gets_the_known_ones(described: ReleaseSpec) -> None:
    assert explain(failed(HELM_3_SCHEMA), described)[0].fix == "Known here: image, replicas."


def test_secret_values_are_not_repeated(described: ReleaseSpec) -> None:
    found: list[Finding] = explain(failed("Error: cannot use hunter2 here\n"), described)
    assert found[0].evidence == "Error: cannot use ******** here"


TIMEOUTS: list[tuple[str, bool]] = [
    ("resource not ready, name: app, kind: Deployment, status: InProgress\ncontext deadline exceeded", True),
    ("Error: UPGRADE FAILED: timed out waiting for the condition", True),
    (LOCKED, False),
]


@pytest.mark.parametrize(("text", "expected"), TIMEOUTS)
def test_giving_up_is_told_from_being_refused(text: str, expected: bool) -> None:
    assert is_timeout(failed(text)) is expected
