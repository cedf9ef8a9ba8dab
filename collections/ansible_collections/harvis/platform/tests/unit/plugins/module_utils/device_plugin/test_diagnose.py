"""Why GPUs are missing.

Logs are what the real plugin printed over a simulated NVML; nodes and pods are recorded shapes.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin import plugin_log
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.diagnose import (
    cannot_mend_itself,
    diagnose,
)
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.look import look
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.objects import config_hash
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import GPU, GpuNode
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.snapshot import Snapshot
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import ObjectRef

POD = "nvidia-device-plugin-workstation"
CRASHED = {
    "ready": False,
    "restartCount": 3,
    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}},
}


class World:
    """One node, the plugin's pod on it, and its log."""

    def __init__(self, make: t.Any, fake_cluster: t.Any) -> None:
        self.make, self.fake_cluster = make, fake_cluster

    def build(
        self,
        node: dict[str, t.Any],
        log: str = "",
        *,
        shares: int = 1,
        pod: bool = True,
        old: bool = False,
        **state: t.Any,
    ) -> tuple[t.Any, t.Any]:
        options = self.make.options(shares=shares)
        ran = self.make.options(shares=1) if old else options
        pods = [self.make.plugin_pod(config_hash(ran), **state)] if pod else []
        cluster = self.fake_cluster(self.make.node(**node), *pods)
        # What ended speaks through the log of the container before.
        source = f"{POD} before" if "restartCount" in state else POD
        cluster.log_texts = {source: self.make.log(log)} if log else {}
        return options, cluster

    def findings(self, *args: t.Any, **how: t.Any) -> list[Finding]:
        options, cluster = self.build(*args, **how)
        return diagnose(options, Snapshot.read(cluster, options))


@pytest.fixture
def world(make: t.Any, fake_cluster: t.Any) -> World:
    return World(make, fake_cluster)


def test_a_node_that_offers_its_cards_is_well(world: World) -> None:
    assert world.findings({"has": 1}, "one-card") == []
    assert world.findings({"has": 2}, "two-shares", shares=2) == []


REASONS = [
    ("no-library", "Failed to initialize NVML: ERROR_LIBRARY_NOT_FOUND.", "the container has no NVML"),
    ("auto-no-library", "Incompatible strategy detected auto", "neither NVML nor a Tegra was found"),
    ("version-mismatch", "Failed to initialize NVML: Driver/library version mismatch.", "have different versions"),
    ("driver-not-loaded", "Failed to initialize NVML: Driver Not Loaded.", "the kernel module is not loaded"),
    ("mig-not-made", "device 0 has no MIG devices configured", "MIG is enabled on a card and its devices are not made"),
]


@pytest.mark.fault("F11", code="PLG-ZERO", when="after deploy", by="recorded cluster")
@pytest.mark.parametrize(("log", "words", "means"), REASONS, ids=[row[0] for row in REASONS])
def test_a_plugin_that_fails_is_quoted_and_explained(world: World, log: str, words: str, means: str) -> None:
    (finding,) = world.findings({"has": None}, log, **CRASHED)

    assert finding.code == "PLG-ZERO"
    assert "is CrashLoopBackOff" in finding.cause
    assert words in finding.cause
    assert means in finding.cause
    assert finding.fix


IDLE = [("waiting", "Incompatible strategy detected auto"), ("no-cards", plugin_log.IDLE)]


@pytest.mark.fault("F11", code="PLG-ZERO", when="after deploy", by="recorded cluster")
@pytest.mark.parametrize(("log", "words"), IDLE, ids=[row[0] for row in IDLE])
def test_a_plugin_that_runs_and_offers_nothing_is_not_taken_for_well(world: World, log: str, words: str) -> None:
    options, cluster = world.build({"has": None}, log)
    found = Snapshot.read(cluster, options)
    (finding,) = diagnose(options, found)

    assert finding.code == "PLG-ZERO"
    assert f"the plugin's pod runs and says {words!r}" in finding.cause
    assert cannot_mend_itself(options, found)


@pytest.mark.fault(code="PLG-ZERO", by="recorded cluster")
def test_without_a_pod_on_the_node_nothing_is_offered_for_long(world: World) -> None:
    for node in ({"has": None}, {"has": 1, "gives": 0}, {"has": 1}):
        (finding,) = world.findings(node, pod=False)

        assert finding.code == "PLG-ZERO"
        assert finding.cause == "no pod of the device plugin runs on the node, 1 nvidia.com/gpu expected"


