"""The plugin brought onto a cluster in memory; its kubelet offers what the ConfigMap asks for (simulated kubelet)."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.objects import (
    CONFIG_HASH,
    SIMULATED_LABEL,
    config_hash,
)
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import GPU, PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.present import ensure_present
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.smoke import Smoke
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.kube import ObjectRef

SMOKE = Smoke("image", ("nvidia-smi", "-L"), "GPU-[0-9a-f]", 30)
SEEN = "GPU 0: NVIDIA GeForce RTX 4090 (UUID: GPU-6f1d2b8c-51c2-4d0e-9f55-0d6c3a7b9e10)"
NODE = ObjectRef("v1", "Node", "workstation")
NAMESPACE = "nvidia-device-plugin"
DAEMON_SET = ObjectRef("apps/v1", "DaemonSet", NAMESPACE, NAMESPACE)
CONFIG_MAP = ObjectRef("v1", "ConfigMap", NAMESPACE, NAMESPACE)
SMOKE_POD = ObjectRef("v1", "Pod", "gpu-smoke", NAMESPACE)


def kubelet(make: t.Any, cards: int = 1) -> t.Callable[[t.Any], None]:
    """The DaemonSet's controller, the plugin and the kubelet in one: offers what the ConfigMap says."""

    def react(cluster: t.Any) -> None:
        daemon_set = cluster.get(DAEMON_SET)
        node = cluster.objects[NODE]
        if daemon_set is None or node["metadata"]["labels"].get("harvis.dev/gpu") != "true":
            return
        template = daemon_set["spec"]["template"]
        pod = make.plugin_pod(template["metadata"]["annotations"][CONFIG_HASH])
        cluster.objects[ObjectRef.of(pod)] = pod
        sharing = yaml.safe_load(cluster.get(CONFIG_MAP)["data"]["config.yaml"]).get("sharing")
        shares = sharing["timeSlicing"]["resources"][0]["replicas"] if sharing else 1
        for part in ("capacity", "allocatable"):
            node["status"][part][GPU] = str(cards * shares)

    return react


def smoke_ends(phase: str = "Succeeded", log: str = SEEN, **container: t.Any) -> t.Callable[[t.Any], None]:
    def react(cluster: t.Any) -> None:
        if SMOKE_POD in cluster.objects:
            state = {"terminated": {"reason": "Error", "exitCode": 9}} if phase == "Failed" else {}
            status = {"phase": phase, "containerStatuses": [{"name": "smoke", "state": state, **container}]}
            cluster.objects[SMOKE_POD]["status"] = status
            cluster.log_texts["gpu-smoke"] = log

    return react


@pytest.fixture
def cluster(make: t.Any, fake_cluster: t.Any) -> t.Any:
    built = fake_cluster(make.node(), make.node("other"))
    built.reactions = [kubelet(make), smoke_ends()]
    return built


def bring(cluster: t.Any, options: PluginOptions, **how: t.Any) -> dict[str, t.Any]:
    return ensure_present(cluster, options, SMOKE, clock=cluster.clock(), **how)


def test_a_first_run_ends_with_what_the_kubelet_offers_and_what_a_pod_saw(make: t.Any, cluster: t.Any) -> None:
    result = bring(cluster, make.options(shares=2))

    offered = {"nvidia.com/gpu": 2}
    assert result["changed"] is True
    assert result["nodes"] == {"workstation": {"expected": offered, "capacity": offered, "allocatable": offered}}
    assert [(row["node"], row["tried"], row["evidence"]) for row in result["smoke"]] == [("workstation", True, SEEN)]
    assert cluster.get(SMOKE_POD) is None
    assert cluster.created[0]["spec"]["containers"][0]["resources"] == {"limits": {"nvidia.com/gpu": "1"}}


def test_a_second_run_changes_nothing_and_starts_no_pod(make: t.Any, cluster: t.Any) -> None:
    bring(cluster, make.options())
    cluster.written.clear()

    result = bring(cluster, make.options())

    assert (result["changed"], result["reasons"], result["smoke"]) == (False, [], [])
    assert result["diff"] == {"before": {}, "after": {}}
    assert cluster.written == []


def test_check_mode_tells_all_and_writes_nothing(make: t.Any, cluster: t.Any) -> None:
    result = bring(cluster, make.options(), check_mode=True)

    assert cluster.written == []
    assert result["changed"] is True
    assert "DaemonSet nvidia-device-plugin/nvidia-device-plugin is missing" in result["reasons"]
    assert "Node workstation: label harvis.dev/gpu: None -> true" in result["reasons"]
    assert result["diff"]["before"]["Node workstation"] == {"harvis.dev/gpu": None}
    assert result["diff"]["after"]["Node workstation"] == {"harvis.dev/gpu": "true"}


def test_only_nodes_with_cards_get_the_label(make: t.Any, cluster: t.Any) -> None:
    bring(cluster, make.options())

    labelled = [n["metadata"]["name"] for n in cluster.find("v1", "Node", labels="harvis.dev/gpu=true")]
    assert labelled == ["workstation"]


def test_more_shares_roll_the_plugin_and_are_waited_for(make: t.Any, cluster: t.Any) -> None:
    bring(cluster, make.options())
    cluster.written.clear()

    result = bring(cluster, make.options(shares=2))

    assert [ref.split()[1] for ref in cluster.written if ref.startswith("apply")] == ["ConfigMap", "DaemonSet"]
    assert result["nodes"]["workstation"]["allocatable"] == {"nvidia.com/gpu": 2}
    assert result["progress"][0].endswith("workstation 1 of 2 nvidia.com/gpu")
    assert result["progress"][-1].endswith("workstation 2 of 2 nvidia.com/gpu")


