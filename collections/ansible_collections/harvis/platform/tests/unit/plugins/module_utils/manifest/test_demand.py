"""The scheduler's arithmetic."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.manifest.demand import demand, gpus
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.workloads import deployment, one_pod

RESOURCES = "resources: {requests: {cpu: 100m, memory: 1Gi}, limits: {memory: 2Gi, nvidia.com/gpu: 1}}"
SIDECAR = "initContainers: [{name: side, restartPolicy: Always, resources: {requests: {cpu: 1, nvidia.com/gpu: 1}}}]"
INIT = "initContainers: [{name: init, resources: {requests: {cpu: 3}}}]"
BOTH = """
initContainers:
  - {name: side, restartPolicy: Always, resources: {requests: {cpu: 1}}}
  - {name: init, resources: {requests: {cpu: 3}}}
"""
DEMANDS = [
    pytest.param("", RESOURCES, {"cpu": 0.1, "memory": 1 << 30, "nvidia.com/gpu": 1}, id="missing-request-is-limit"),
    pytest.param(SIDECAR, RESOURCES, {"cpu": 1.1, "memory": 1 << 30, "nvidia.com/gpu": 2}, id="sidecars-run-beside"),
    pytest.param(INIT, RESOURCES, {"cpu": 3, "memory": 1 << 30, "nvidia.com/gpu": 1}, id="init-runs-before"),
    pytest.param(BOTH, "", {"cpu": 4}, id="init-runs-beside-earlier-sidecars"),
    pytest.param("overhead: {cpu: 250m}", "", {"cpu": 0.25}, id="overhead"),
    pytest.param(
        "resources: {requests: {cpu: 2}}", RESOURCES, {"cpu": 2, "memory": 1 << 30, "nvidia.com/gpu": 1}, id="pod"
    ),
    pytest.param("", "resources: {requests: {cpu: much}}", {}, id="no-quantity"),
]


@pytest.mark.parametrize(("pod", "container", "wanted"), DEMANDS)
def test_what_a_pod_asks_for(pod: str, container: str, wanted: dict[str, float]) -> None:
    asked = demand(one_pod(deployment(container, pod=pod)))

    assert {name: float(amount) for name, amount in asked.items()} == wanted


def test_cards_of_every_maker_count_and_slices_do_not() -> None:
    container = "resources: {limits: {nvidia.com/gpu: 2, amd.com/gpu: 1, nvidia.com/mig-1g.5gb: 4}}"

    assert gpus(demand(one_pod(deployment(container)))) == 3
