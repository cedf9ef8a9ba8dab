"""Pods that run what lies under their image's name no longer: found, and restarted in order."""

from __future__ import annotations

import copy
import datetime as dt
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.rollout.renewal import RESTARTED, renewals, restart
from ansible_collections.harvis.platform.tests.unit.pods import IMAGE, IMAGE_ID, Make

OTHER = "sha256:" + "0" * 64
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
DEPLOYMENT = ObjectRef("apps/v1", "Deployment", "indexer", "vhm")


def owner(kind: str, name: str) -> list[Object]:
    return [{"kind": kind, "name": name, "controller": True}]


class OneCluster:
    """A Deployment with its ReplicaSet and the pods that are handed in; patches are kept."""

    def __init__(self, *pods: Object, annotations: dict[str, str] | None = None) -> None:
        self.pods = pods
        template: Object = {"metadata": {"annotations": annotations} if annotations else {}}
        self.objects = {
            "ReplicaSet": {"metadata": {"ownerReferences": owner("Deployment", "indexer")}},
            "Deployment": {"metadata": {"name": "indexer"}, "spec": {"template": template}},
        }
        self.patches: list[tuple[ObjectRef, list[Object]]] = []

    def find(self, _api: str, kind: str, *, namespace: str) -> list[Object]:
        return [copy.deepcopy(pod) for pod in self.pods if kind == "Pod" and namespace == "vhm"]

    def get(self, ref: ObjectRef) -> Object | None:
        return self.objects.get(ref.kind)

    def patch(self, ref: ObjectRef, operations: list[Object]) -> None:
        self.patches.append((ref, operations))


def found(ids: dict[str, str], *pods: Object) -> list[tuple[str, str]]:
    cluster = t.cast(t.Any, OneCluster(*pods))
    return [(str(renewal.workload), renewal.why) for renewal in renewals(cluster, ["vhm", "vhm"], ids)]


def test_a_workload_is_named_once_with_both_identities() -> None:
    told = found({IMAGE: OTHER}, Make.pod(), Make.pod(name="indexer-6c6bc8745b-abcde"))
    assert told == [(str(DEPLOYMENT), f"indexer runs {IMAGE_ID[:19]}, and {IMAGE} is {OTHER[:19]} now")]


@pytest.mark.parametrize(
    "ids",
    [{IMAGE: IMAGE_ID}, {"harvis.local/other:1": OTHER}, {IMAGE: ""}, {}],
    ids=["the same", "another name", "unknown", "nothing brought"],
)
def test_nothing_is_restarted_without_a_difference(ids: dict[str, str]) -> None:
    assert found(ids, Make.pod()) == []


def test_a_stateful_set_owns_its_pods_itself() -> None:
    pod = Make.pod()
    pod["metadata"]["ownerReferences"] = owner("StatefulSet", "kafka")
    assert [name for name, _ in found({IMAGE: OTHER}, pod)] == [
        str(ObjectRef("apps/v1", "StatefulSet", "kafka", "vhm"))
    ]


@pytest.mark.parametrize("owners", [[], owner("Job", "once")], ids=["nobody's", "a job's"])
def test_a_pod_that_no_rollout_makes_is_left_alone(owners: list[Object]) -> None:
    pod = Make.pod()
    pod["metadata"]["ownerReferences"] = owners
    assert found({IMAGE: OTHER}, pod) == []


def test_what_is_about_to_go_or_has_no_image_yet_is_left_alone() -> None:
    assert found({IMAGE: OTHER}, Make.pod(Make.state(imageID="", ready=False))) == []
    assert found({IMAGE: OTHER}, Make.pod(phase="Succeeded")) == []


@pytest.mark.parametrize(
    ("annotations", "operation"),
    [
        (
            {"checksum/config": "1"},
            {
                "path": "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt",
                "value": "2026-03-01T12:00:00Z",
            },
        ),
        (None, {"path": "/spec/template/metadata/annotations", "value": {RESTARTED: "2026-03-01T12:00:00Z"}}),
    ],
    ids=["beside others", "the first"],
)
def test_a_restart_is_what_kubectl_writes(annotations: dict[str, str] | None, operation: Object) -> None:
    cluster = OneCluster(Make.pod(), annotations=annotations)
    restart(t.cast(t.Any, cluster), renewals(t.cast(t.Any, cluster), ["vhm"], {IMAGE: OTHER})[0], NOW)
    assert cluster.patches == [(DEPLOYMENT, [{"op": "add", **operation}])]
