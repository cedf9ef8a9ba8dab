"""Restarts that a start of the node explains, and those that need an explanation."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import moment
from ansible_collections.harvis.platform.plugins.module_utils.rollout.restarts import judge
from ansible_collections.harvis.platform.plugins.module_utils.rollout.starts import node_start


def restarted(make: t.Any, begun: str, count: int = 1, **ended: t.Any) -> t.Any:
    last = {"terminated": {"exitCode": 137, "reason": "Error", "finishedAt": "2026-03-01T13:00:00Z", **ended}}
    return make.pod(make.state(restartCount=count, state={"running": {"startedAt": begun}}, lastState=last))


# The pod of every row was deployed at 12:00:00.
@pytest.mark.parametrize(
    ("node_started", "begun", "explained"),
    [
        ("2026-03-01T11:00:00Z", "2026-03-01T12:00:40Z", False),  # deployed after the node's start
        ("2026-03-01T11:58:00Z", "2026-03-01T12:00:40Z", False),  # however short after it
        ("2026-03-01T13:00:00Z", "2026-03-01T13:00:05Z", True),  # came back with the node
        ("2026-03-01T13:00:00Z", "2026-03-01T13:04:59Z", True),  # while its neighbours came back
        ("2026-03-01T13:00:00Z", "2026-03-01T13:05:01Z", False),  # later than that
        ("2026-03-01T13:00:00Z", "2026-03-01T12:30:00Z", True),  # before the node's last start
        (None, "2026-03-01T12:30:00Z", False),  # nothing is known of the node
    ],
)
def test_only_a_start_of_the_node_after_the_deployment_explains(
    make: t.Any, node_started: str | None, begun: str, explained: bool
) -> None:
    found = judge(restarted(make, begun), moment(node_started))

    assert (bool(found.listed), bool(found.findings)) == (explained, not explained)


def test_a_container_that_never_restarted_is_not_mentioned(make: t.Any) -> None:
    found = judge(make.pod(), moment("2026-03-01T13:00:00Z"))

    assert (found.listed, found.findings) == ((), ())


@pytest.mark.parametrize(
    ("ended", "code", "words"),
    [
        ({}, "ROL-RESTART", "last ended at 2026-03-01T13:00:00Z with exit code 137 (killed (SIGKILL))"),
        ({"reason": "OOMKilled"}, "ROL-MEMORY", "exit code 137 (killed (SIGKILL), OOMKilled)"),
    ],
)
def test_an_unexplained_restart_says_how_it_ended(make: t.Any, ended: dict[str, str], code: str, words: str) -> None:
    [found] = judge(restarted(make, "2026-03-01T13:00:01Z", count=3, **ended), None).findings

    assert (found.code, found.subject) == (code, "vhm/indexer-6c6bc8745b-kl29h indexer")
    assert found.cause == "restarted 3 times since it was deployed and its node started"
    assert words in found.evidence
    assert "kubectl logs -n vhm indexer-6c6bc8745b-kl29h -c indexer --previous" in found.fix


def test_init_containers_that_ran_again_with_the_node_are_explained(make: t.Any) -> None:
    ran = {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": "2026-03-01T13:00:20Z"}}
    pod = make.pod(initContainerStatuses=[make.state(name="model", restartCount=1, state=ran)])

    assert judge(pod, moment("2026-03-01T13:00:00Z")).listed == ("model restarted once up to its node's start",)


def test_a_recorded_start_is_found_though_its_event_and_condition_do_not_tell(
    restarted_node: dict[str, list[t.Any]],
) -> None:
    [node] = restarted_node["nodes"]

    assert node["status"]["conditions"][-1]["lastTransitionTime"] == "2026-11-22T07:02:26Z", "the start went unnoticed"
    started = node_start(node, restarted_node["system_pods"], [])

    assert started == dt.datetime(2026, 11, 22, 7, 3, 12, tzinfo=dt.UTC)
    assert [judge(pod, started).findings for pod in restarted_node["system_pods"]] == [()] * 7


def test_a_restart_of_the_kubelet_alone_explains_nothing(restarted_node: dict[str, list[t.Any]]) -> None:
    told = [
        event["lastTimestamp"] for event in restarted_node["node_events"] if event.get("message") == "Starting kubelet."
    ]

    assert max(told) == "2026-11-22T07:16:56Z"
    started = node_start(restarted_node["nodes"][0], restarted_node["system_pods"], restarted_node["node_events"])

    assert started == dt.datetime(2026, 11, 22, 7, 3, 12, tzinfo=dt.UTC)


def test_a_leader_that_restarted_later_does_not_move_the_nodes_start(restarted_node: dict[str, list[t.Any]]) -> None:
    pods = restarted_node["system_pods"]
    manager = next(pod for pod in pods if pod["metadata"]["name"].startswith("kube-controller-manager"))
    manager["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] = "2026-11-22T09:00:00Z"

    started = node_start(restarted_node["nodes"][0], pods, [])

    assert started == dt.datetime(2026, 11, 22, 7, 3, 12, tzinfo=dt.UTC)


def test_without_containers_of_its_own_the_kubelets_events_tell(restarted_node: dict[str, list[t.Any]]) -> None:
    started = node_start(restarted_node["nodes"][0], [], restarted_node["node_events"])

    assert started == dt.datetime(2026, 11, 22, 7, 16, 56, tzinfo=dt.UTC)


def test_a_node_that_was_missed_started_when_it_came_back(make: t.Any) -> None:
    assert node_start(make.node(since="2026-03-01T13:00:00Z"), [], []) == moment("2026-03-01T13:00:00Z")
    assert node_start(make.node("Unknown", since="2026-03-01T13:00:00Z"), [], []) is None