def test_a_simulated_card_is_called_so_everywhere(make: t.Any, cluster: t.Any) -> None:
    cluster.reactions[1] = smoke_ends(log="GPU-6f1d2b8c-51c2-4d0e-9f55-0d6c3a7b9e10")
    result = bring(cluster, make.options(simulated_root="/tree", runtime_class=""))

    assert cluster.get(NODE)["metadata"]["labels"][SIMULATED_LABEL] == "true"
    assert result["simulated"] is True
    assert result["progress"][-1].endswith("(simulated)")
    assert result["smoke"][0]["evidence"].startswith("simulated: GPU-")


def test_a_real_card_takes_the_mark_away(make: t.Any, cluster: t.Any) -> None:
    bring(cluster, make.options(simulated_root="/tree"))
    bring(cluster, make.options())

    assert SIMULATED_LABEL not in cluster.get(NODE)["metadata"]["labels"]


def test_what_is_no_longer_wanted_goes(make: t.Any, cluster: t.Any) -> None:
    bring(cluster, make.options())
    result = bring(cluster, make.options(runtime_class=""))

    assert "RuntimeClass nvidia is not wanted" in result["reasons"]
    assert cluster.find("node.k8s.io/v1", "RuntimeClass") == []


def test_another_handler_replaces_the_class_because_it_cannot_be_changed(make: t.Any, cluster: t.Any) -> None:
    bring(cluster, make.options())
    cluster.written.clear()
    result = bring(cluster, make.options(runtime_handler="nvidia-cdi"))

    assert "RuntimeClass nvidia: handler: 'nvidia' -> 'nvidia-cdi'" in result["reasons"]
    assert cluster.written[:2] == ["delete RuntimeClass nvidia", "apply RuntimeClass nvidia"]


def test_a_namespace_that_was_there_stays_as_it_is(make: t.Any, cluster: t.Any) -> None:
    theirs = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "labels": {}}}
    cluster.objects[ObjectRef.of(theirs)] = theirs
    cluster.reactions = []
    with pytest.raises(HarvisError):
        bring(cluster, make.options(namespace="kube-system"))

    assert cluster.get(ObjectRef.of(theirs)) == theirs


def test_a_node_that_is_not_there_is_named_before_anything_is_written(make: t.Any, fake_cluster: t.Any) -> None:
    cluster = fake_cluster(make.node("desk"))
    with pytest.raises(HarvisError, match="has no node workstation\nEvidence: its nodes: desk"):
        bring(cluster, make.options())

    assert cluster.written == []


def test_without_an_image_nothing_is_done(make: t.Any, cluster: t.Any) -> None:
    with pytest.raises(HarvisError, match="PLB-INPUT image: is empty"):
        bring(cluster, make.options(image=""))

    assert cluster.written == []


def test_where_all_is_promised_no_pod_is_started(make: t.Any, cluster: t.Any) -> None:
    holder = make.tenant("ollama-0", 1)
    cluster.objects[ObjectRef.of(holder)] = holder
    result = bring(cluster, make.options(), when="always")

    assert cluster.created == []
    assert result["smoke"] == [
        {
            "node": "workstation",
            "tried": False,
            "evidence": "not tried: every nvidia.com/gpu is promised to ai-agents/ollama-0",
            "seconds": 0.0,
        }
    ]


BLIND: list[tuple[str, t.Callable[[t.Any], None], str]] = [
    ("shows nothing", smoke_ends(log="No devices found."), "did not show"),
    ("fails", smoke_ends("Failed", "Failed to initialize NVML: Unknown Error"), "failed: Error, exit status 9"),
    ("hangs", smoke_ends("Pending", ""), "did not end within 30 s: phase Pending"),
]


@pytest.mark.fault("F07", code="PLG-SMOKE", when="after deploy", by="recorded cluster")
@pytest.mark.parametrize(("reaction", "said"), [row[1:] for row in BLIND], ids=[row[0] for row in BLIND])
def test_a_pod_that_sees_no_card_is_a_finding_and_leaves_no_pod(
    make: t.Any, cluster: t.Any, reaction: t.Any, said: str
) -> None:
    cluster.reactions[1] = reaction
    with pytest.raises(HarvisError, match=said) as error:
        bring(cluster, make.options())

    assert [finding.code for finding in error.value.findings] == ["PLG-SMOKE"]
    assert cluster.get(SMOKE_POD) is None


@pytest.mark.fault("F11", code="PLG-ZERO", when="after deploy", by="recorded cluster")
def test_a_plugin_that_gave_up_is_not_waited_for(make: t.Any, cluster: t.Any) -> None:
    options = make.options()
    pod = make.plugin_pod(config_hash(options))
    cluster.objects[ObjectRef.of(pod)] = pod
    cluster.log_texts[pod["metadata"]["name"]] = make.log("no-cards")
    cluster.reactions = []
    with pytest.raises(HarvisError, match="Waiting indefinitely"):
        bring(cluster, options)

    assert cluster.time == 0


def test_time_that_is_over_ends_with_the_cause_and_what_was_seen(make: t.Any, cluster: t.Any) -> None:
    cluster.reactions = []
    with pytest.raises(HarvisError) as error:
        bring(cluster, make.options(timeout=20))

    assert [finding.code for finding in error.value.findings] == ["PLG-ZERO"]
    assert error.value.details["progress"] == ["0 s: workstation 0 of 1 nvidia.com/gpu"]
    assert 18 <= cluster.time <= 20
