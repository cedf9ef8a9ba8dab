"""RES-LIMIT, RES-NODE and quantities that are none."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import NodeCapacity
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.resources import DETECTORS
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.workloads import (
    deployment,
    findings,
    found,
    node,
    not_checked,
    subject,
)

AT = "/spec/template/spec/containers/0/resources"
LIMITS = [
    ("requests: {cpu: 2}, limits: {cpu: 1500m}", [("RES-LIMIT", f"{AT}/requests/cpu")]),
    ("requests: {memory: 1Gi}, limits: {memory: 1G}", [("RES-LIMIT", f"{AT}/requests/memory")]),
    ("requests: {memory: 1G}, limits: {memory: 1Gi}", []),
    ("requests: {cpu: 1}, limits: {cpu: 1000m}", []),
    ("requests: {cpu: 1}", []),
    ("limits: {cpu: 1}", []),
    ("requests: {nvidia.com/gpu: 2}, limits: {nvidia.com/gpu: 1}", []),  # GPU-LIMIT says it
    ("limits: {memory: 2GB}", [("REL-UNKNOWN", f"{AT}/limits/memory")]),
    ("limits: null, requests: {memory: null}", []),
    ("limits: [1], requests: much", []),
]


@pytest.mark.parametrize(("resources", "wanted"), LIMITS)
def test_requests_against_limits(resources: str, wanted: list[tuple[str, str]]) -> None:
    assert found(DETECTORS, subject(deployment(f"resources: {{{resources}}}"))) == wanted


TWO = "initContainers: [{name: side, restartPolicy: Always, resources: {requests: {memory: 20Gi}}}]"
NODES = [
    pytest.param("requests: {memory: 16Gi}", [node(gib=8)], f"{AT}/requests/memory", id="memory"),
    pytest.param("requests: {memory: 16Gi}", [node(gib=8), node(gib=16)], "", id="one-node-is-enough"),
    pytest.param("limits: {cpu: 9}", [node(cpu=8)], f"{AT}/limits/cpu", id="limit-is-request"),
    pytest.param(
        "requests: {cpu: 8, memory: 1Gi}", [node(8, 0.5), node(4, 64)], f"{AT}/requests/memory", id="not-both"
    ),
    pytest.param("requests: {cpu: 8}", [node(cpu=8)], "", id="exactly"),
]


@pytest.mark.parametrize(("resources", "nodes", "field"), NODES)
def test_a_pod_against_the_nodes(resources: str, nodes: list[NodeCapacity], field: str) -> None:
    given = subject(deployment(f"resources: {{{resources}}}"), nodes=nodes)

    assert found(DETECTORS, given) == ([("RES-NODE", field)] if field else [])


def test_the_largest_container_is_shown_and_the_numbers_are_said() -> None:
    given = subject(deployment("resources: {requests: {memory: 16Gi, cpu: 500m}}", pod=TWO), nodes=[node(gib=32)])
    (finding,) = findings(DETECTORS, given)

    assert finding.place is not None
    assert finding.place.field == "/spec/template/spec/initContainers/0/resources/requests/memory"
    assert "requests 0.5 CPU and 36Gi" in finding.cause
    assert finding.evidence == "the nodes have 8 CPU and 32Gi"


def test_without_nodes_it_is_not_checked() -> None:
    assert not_checked(DETECTORS, subject(deployment("resources: {requests: {cpu: 1}}"))) == [
        "whether each pod's requests of CPU and memory fit a node: no node is known"
    ]
    assert not_checked(DETECTORS, subject(deployment())) == []
