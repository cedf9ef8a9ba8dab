"""The recorded Deployment was edited by hand in a real cluster: set env, patch, annotate, rollout restart, scale."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.release.ownership import hand_fields, removals, without

WANTED: dict[str, t.Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "app", "namespace": "shop"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "app"}},
        "template": {
            "metadata": {"labels": {"app": "app"}, "annotations": {"checksum/config": "x"}},
            "spec": {
                "containers": [
                    {
                        "name": "app",
                        "image": "registry.example/app:1",
                        "command": ["sleep", "infinity"],
                        "env": [{"name": "GREETING", "value": "hello"}, {"name": "API_KEY", "value": ""}],
                        "resources": {"limits": {"cpu": "0.01", "memory": "0.5Gi"}},
                        "ports": [{"containerPort": 8080}],
                    }
                ]
            },
        },
    },
}


def test_fields_added_by_hand_are_found_and_nothing_else(recorded: t.Any) -> None:
    found = {field.path: field.manager for field in hand_fields(recorded("edited_deployment.json"), WANTED)}
    assert found == {
        'metadata.annotations["example.org/owner"]': "kubectl-annotate",
        "spec.template.spec.containers[app].args": "kubectl-patch",
        "spec.template.spec.containers[app].env[DEBUG]": "kubectl-set",
        "spec.template.spec.containers[app].securityContext": "kubectl-patch",
        "spec.template.spec.terminationGracePeriodSeconds": "kubectl-patch",
        "spec.template.spec.serviceAccount": "kubectl-set",
        "spec.template.spec.serviceAccountName": "kubectl-set",
        "spec.template.spec.tolerations": "kubectl-patch",
    }


def test_a_field_that_the_chart_names_is_no_addition(recorded: t.Any) -> None:
    pod = {**WANTED["spec"]["template"]["spec"], "terminationGracePeriodSeconds": 30}
    template = {**WANTED["spec"]["template"], "spec": pod}
    wanted = {**WANTED, "spec": {**WANTED["spec"], "template": template}}
    paths = [field.path for field in hand_fields(recorded("edited_deployment.json"), wanted)]
    assert "spec.template.spec.terminationGracePeriodSeconds" not in paths


def test_removals_undo_the_additions(recorded: t.Any) -> None:
    live = recorded("edited_deployment.json")
    fields = hand_fields(live, WANTED)
    mended = without(live, fields)
    assert hand_fields(mended, WANTED) == []
    pod = mended["spec"]["template"]["spec"]
    assert [entry["name"] for entry in pod["containers"][0]["env"]] == ["GREETING", "API_KEY"]
    assert "securityContext" not in pod["containers"][0]
    # The rest is as it was.
    assert mended["spec"]["replicas"] == live["spec"]["replicas"]


def object_with(manager: str, fields: dict[str, t.Any], **entry: t.Any) -> dict[str, t.Any]:
    managed = {"manager": manager, "operation": "Update", "fieldsV1": fields, **entry}
    return {
        "kind": "Service",
        "metadata": {"name": "a", "managedFields": [managed], "labels": {"team": "x"}, "finalizers": ["f"]},
        "spec": {"paused": True, "ports": [{"port": 80}, {"port": 81}, {"port": 82}], "ips": ["a", "b"]},
        "status": {"ready": True},
    }


PAUSED = {"f:spec": {"f:paused": {}}}
MANAGERS: list[tuple[str, bool]] = [
    ("kubectl-edit", True),
    ("kubectl", True),
    ("Mozilla", True),
    ("OpenAPI-Generator", True),
    ("helm", False),
    ("harvis", False),
    ("kubelet", False),
    ("kube-controller-manager", False),
    ("cert-manager-cainjector", False),
    ("helm-controller", False),
    ("kustomize-controller", False),
    ("strimzi-cluster-operator", False),
]


@pytest.mark.parametrize(("manager", "is_hand"), MANAGERS)
def test_control_loops_are_no_hands(manager: str, is_hand: bool) -> None:
    assert bool(hand_fields(object_with(manager, PAUSED), {"metadata": {}})) is is_hand


FIELDS: list[tuple[str, dict[str, t.Any], dict[str, t.Any], list[str]]] = [
    ("a status is no description", {"f:status": {"f:ready": {}}}, {}, []),
    ("a finalizer belongs to its controller", {"f:metadata": {"f:finalizers": {'v:"f"': {}}}}, {}, []),
    ("a label", {"f:metadata": {"f:labels": {"f:team": {}}}}, {}, ["/metadata/labels/team"]),
    ("a field that is gone", {"f:spec": {"f:gone": {}}}, {}, []),
    ("a subresource", PAUSED, {"subresource": "scale"}, []),
    (
        "list items, the last first",
        {"f:spec": {"f:ports": {'k:{"port":81}': {".": {}}, 'k:{"port":82}': {".": {}, "f:port": {}}}}},
        {},
        ["/spec/ports/2", "/spec/ports/1"],
    ),
    ("a value of a set", {"f:spec": {"f:ips": {'v:"b"': {}}}}, {}, ["/spec/ips/1"]),
]


@pytest.mark.parametrize(("fields", "entry", "pointers"), [f[1:] for f in FIELDS], ids=[f[0] for f in FIELDS])
def test_what_counts_as_added(fields: dict[str, t.Any], entry: dict[str, t.Any], pointers: list[str]) -> None:
    wanted = {"metadata": {}, "spec": {"ports": [{"port": 80}], "ips": ["a"]}}
    found = hand_fields(object_with("kubectl-edit", fields, **entry), wanted)
    assert removals(found) == [{"op": "remove", "path": pointer} for pointer in pointers]


def test_a_pointer_escapes_slashes() -> None:
    live = object_with("kubectl", {"f:metadata": {"f:annotations": {"f:a/b~c": {}}}})
    live["metadata"]["annotations"] = {"a/b~c": "1"}
    assert removals(hand_fields(live, {"metadata": {}})) == [{"op": "remove", "path": "/metadata/annotations/a~1b~0c"}]
