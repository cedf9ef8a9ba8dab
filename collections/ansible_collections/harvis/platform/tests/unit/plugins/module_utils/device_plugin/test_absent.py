"""Removal from a cluster in memory; its kubelet lets go of devices late, as the real one (simulated kubelet)."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.absent import ensure_absent
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.objects import wanted_objects
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import GPU
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.kube import ObjectRef

NODE = ObjectRef("v1", "Node", "workstation")
GRACE = 300


def lets_go(cluster: t.Any) -> None:
    status = cluster.objects[NODE]["status"]
    if GPU in status["capacity"]:
        status["allocatable"][GPU] = "0"
        status["capacity"][GPU] = "0" if cluster.time >= GRACE else status["capacity"][GPU]


@pytest.fixture
def cluster(make: t.Any, fake_cluster: t.Any) -> t.Any:
    labels = {"harvis.dev/gpu": "true", "harvis.dev/gpu-simulated": "true"}
    built = fake_cluster(make.node(has=2, **labels), *wanted_objects(make.options(shares=2)))
    built.reactions = [lets_go]
    return built


def remove(cluster: t.Any, options: t.Any, **how: t.Any) -> dict[str, t.Any]:
    return ensure_absent(cluster, options, clock=cluster.clock(), **how)


def test_removal_leaves_nothing(make: t.Any, cluster: t.Any) -> None:
    result = remove(cluster, make.options(shares=2))

    assert result["changed"] is True
    assert list(cluster.objects.values()) == [make.node()]
    assert cluster.written[-1] == "patch Node workstation"
    assert cluster.time >= GRACE


def test_a_second_removal_changes_nothing(make: t.Any, cluster: t.Any) -> None:
    remove(cluster, make.options())
    cluster.written.clear()

    assert remove(cluster, make.options())["changed"] is False
    assert cluster.written == []


def test_check_mode_tells_what_would_go(make: t.Any, cluster: t.Any) -> None:
    result = remove(cluster, make.options(), check_mode=True)

    assert cluster.written == []
    assert "DaemonSet nvidia-device-plugin/nvidia-device-plugin is not wanted" in result["reasons"]
    assert "Node workstation still counts nvidia.com/gpu" in result["reasons"]


def test_a_run_that_was_cut_off_is_taken_up_again(make: t.Any, cluster: t.Any) -> None:
    for ref in [ref for ref in cluster.objects if ref != NODE]:
        del cluster.objects[ref]

    assert remove(cluster, make.options())["changed"] is True
    assert list(cluster.objects.values()) == [make.node()]


def test_gpus_of_another_plugin_are_left_alone(make: t.Any, fake_cluster: t.Any) -> None:
    cluster = fake_cluster(make.node(has=1))

    assert remove(cluster, make.options())["changed"] is False
    assert cluster.get(NODE) == make.node(has=1)


@pytest.mark.fault(code="PLG-PROMISED", by="recorded cluster")
def test_pods_that_hold_gpus_keep_the_plugin(make: t.Any, cluster: t.Any) -> None:
    holder = make.tenant("merged-0", 1, 1)
    cluster.objects[ObjectRef.of(holder)] = holder
    with pytest.raises(HarvisError, match="pods hold its GPUs: ai-agents/merged-0") as error:
        remove(cluster, make.options(shares=2))

    assert [finding.code for finding in error.value.findings] == ["PLG-PROMISED"]
    assert cluster.written == []


@pytest.mark.fault(code="PLG-STALE", by="recorded cluster")
def test_a_kubelet_that_never_lets_go_is_named(make: t.Any, cluster: t.Any) -> None:
    cluster.reactions = []
    with pytest.raises(HarvisError, match="still counts the GPUs of a plugin that is gone") as error:
        remove(cluster, make.options())

    assert [finding.code for finding in error.value.findings] == ["PLG-STALE"]
    assert cluster.get(NODE)["metadata"]["labels"]["harvis.dev/gpu"] == "true"


def test_what_another_plugin_offers_afterwards_is_not_waited_out(make: t.Any, cluster: t.Any) -> None:
    sockets = {"name": "sockets", "hostPath": {"path": "/var/lib/kubelet/device-plugins"}}
    other = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "gpu-operator", "namespace": "gpu"},
        "spec": {"template": {"spec": {"volumes": [sockets]}}},
    }
    cluster.objects[ObjectRef.of(other)] = other
    cluster.reactions = []
    remove(cluster, make.options(shares=2))

    assert cluster.get(NODE) == make.node(has=2)
    assert cluster.time == 0
