"""Who holds the GPUs that a pod waits for, from pods and nodes as an API server gives them (recorded shapes)."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.promised import (
    asked,
    free,
    holders,
    waiting_pods,
)

NO_ROOM = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available."


@pytest.mark.parametrize(("shares", "count"), [((1,), 1), ((1, 1), 2), ((0,), 0), ((), 0)])
def test_what_a_pod_takes_is_the_sum_of_its_containers(make: t.Any, shares: tuple[int, ...], count: int) -> None:
    assert asked(make.tenant("pod", *shares)) == count


def test_a_pod_that_ended_or_waits_holds_nothing(make: t.Any) -> None:
    pods = [make.tenant("a", 1), make.tenant("b", 1, phase="Succeeded"), make.tenant("c", 1, message=NO_ROOM)]

    assert holders(pods) == {"workstation": {"ai-agents/a": 1}}
    assert free(make.node(has=2), pods) == 1


@pytest.mark.fault(code="PLG-PROMISED", by="recorded cluster")
def test_the_pod_that_holds_the_card_is_named(make: t.Any, fake_cluster: t.Any) -> None:
    cluster = fake_cluster(make.node(has=1), make.tenant("ollama-0", 1), make.tenant("worker", 1, message=NO_ROOM))
    (finding,) = waiting_pods(cluster)

    assert (finding.code, finding.subject) == ("PLG-PROMISED", "ai-agents/Pod/worker")
    assert finding.cause == "waits for 1 nvidia.com/gpu; what there is has been promised to ai-agents/ollama-0"
    assert finding.evidence == f"workstation: ai-agents/ollama-0 1 of 1; {NO_ROOM}"


@pytest.mark.fault("F15", code="GPU-POD", when="after deploy", by="recorded cluster")
def test_two_containers_of_one_pod_that_each_ask_for_the_only_card(make: t.Any, fake_cluster: t.Any) -> None:
    cluster = fake_cluster(make.node(has=1), make.tenant("merged-0", 1, 1, message=NO_ROOM))
    (finding,) = waiting_pods(cluster)

    assert finding.code == "GPU-POD"
    assert "containers each ask for their own nvidia.com/gpu, 2 together" in finding.cause
    assert finding.evidence == "c0 1, c1 1; nodes: workstation 1"
    assert "gpu_plugin_shares to 2" in finding.fix


def test_the_same_pod_finds_its_shares_where_the_card_is_shared(make: t.Any, fake_cluster: t.Any) -> None:
    assert waiting_pods(fake_cluster(make.node(has=2), make.tenant("merged-0", 1, 1))) == []


OTHER_CAUSES = ["0/1 nodes are available: 1 Insufficient cpu.", ""]


@pytest.mark.parametrize("message", OTHER_CAUSES)
def test_a_pod_that_waits_for_something_else_is_no_matter_of_gpus(
    make: t.Any, fake_cluster: t.Any, message: str
) -> None:
    pod = make.tenant("worker", 1, message=message)

    assert waiting_pods(fake_cluster(make.node(has=1), pod)) == []