def test_a_pod_that_has_not_begun_says_what_it_waits_for(world: World) -> None:
    state = {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}
    (finding,) = world.findings({"has": None}, ready=False, state=state)

    assert "the plugin's pod is ImagePullBackOff: not found" in finding.cause


@pytest.mark.fault("F08", code="PLG-ZERO", when="after deploy", by="recorded cluster")
def test_a_handler_that_the_running_containerd_does_not_know_is_named(world: World) -> None:
    state = {"waiting": {"reason": "ContainerCreating"}}
    options, cluster = world.build({"has": None}, ready=False, state=state)
    cluster.objects[ObjectRef("v1", "Event", "sandbox", "nvidia-device-plugin")] = {
        "metadata": {"name": "sandbox", "namespace": "nvidia-device-plugin"},
        "type": "Warning",
        "involvedObject": {"name": POD},
        "message": "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: no "
        'runtime for "nvidia" is configured',
    }
    (finding,) = diagnose(options, Snapshot.read(cluster, options))

    assert finding.code == "PLG-ZERO"
    assert 'no runtime for "nvidia" is configured' in finding.cause
    assert finding.cause.endswith("the container runtime has no handler of the RuntimeClass's name")


@pytest.mark.fault("F14", code="PLG-UNHEALTHY", when="after deploy", by="recorded cluster")
def test_a_device_that_is_marked_ill_is_found_by_capacity(world: World) -> None:
    (finding,) = world.findings({"has": 2, "gives": 0}, "fell-off", shares=2)

    assert finding.code == "PLG-UNHEALTHY"
    assert finding.cause == "2 of 2 nvidia.com/gpu are marked unhealthy and are given to no pod"
    assert "GPU is lost; Marking all devices as unhealthy." in finding.evidence
    assert "delete the plugin's pod" in finding.fix


def test_a_plugin_that_lost_its_cards_at_a_restart_is_not_taken_for_ill_devices(world: World) -> None:
    (finding,) = world.findings({"has": 1, "gives": 0}, "no-cards")

    assert (finding.code, plugin_log.IDLE in finding.cause) == ("PLG-ZERO", True)


@pytest.mark.fault("F14", code="PLG-UNHEALTHY", when="after deploy", by="recorded cluster")
def test_an_xid_takes_one_share_of_a_card_and_is_quoted(world: World) -> None:
    (finding,) = world.findings({"has": 2, "gives": 1}, "xid", shares=2)

    assert finding.code == "PLG-UNHEALTHY"
    assert finding.cause.startswith("1 of 2 nvidia.com/gpu")
    assert "XidCriticalError: Xid=62 on Device=GPU-" in finding.evidence


@pytest.mark.fault("F14", code="PLG-UNHEALTHY", when="after deploy", by="recorded cluster")
def test_one_ill_card_of_two_is_found(make: t.Any, fake_cluster: t.Any) -> None:
    options = make.options(gpus=2)
    cluster = fake_cluster(make.node(has=2, gives=1), make.plugin_pod(config_hash(options)))
    (finding,) = diagnose(options, Snapshot.read(cluster, options))

    assert (finding.code, finding.evidence) == ("PLG-UNHEALTHY", "capacity 2, allocatable 1")


@pytest.mark.fault(code="PLG-STALE", by="recorded cluster")
def test_a_change_that_the_running_plugin_has_not_read(world: World) -> None:
    (finding,) = world.findings({"has": 1}, "one-card", shares=2, old=True)

    assert finding.code == "PLG-STALE"
    assert finding.evidence == f"pod {POD}: shares 1, 2 wanted"


@pytest.mark.fault(code="PLG-STALE", by="recorded cluster")
def test_a_pod_of_an_earlier_installation_is_stale_even_when_the_number_fits(world: World) -> None:
    options, cluster = world.build({"has": 1}, "one-card")
    cluster.objects[ObjectRef("v1", "Pod", POD, "nvidia-device-plugin")]["metadata"]["annotations"] = {}
    (finding,) = diagnose(options, Snapshot.read(cluster, options))

    assert finding.code == "PLG-STALE"


SHORT = [(1, 2, "Compare `nvidia-smi -L`"), (3, 2, "Another device plugin")]


