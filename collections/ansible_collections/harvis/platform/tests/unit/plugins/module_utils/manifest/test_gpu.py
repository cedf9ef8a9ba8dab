"""GPU-LIMIT, GPU-POD and GPU-SURGE."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import NodeCapacity
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.gpu import DETECTORS
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.workloads import (
    deployment,
    findings,
    found,
    node,
    not_checked,
    subject,
)

AT = "/spec/template/spec/containers/0/resources"
ONE = "resources: {limits: {nvidia.com/gpu: 1}}"
RECREATE = "strategy: {type: Recreate}"
SIDE = "initContainers: [{name: side, restartPolicy: Always, resources: {limits: {nvidia.com/gpu: 1}}}]"
ROLLING = "strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: %s, maxUnavailable: %s}}"


@pytest.mark.parametrize(
    ("resources", "wanted"),
    [
        ("requests: {nvidia.com/gpu: 1}", True),
        ("requests: {nvidia.com/gpu: 1}, limits: {nvidia.com/gpu: 2}", True),
        ("requests: {amd.com/gpu: 1}, limits: {cpu: 1}", True),
        ("requests: {nvidia.com/gpu: 1}, limits: {nvidia.com/gpu: 1}", False),
        ("limits: {nvidia.com/gpu: 1}", False),
    ],
)
def test_a_gpu_needs_its_limit(resources: str, wanted: bool) -> None:
    given = subject(deployment(f"resources: {{{resources}}}", spec=RECREATE))

    assert [code for code, _ in found(DETECTORS, given)] == ["GPU-LIMIT"] * wanted


PODS = [
    pytest.param(ONE, "", RECREATE, [node(gpus=1)], "", id="fits"),
    pytest.param(ONE, "", RECREATE, [node()], f"{AT}/limits/nvidia.com~1gpu", id="no-gpu-at-all"),
    pytest.param(ONE, SIDE, RECREATE, [node(gpus=1), node(gpus=1)], f"{AT}/limits/nvidia.com~1gpu", id="two-nodes"),
    pytest.param(ONE, SIDE, RECREATE, [node(gpus=2)], "", id="two-on-one-node"),
    pytest.param(ONE, "", f"replicas: 3\n{RECREATE}", [node(gpus=2)], "/spec/replicas", id="replicas"),
    pytest.param(ONE, SIDE, f"replicas: 2\n{RECREATE}", [node(gpus=3)], "/spec/replicas", id="a-rest-is-no-place"),
    pytest.param(ONE, SIDE, f"replicas: 0\n{RECREATE}", [node(gpus=1)], f"{AT}/limits/nvidia.com~1gpu", id="later"),
]


@pytest.mark.parametrize(("container", "pod", "spec", "nodes", "field"), PODS)
def test_pods_against_the_nodes(container: str, pod: str, spec: str, nodes: list[NodeCapacity], field: str) -> None:
    given = subject(deployment(container, pod=pod, spec=spec), nodes=nodes)

    assert found(DETECTORS, given) == ([("GPU-POD", field)] if field else [])


def test_the_containers_are_named() -> None:
    (finding,) = findings(DETECTORS, subject(deployment(ONE, pod=SIDE, spec=RECREATE), nodes=[node(gpus=1)]))

    assert finding.cause == "the containers of one pod together ask for 2 GPUs, and no node has as many"
    assert finding.evidence == "side 1, web 1; GPUs of the nodes: 1; all that is deployed here asks for 2"


INIT = "initContainers: [{name: init, resources: {limits: {nvidia.com/gpu: 1}}}]"


@pytest.mark.parametrize(("pod", "wanted"), [(SIDE, True), (INIT, False), ("", False)])
def test_without_nodes_two_containers_with_a_gpu_are_pointed_out(pod: str, wanted: bool) -> None:
    given = subject(deployment(ONE, pod=pod, spec=RECREATE))

    assert found(DETECTORS, given) == [("GPU-EACH", f"{AT}/limits/nvidia.com~1gpu")] * wanted


def test_without_nodes_it_is_not_checked() -> None:
    assert not_checked(DETECTORS, subject(deployment(ONE, spec=RECREATE))) == [
        "whether there are enough GPUs: no node is known (asked for by one pod each: Deployment web 1)"
    ]


SURGES = [
    pytest.param("", [], True, id="defaults-and-a-single-pod"),
    pytest.param("replicas: 2", [], False, id="more-pods-and-nobody-knows"),
    pytest.param("", [node(gpus=1)], True, id="one-card"),
    pytest.param("", [node(gpus=2)], False, id="a-card-is-free"),
    pytest.param(RECREATE, [node(gpus=1)], False, id="recreate"),
    pytest.param(ROLLING % (0, 1), [node(gpus=1)], False, id="the-old-goes-first"),
    pytest.param(ROLLING % (1, 0), [node(gpus=1)], True, id="said-so"),
    pytest.param(f"replicas: 2\n{ROLLING % (1, 0)}", [node(gpus=1), node(gpus=1)], True, id="two-nodes-full"),
    pytest.param("replicas: 4", [node(gpus=4)], False, id="a-quarter-may-go"),
]


@pytest.mark.parametrize(("spec", "nodes", "wanted"), SURGES)
def test_rolling_updates(spec: str, nodes: list[NodeCapacity], wanted: bool) -> None:
    codes = [code for code, _ in found(DETECTORS, subject(deployment(ONE, spec=spec), nodes=nodes))]

    assert codes == ["GPU-SURGE"] * wanted
