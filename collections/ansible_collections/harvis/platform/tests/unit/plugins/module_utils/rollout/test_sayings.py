"""What is asked of pods and nodes, and what is left alone."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.rollout.answers import probe_path, said
from ansible_collections.harvis.platform.plugins.module_utils.rollout.sayings import Sayings, listen
from ansible_collections.harvis.platform.plugins.module_utils.rollout.usage import Usage, metrics_path, read

POD = "indexer-6c6bc8745b-kl29h"
KEY = (f"vhm/{POD}", "indexer")
LABELS = f'container="indexer",id="/kubepods/burstable/pod1/2f",image="h/x:1",name="2f",namespace="vhm",pod="{POD}"'
# As the kubelet of 1.34 writes them; the second container is the one that it holds the pod's network with.
METRICS = f"""\
# HELP container_oom_events_total Count of out of memory events observed for the container
# TYPE container_oom_events_total counter
container_oom_events_total{{{LABELS}}} 2 1763832000123
container_cpu_cfs_periods_total{{{LABELS}}} 1200 1763832000123
container_cpu_cfs_throttled_periods_total{{{LABELS}}} 900 1763832000123
container_memory_max_usage_bytes{{{LABELS}}} 2.68435456e+08 1763832000123
container_memory_working_set_bytes{{{LABELS}}} 1.2e+07 1763832000123
container_memory_working_set_bytes{{container="",id="/kubepods",image="",namespace="",pod=""}} 9e+09 1763832000123
container_memory_working_set_bytes{{container="POD",id="/x",image="p",name="p",namespace="vhm",pod="{POD}"}} 4096 1
container_fs_reads_total{{{LABELS}}} 7 1763832000123
"""
USAGE = Usage(peak=268435456, memory=12000000, kills=2, periods=1200, throttled=900)


@pytest.fixture
def cluster(fake_cluster: t.Any) -> t.Any:
    return fake_cluster({})


def at(seconds: int) -> dt.datetime:
    return dt.datetime(2026, 3, 1, 12, 0, 0, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)


def test_measurements_are_read_by_pod_and_container(make: t.Any, cluster: t.Any) -> None:
    cluster.answers[metrics_path("node")] = (200, METRICS)

    assert read(METRICS) == {KEY: USAGE}
    assert listen(cluster, [make.pod()]).usages == {KEY: USAGE}


def test_a_node_is_not_asked_for_pods_without_limits(make: t.Any, cluster: t.Any) -> None:
    cluster.answers[metrics_path("node")] = (200, METRICS)
    pod = make.pod()
    for container in pod["spec"]["containers"]:
        container["resources"] = {"requests": {"cpu": "1"}}

    assert listen(cluster, [pod]).usages == {}


@pytest.mark.parametrize(("state", "asked"), [({}, False), ({"restartCount": 1}, True), ({"ready": False}, True)])
def test_without_measuring_a_node_is_asked_only_for_pods_that_are_not_well(
    make: t.Any, cluster: t.Any, state: dict[str, t.Any], asked: bool
) -> None:
    cluster.answers[metrics_path("node")] = (200, METRICS)
    pod = make.pod()
    pod["status"]["containerStatuses"][0].update(state)
    if not state.get("ready", True):
        pod["status"]["conditions"][1]["status"] = "False"

    assert bool(listen(cluster, [pod], measure=False).usages) is asked


def test_measurements_that_may_not_be_read_say_nothing(make: t.Any, cluster: t.Any) -> None:
    cluster.answers[metrics_path("node")] = (403, METRICS)

    assert listen(cluster, [make.pod()]) == Sayings()


def test_a_ready_pod_is_only_asked_for_what_it_says_now(make: t.Any, cluster: t.Any) -> None:
    pod = make.pod()
    pod["status"]["conditions"][1]["lastTransitionTime"] = "2026-03-01T12:00:00Z"
    cluster.written["vhm", POD, "indexer"] = "now"

    assert listen(cluster, [pod], at(59)).logs == {}
    assert cluster.asked_logs == []
    assert listen(cluster, [pod], at(61)).logs == {KEY: "now"}
    assert cluster.asked_logs == [("indexer", 60)]


@pytest.mark.parametrize(
    ("written", "log"),
    [
        ({(): "current"}, "current"),
        ({("previous",): "last words"}, "last words"),
        ({(): "unable to retrieve container logs for containerd://2f", ("previous",): "last words"}, "last words"),
        ({}, ""),
    ],
)
def test_the_last_words_of_a_crash_are_found_on_either_side_of_a_start(
    make: t.Any, cluster: t.Any, written: dict[tuple[str, ...], str], log: str
) -> None:
    for which, text in written.items():
        cluster.written["vhm", POD, "indexer", *which] = text
    last = {"terminated": {"exitCode": 1}}

    found = listen(cluster, [make.pod(make.waiting("CrashLoopBackOff", lastState=last))]).logs

    assert found == ({KEY: log} if log else {})


def test_what_never_ran_and_what_goes_is_not_asked(make: t.Any, cluster: t.Any) -> None:
    going = make.pod(make.state(ready=False))
    going["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    listen(cluster, [make.pod(make.waiting("ContainerCreating")), going, make.unscheduled("0/1 nodes")])

    assert cluster.asked_logs == []


PROBED = {
    "readinessProbe": {"httpGet": {"path": "/ready", "port": "health"}},
    "ports": [{"name": "health", "containerPort": 8080}],
}
PLACE = f"/api/v1/namespaces/vhm/pods/{POD}:8080/proxy/ready"
REPORT = '{"ready":false,"checks":{"store":{"ok":true},"broker":{"ok":false,"cause":"topics that do not exist: a"}}}'


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((503, REPORT), "it answers 503: broker: topics that do not exist: a"),
        ((500, "Internal\n Server Error"), "it answers 500: Internal Server Error"),
        ((200, ""), "it answers 200"),
        ((503, '{"kind": "Status", "message": "error trying to reach service"}'), None),
    ],
)
def test_the_readiness_endpoint_is_asked(
    make: t.Any, cluster: t.Any, answer: tuple[int, str], words: str | None
) -> None:
    pod = make.pod(make.state(ready=False))
    pod["spec"]["containers"][0] |= PROBED
    cluster.answers[PLACE] = answer

    assert listen(cluster, [pod]).answers == ({KEY: words} if words else {})


def test_probes_that_are_no_http_are_not_asked(make: t.Any) -> None:
    pod = make.pod()
    pod["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": 9092}}

    assert probe_path(pod, "indexer") == ""


def test_https_and_a_missing_path(make: t.Any) -> None:
    pod = make.pod()
    pod["spec"]["containers"][0]["readinessProbe"] = {"httpGet": {"port": 8443, "scheme": "HTTPS"}}

    assert probe_path(pod, "indexer") == f"/api/v1/namespaces/vhm/pods/https:{POD}:8443/proxy/"


def test_an_answer_of_another_shape_is_shortened() -> None:
    assert said(503, '{"checks": ["x"]}') == 'it answers 503: {"checks": ["x"]}'
    assert len(said(503, "x" * 5000)) < 500