@pytest.mark.fault(code="PLG-SHORT", by="recorded cluster")
@pytest.mark.parametrize(("offered", "cards", "fix"), SHORT)
def test_another_number_than_was_counted(make: t.Any, fake_cluster: t.Any, offered: int, cards: int, fix: str) -> None:
    options = make.options(gpus=cards)
    cluster = fake_cluster(make.node(has=offered), make.plugin_pod(config_hash(options)))
    (finding,) = diagnose(options, Snapshot.read(cluster, options))

    assert finding.code == "PLG-SHORT"
    assert finding.cause == f"the node offers {offered} nvidia.com/gpu, {cards} expected ({cards} cards x 1 shares)"
    assert finding.fix.startswith(fix)


def test_a_resource_of_mig_is_judged_by_its_own_name(make: t.Any, fake_cluster: t.Any) -> None:
    node = GpuNode("workstation", 1, resources={"nvidia.com/mig-1g.5gb": 7})
    options = make.options(nodes=(node,), mig_strategy="mixed")
    cluster = fake_cluster(make.node(has=1), make.plugin_pod(config_hash(options)))
    (finding,) = diagnose(options, Snapshot.read(cluster, options))

    assert finding.code == "PLG-ZERO"
    assert "no nvidia.com/mig-1g.5gb, 7 expected" in finding.cause


def test_looking_proves_what_is_offered_and_who_holds_it(make: t.Any, fake_cluster: t.Any) -> None:
    options = make.options(shares=2, image="", runtime_class="")
    node = make.node(has=2, **{"harvis.dev/gpu-simulated": "true"})
    cluster = fake_cluster(node, make.plugin_pod("any"), make.tenant("merged-0", 1, 1))
    looked = look(cluster, options)
    rows = [proof.row for proof in looked.proofs]

    assert [(row.check, row.passed, row.evidence) for row in rows] == [
        ("gpu-plugin", True, "workstation 2 of 2 nvidia.com/gpu (simulated)"),
        ("gpu-pods", True, "ai-agents/merged-0 (c0 1, c1 1)"),
    ]
    assert looked.gpu_pods == ["uid-of-merged-0"]


@pytest.mark.fault("F07", code="RUN-CLASS", when="after deploy", by="recorded cluster")
def test_a_pod_that_would_start_under_another_runtime_is_named(make: t.Any, fake_cluster: t.Any) -> None:
    """Recorded cluster: NVIDIA's runtime is not the default, and the pod names no RuntimeClass."""
    tenant = make.tenant("merged-0", 1)
    cluster = fake_cluster(make.node(), tenant)

    (_, pods) = look(cluster, make.options(image="", runtime_class="nvidia")).proofs
    assert [(finding.code, finding.subject) for finding in pods.findings] == [("RUN-CLASS", "ai-agents/Pod/merged-0")]
    assert look(cluster, make.options(image="", runtime_class="")).proofs[1].findings == ()


@pytest.mark.fault("F10", code="RUN-MINIKUBE", when="after deploy", by="recorded cluster")
def test_a_node_that_minikube_made_without_gpus_is_the_cause(make: t.Any, fake_cluster: t.Any, tmp_path: Path) -> None:
    profile = tmp_path / "profiles/workstation/config.json"
    profile.parent.mkdir(parents=True)
    profile.write_text(json.dumps({"Name": "workstation", "Driver": "docker", "GPUs": ""}))
    options = make.options(image="", runtime_class="")

    proofs = look(fake_cluster(make.node()), options, tmp_path).proofs
    assert [finding.code for finding in proofs[0].findings] == ["RUN-MINIKUBE", "PLG-ZERO"]

    well = fake_cluster(make.node(has=1), make.plugin_pod("any"))
    assert look(well, options, tmp_path).proofs[0].findings == ()


def test_looking_gives_every_cause_at_once(make: t.Any, fake_cluster: t.Any) -> None:
    waits = make.tenant("worker", 1, message="0/1 nodes are available: 1 Insufficient nvidia.com/gpu.")
    proofs = look(fake_cluster(make.node(), waits), make.options(runtime_class="")).proofs

    assert [finding.code for proof in proofs for finding in proof.findings] == ["PLG-ZERO", "GPU-POD"]


def test_the_configuration_that_the_plugin_printed_is_read(make: t.Any) -> None:
    running = plugin_log.running_config(make.log("two-shares"))

    assert running is not None
    assert plugin_log.shares_of(running, GPU) == 2
    assert plugin_log.running_config("I1122 14:00:00.000000 1 main.go:1] Starting Plugins.") is None
    assert plugin_log.shares_of({}, GPU) == 1
