from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.kube import ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.replace import (
    delete_first,
    fixed_fields,
    holds_data,
    is_fixed,
)

# As API server 1.34 says it.
REFUSALS: list[tuple[str, str, str]] = [
    (
        "a selector",
        'Deployment.apps "web" is invalid: [spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does '
        'not match template `labels`, spec.selector: Invalid value: {"matchLabels":{"app":"y"}}: field is immutable]',
        "spec.template.metadata.labels, spec.selector",
    ),
    (
        "a stateful set",
        'StatefulSet.apps "web" is invalid: spec: Forbidden: updates to statefulset spec for fields other than '
        "'replicas', 'ordinals', 'template' are forbidden",
        "spec",
    ),
    ("a binding", 'RoleBinding "a" is invalid: roleRef: Invalid value: cannot change roleRef', "roleRef"),
    (
        "an address",
        'Service "a" is invalid: spec.clusterIPs[0]: Invalid value: []: may not change once set',
        "spec.clusterIPs[0]",
    ),
    ("no field is named", "the object is immutable", "a field"),
]


@pytest.mark.parametrize(("message", "fields"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS])
def test_what_cannot_change_is_named(message: str, fields: str) -> None:
    assert is_fixed(message)
    assert fixed_fields(message) == fields


def test_a_bad_value_is_another_matter() -> None:
    assert not is_fixed("spec.replicas: Invalid value: -1: must be greater than or equal to 0")


DATA: list[tuple[str, dict[str, t.Any], bool]] = [
    ("a claim", {"kind": "PersistentVolumeClaim"}, True),
    ("a definition", {"kind": "CustomResourceDefinition"}, True),
    ("a deployment", {"kind": "Deployment"}, False),
    ("a stateful set", {"kind": "StatefulSet", "spec": {}}, False),
    (
        "a stateful set that takes its claims along",
        {"kind": "StatefulSet", "spec": {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}},
        True,
    ),
]


@pytest.mark.parametrize(("body", "expected"), [d[1:] for d in DATA], ids=[d[0] for d in DATA])
def test_what_holds_data(body: dict[str, t.Any], expected: bool) -> None:
    assert holds_data(body) is expected


def test_what_does_not_go_away_is_named_with_its_finalizer(make: t.Any) -> None:
    web = ObjectRef("apps/v1", "Deployment", "web", "shop")
    metadata = {"name": "web", "namespace": "shop", "finalizers": ["example.org/keep"]}
    cluster = make.cluster({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata})
    cluster.delete = lambda _: True
    with pytest.raises(ReleaseError, match=r"REL-FAILED .*does not go\nEvidence: finalizers: example\.org/keep"):
        delete_first(cluster, [web], -1, sleep=lambda _: None)
