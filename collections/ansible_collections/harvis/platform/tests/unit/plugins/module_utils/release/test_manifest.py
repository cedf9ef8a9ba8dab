from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.kube import ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import as_stored, parse_manifest

TEXT = """---
# Source: app/templates/rbac.yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
---
# Source: app/templates/app.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      initContainers: [{name: setup, image: "registry.example/setup:2"}]
      containers: [{name: web, image: "registry.example/web:1"}]
---
# Source: app/templates/app.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: elsewhere, namespace: other}
data:
  text: |
    ---
    not a document
---
# Source: app/templates/empty.yaml
---
# Source: app/templates/tests/test.yaml
apiVersion: v1
kind: Pod
metadata: {name: check, annotations: {helm.sh/hook: test}}
spec: {containers: [{name: check, image: "registry.example/check:1"}]}
"""


def namespaced(_api_version: str, kind: str) -> bool:
    return kind != "ClusterRole"


def test_objects_get_the_namespace_they_will_be_in() -> None:
    assert [str(ref) for ref in parse_manifest(TEXT, "shop", namespaced).objects] == [
        "ClusterRole reader",
        "Deployment shop/web",
        "ConfigMap other/elsewhere",
    ]


def test_the_template_of_an_object_is_known() -> None:
    found = parse_manifest(TEXT, "shop", namespaced).objects
    assert found[ObjectRef("apps/v1", "Deployment", "web", "shop")].source == "app/templates/app.yaml"


def test_hooks_are_kept_apart() -> None:
    assert [str(ref) for ref in parse_manifest(TEXT, "shop", namespaced).hooks] == ["Pod shop/check"]


def test_images_are_those_of_the_objects() -> None:
    assert parse_manifest(TEXT, "shop", namespaced).images() == ["registry.example/setup:2", "registry.example/web:1"]


def test_a_list_is_its_items() -> None:
    text = "kind: List\napiVersion: v1\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: a}}\n"
    assert [str(ref) for ref in parse_manifest(text, "shop", namespaced).objects] == ["Service shop/a"]


BROKEN: list[tuple[str, str, str]] = [
    (
        "the same object twice",
        "# Source: app/templates/a.yaml\n{apiVersion: v1, kind: Service, metadata: {name: a}}\n"
        "---\n# Source: app/templates/b.yaml\n{apiVersion: v1, kind: Service, metadata: {name: a}}\n",
        r"app/templates/b.yaml: Service shop/a is rendered twice, also by app/templates/a.yaml",
    ),
    ("no object", "# Source: app/templates/a.yaml\njust text\n", "is not a Kubernetes object"),
    ("no YAML", "# Source: app/templates/a.yaml\na: [\n", "the rendered document is not YAML"),
]


@pytest.mark.parametrize(("text", "message"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_broken_manifest_names_its_template(text: str, message: str) -> None:
    with pytest.raises(ReleaseError, match=message):
        parse_manifest(text, "shop", namespaced)


STORED: list[tuple[dict[str, t.Any], dict[str, t.Any]]] = [
    ({"kind": "Secret", "stringData": {"a": "x"}}, {"kind": "Secret", "data": {"a": "eA=="}}),
    (
        {"kind": "Secret", "data": {"b": "eQ=="}, "stringData": {"a": "x"}},
        {"kind": "Secret", "data": {"a": "eA==", "b": "eQ=="}},
    ),
    ({"kind": "ConfigMap", "stringData": {"a": "x"}}, {"kind": "ConfigMap", "stringData": {"a": "x"}}),
]


@pytest.mark.parametrize(("body", "stored"), STORED)
def test_string_data_is_stored_as_data(body: dict[str, t.Any], stored: dict[str, t.Any]) -> None:
    assert as_stored(body) == stored
