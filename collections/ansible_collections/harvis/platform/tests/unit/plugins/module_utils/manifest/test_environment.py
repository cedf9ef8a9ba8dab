"""The environment of a container is the one that the kubelet builds."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import (
    Environment,
    Source,
    Unresolved,
    Variable,
    effective_environment,
    expand,
)
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.wiring import (
    container,
    first_container,
    read,
)

CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: config, namespace: shop}
data: {LEVEL: info, EMPTY: "", SIZE: "25"}
binaryData: {BLOB: AAEC}
"""
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: secret, namespace: shop}
data: {LEVEL: ZGVidWc=, TOKEN: dDBrZW4=, RAW: //79}
stringData: {TOKEN: later}
"""


def environment(body: str) -> Environment:
    found = read(container(body), CONFIG, SECRET).objects
    return effective_environment(found, first_container(found))


def values(body: str) -> dict[str, str | None]:
    return {name: variable.value for name, variable in environment(body).variables.items()}


CASES = [
    pytest.param(
        "envFrom: [{configMapRef: {name: config}}]",
        {"LEVEL": "info", "EMPTY": "", "SIZE": "25"},
        id="all-keys-but-binary",
    ),
    pytest.param(
        "envFrom: [{secretRef: {name: secret}, prefix: S_}]",
        {"S_LEVEL": "debug", "S_TOKEN": "later", "S_RAW": None},
        id="prefix-decoded-and-stringData-over-data",
    ),
    pytest.param(
        "envFrom: [{configMapRef: {name: config}}, {secretRef: {name: secret}}]",
        {"LEVEL": "debug", "EMPTY": "", "SIZE": "25", "TOKEN": "later", "RAW": None},
        id="the-later-source-wins",
    ),
    pytest.param(
        "envFrom: [{configMapRef: {name: config}}]\nenv: [{name: LEVEL, value: warn}]",
        {"LEVEL": "warn", "EMPTY": "", "SIZE": "25"},
        id="env-beats-envFrom",
    ),
    pytest.param("env: [{name: A, value: one}, {name: A, value: two}]", {"A": "two"}, id="the-last-of-two-wins"),
    pytest.param("env: [{name: A}, {name: B, value: null}]", {"A": "", "B": ""}, id="no-value-is-empty"),
    pytest.param("env: [{name: A, value: x}, {name: B, value: $(A)-$(A)}]", {"A": "x", "B": "x-x"}, id="expansion"),
    pytest.param("env: [{name: B, value: $(A)}, {name: A, value: x}]", {"B": "$(A)", "A": "x"}, id="no-later-names"),
    pytest.param(
        "envFrom: [{configMapRef: {name: config}}]\nenv: [{name: B, value: $(LEVEL)}]",
        {"LEVEL": "info", "EMPTY": "", "SIZE": "25", "B": "info"},
        id="expansion-of-envFrom",
    ),
    pytest.param(
        "env: [{name: A, valueFrom: {secretKeyRef: {name: secret, key: LEVEL}}}]", {"A": "debug"}, id="one-key"
    ),
    pytest.param(
        "env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]", {"A": None}, id="only-when-running"
    ),
    pytest.param(
        "env: [{name: A, valueFrom: {configMapKeyRef: {name: config, key: BLOB}}}]", {}, id="binary-is-no-text"
    ),
    pytest.param(
        "env: [{name: A, valueFrom: {configMapKeyRef: {name: other, key: K}}}]", {"A": None}, id="unknown-object"
    ),
    pytest.param(
        "env: [{name: A, valueFrom: {configMapKeyRef: {name: other, key: K, optional: true}}}]",
        {},
        id="optional-object",
    ),
]


@pytest.mark.parametrize(("body", "wanted"), CASES)
def test_values(body: str, wanted: dict[str, str | None]) -> None:
    assert values(body) == wanted


def test_a_variable_knows_its_source_and_what_it_beats() -> None:
    found = environment("envFrom: [{configMapRef: {name: config}}]\nenv: [{name: LEVEL, value: '$(SIZE)'}]")

    beaten = Source("ConfigMap", "/envFrom/0", "config", "LEVEL")
    assert found.variables["LEVEL"] == Variable(
        "LEVEL", "25", Source("value", "/env/0"), "$(SIZE)", ((beaten, "info"),)
    )
    assert found.variables["SIZE"].source.bulk
    assert found.complete


def test_references_that_give_nothing() -> None:
    found = environment(
        """
        envFrom: [{secretRef: {name: vault, optional: true}}]
        env:
          - {name: A, valueFrom: {configMapKeyRef: {name: config, key: LEVLE}}}
          - {name: B, valueFrom: {secretKeyRef: {name: vault, key: K}}}
        """,
    )

    assert found.unresolved == (
        Unresolved("", Source("Secret", "/envFrom/0", "vault", "", True), object_found=False),
        Unresolved("A", Source("ConfigMap", "/env/0", "config", "LEVLE"), object_found=True),
        Unresolved("B", Source("Secret", "/env/1", "vault", "K"), object_found=False),
    )
    assert not found.complete


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("$(A)", "1"), ("$$(A)", "$(A)"), ("$(B)", "$(B)"), ("$(C)", "$(C)"), ("a$b $", "a$b $"), ("$(A)$(A", "1$(A")],
)
def test_expansion(text: str, wanted: str) -> None:
    assert expand(text, {"A": "1", "C": None}) == wanted
