"""Which pods a recovery replaces, and which it leaves alone."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.recovery.renew import renew
from ansible_collections.harvis.platform.plugins.modules import pod_renew
from ansible_collections.harvis.platform.tests.unit.fakes import run_main
from ansible_collections.harvis.platform.tests.unit.pods import BEGUN, IMAGE, IMAGE_ID, FakeCluster, Make, Object

NOW = dt.datetime(2026, 3, 1, 13, tzinfo=dt.UTC)
POD = "vhm/indexer-6c6bc8745b-kl29h"
LATER = "2026-03-01T12:30:00Z"


def reading(kind: str = "configMapKeyRef") -> Object:
    pod = Make.pod()
    pod["spec"]["containers"][0]["env"] = [{"name": "A", "valueFrom": {kind: {"name": "vhm-config", "key": "A"}}}]
    return pod


def written(*times: str, kind: str = "ConfigMap") -> dict[str, list[Object]]:
    return {kind: [{"metadata": {"name": "vhm-config", "managedFields": [{"time": each} for each in times]}}]}


def replaced(pod: Object, ids: dict[str, str] | None = None, **objects: t.Any) -> tuple[list[str], list[str]]:
    """Which pods are deleted, and why."""
    cluster = FakeCluster({"Pod": [pod], "Node": [Make.node()], **objects})
    found = renew(t.cast(t.Any, cluster), ["vhm"], ids=ids or {}, patience=30, now=NOW)
    assert cluster.deleted == [each.pod for each in found]
    return cluster.deleted, [each.why for each in found]


def test_a_healthy_pod_stays() -> None:
    assert replaced(Make.pod(), {IMAGE: IMAGE_ID}) == ([], [])


def test_another_image_under_the_name_of_a_good_one() -> None:
    pods, (why,) = replaced(Make.pod(), {IMAGE: "sha256:" + "f" * 64})

    assert pods == [POD]
    assert why == f"indexer runs {IMAGE_ID[:19]}, and {IMAGE} is sha256:{'f' * 12} now"


@pytest.mark.parametrize(("kind", "reference"), [("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")])
def test_what_it_reads_at_its_start_changed_afterwards(kind: str, reference: str) -> None:
    pods, (why,) = replaced(reading(reference), **written(BEGUN, LATER, kind=kind))

    assert (pods, why) == ([POD], f"{kind} vhm-config, which it reads at its start, changed at 12:30:00, after that")


def test_what_it_reads_did_not_change_since() -> None:
    assert replaced(reading(), **written("2026-03-01T12:00:00Z")) == ([], [])
    assert replaced(reading(), ConfigMap=[]) == ([], [])


def test_a_restart_that_no_start_of_the_node_explains() -> None:
    pods, (why,) = replaced(Make.pod(Make.state(restartCount=2)))

    assert (pods, why) == ([POD], "indexer restarted 2 times since it was deployed and its node started")


@pytest.mark.parametrize(("since", "expected"), [("2026-03-01T12:59:00Z", [POD]), ("2026-03-01T12:59:45Z", [])])
def test_only_what_was_unready_for_long(since: str, expected: list[str]) -> None:
    pod = Make.pod(Make.waiting("CrashLoopBackOff"))
    pod["status"]["conditions"][1]["lastTransitionTime"] = since

    assert replaced(pod)[0] == expected


def test_what_nobody_would_make_again_and_what_no_node_took_stay() -> None:
    alone, ended = Make.pod(Make.waiting("CrashLoopBackOff")), Make.pod(Make.waiting("CrashLoopBackOff"))
    del alone["metadata"]["ownerReferences"]
    ended["metadata"]["deletionTimestamp"] = LATER

    assert [replaced(pod)[0] for pod in (alone, ended, Make.unscheduled("no node"))] == [[], [], []]


@pytest.mark.parametrize("check_mode", [True, False])
def test_module(monkeypatch: pytest.MonkeyPatch, check_mode: bool) -> None:
    cluster = FakeCluster({"Pod": [Make.pod(Make.state(restartCount=1))], "Node": [Make.node()]})
    monkeypatch.setattr(pod_renew, "connect", lambda *_: cluster)

    result = run_main(pod_renew.main, {"namespaces": ["vhm"]}, check_mode=check_mode)

    assert (result["changed"], result["renewed"][0].partition(":")[0]) == (True, POD)
    assert cluster.deleted == ([] if check_mode else [POD])
