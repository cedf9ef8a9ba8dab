"""A whole snapshot, judged."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Evidence
from ansible_collections.harvis.platform.plugins.module_utils.rollout.assess import Expected, assess
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import Snapshot

POD = "vhm/indexer-6c6bc8745b-kl29h"
LIMITS = {"limits": {"memory": "256Mi"}}
NO_GPU = "CPU only: no node offers a GPU and none is expected"


def rows(snapshot: Snapshot, **expected: t.Any) -> list[Evidence]:
    return [proof.row for proof in assess(snapshot, Expected(**expected))]


def test_a_healthy_platform(make: t.Any) -> None:
    found = rows(
        make.snapshot(),
        images={"vhm/indexer": {"indexer": make.image}},
        image_ids={make.image: make.image_id},
        resources={"vhm/indexer": {"indexer": LIMITS}},
    )

    assert found == [
        Evidence("pods", POD, True, "Ready, never restarted", 0.25),
        Evidence("image-digest", "vhm/indexer", True, f"{make.image} is sha256:4237d9ebff6f", 0.25),
        Evidence("limits", "vhm/indexer indexer", True, "memory 256Mi of 256Mi", 0.25),
        Evidence("gpu", "nodes", True, NO_GPU, 0.25),
    ]


def test_a_pod_that_is_not_ready_fails_alone(make: t.Any) -> None:
    bad = make.pod(make.waiting("ImagePullBackOff", "denied"), name="indexer-6c6bc8745b-zzzzz")

    found = rows(make.snapshot(make.pod(), bad, workloads=[]))

    assert [(row.subject, row.passed) for row in found if row.check == "pods"] == [
        (POD, True),
        ("vhm/indexer-6c6bc8745b-zzzzz", False),
    ]
    assert found[1].evidence == f"image {make.image} cannot be had: ImagePullBackOff (denied)"


def test_a_crash_is_one_finding_not_two(make: t.Any) -> None:
    last = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-03-01T12:00:40Z"}}
    crashed = make.pod(make.waiting("CrashLoopBackOff", restartCount=4, lastState=last))

    [pods, *_] = assess(make.snapshot(crashed), Expected())

    assert [finding.code for finding in pods.findings] == ["ROL-CRASH"]


def test_a_ready_pod_that_restarted_fails(make: t.Any) -> None:
    last = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-03-01T12:30:00Z"}}
    running = {"running": {"startedAt": "2026-03-01T12:30:01Z"}}

    [pods, *_] = assess(make.snapshot(make.pod(make.state(restartCount=1, state=running, lastState=last))), Expected())

    assert (pods.row.passed, [finding.code for finding in pods.findings]) == (False, ["ROL-MEMORY"])


def test_a_restart_with_the_node_is_listed(make: t.Any) -> None:
    running = {"running": {"startedAt": "2026-03-01T13:00:10Z"}}
    pod = make.pod(make.state(restartCount=2, state=running))

    [row, *_] = rows(make.snapshot(pod, nodes=[make.node(since="2026-03-01T13:00:00Z")]))

    assert (row.passed, row.evidence) == (True, "Ready, indexer restarted 2 times up to its node's start")


def test_pods_that_are_done_or_leaving_do_not_count(make: t.Any) -> None:
    done = make.pod(make.state(ready=False), name="test-connection", phase="Succeeded")
    leaving = make.pod(make.state(ready=False), name="indexer-old")
    leaving["metadata"]["deletionTimestamp"] = "2026-03-01T12:10:00Z"

    assert [row.subject for row in rows(make.snapshot(make.pod(), done, leaving))] == [POD, "nodes"]


def test_a_container_without_a_status_is_not_ready(make: t.Any) -> None:
    pod = make.pod()
    pod["spec"]["containers"].append({"name": "ollama", "image": "x", "resources": {}})

    assert rows(make.snapshot(pod))[0].passed is False


QUOTA = 'pods "indexer-" is forbidden: exceeded quota: compute, requested: memory=256Mi'


@pytest.mark.parametrize(
    ("workload", "events", "evidence"),
    [
        ({"replicas": 1}, [], "0 of 1 pods are there"),
        ({"replicas": None}, [], "0 of 1 pods are there"),
        (
            {"status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": QUOTA}]}},
            [],
            f"0 of 1 pods are there: quota compute is used up: requested: memory=256Mi ({QUOTA})",
        ),
        (
            {},
            [("FailedCreate", QUOTA, "uid-indexer-6c6bc8745b")],
            f"0 of 1 pods are there: quota compute is used up: requested: memory=256Mi ({QUOTA})",
        ),
        ({}, [("FailedCreate", QUOTA, "uid-other")], "0 of 1 pods are there"),
        ({"kind": "DaemonSet", "status": {"desiredNumberScheduled": 2}}, [], "0 of 2 pods are there"),
    ],
)
def test_pods_that_were_never_made_are_missed(
    make: t.Any, workload: dict[str, t.Any], events: list[tuple[str, str, str]], evidence: str
) -> None:
    snapshot = make.snapshot(
        workloads=[make.workload(**workload)],
        events=[make.event(reason, message, uid=uid) for reason, message, uid in events],
    )
    snapshot.pods.clear()

    [missed, _] = rows(snapshot)

    assert (missed.check, missed.subject, missed.passed, missed.evidence) == ("pods", "vhm/indexer", False, evidence)


def test_a_workload_scaled_to_nothing_is_not_missed(make: t.Any) -> None:
    snapshot = make.snapshot(workloads=[make.workload(replicas=0)])
    snapshot.pods.clear()

    assert [row.check for row in rows(snapshot)] == ["gpu"]


def test_a_stateful_set_owns_its_pods_directly(make: t.Any) -> None:
    pod = make.pod(name="kafka-0")
    pod["metadata"]["ownerReferences"] = [{"kind": "StatefulSet", "name": "kafka", "controller": True}]
    snapshot = make.snapshot(pod, workloads=[make.workload("StatefulSet", "kafka")])

    found = rows(snapshot, images={"vhm/kafka": {"indexer": make.image}})

    assert [(row.check, row.passed) for row in found] == [("pods", True), ("image-digest", True), ("gpu", True)]


def test_an_expected_workload_that_is_not_there_fails_both_rows(make: t.Any) -> None:
    found = rows(
        make.snapshot(), images={"vhm/reteller": {"reteller": "x"}}, resources={"vhm/reteller": {"reteller": {}}}
    )

    assert [(row.check, row.evidence) for row in found if not row.passed] == [
        ("image-digest", "no pod of this workload is there"),
        ("limits", "no pod of this workload is there"),
    ]


@pytest.mark.fault("F11", code="GPU-COUNT", when="after deploy", by="recorded cluster")
@pytest.mark.parametrize(
    ("offered", "wanted", "passed", "evidence"),
    [
        ({}, 0, True, NO_GPU),
        ({"nvidia.com/gpu": "0"}, 0, True, NO_GPU),
        ({"nvidia.com/gpu": "2"}, 2, True, "node offers 2, 2 needed"),
        ({"nvidia.com/gpu": "2"}, 0, True, "node offers 2, 0 needed"),
        ({"nvidia.com/gpu": "1"}, 2, False, "the nodes offer 1, the platform needs 2 (node: 1)"),
        ({}, 1, False, "the nodes offer 0, the platform needs 1 (node: 0)"),
    ],
)
def test_gpus_are_counted(make: t.Any, offered: dict[str, str], wanted: int, passed: bool, evidence: str) -> None:
    row = rows(make.snapshot(nodes=[make.node(**offered)]), gpus=wanted)[-1]

    assert (row.check, row.passed, row.evidence) == ("gpu", passed, evidence)
