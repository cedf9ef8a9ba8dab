"""Reading a cluster, waiting for it, and the module itself."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal
from ansible_collections.harvis.platform.plugins.module_utils.kube.errors import cluster_error
from ansible_collections.harvis.platform.plugins.module_utils.rollout.assess import Expected
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import Snapshot
from ansible_collections.harvis.platform.plugins.module_utils.rollout.watch import watch
from ansible_collections.harvis.platform.plugins.modules import rollout_info


@pytest.fixture
def cluster(make: t.Any, fake_cluster: t.Any) -> t.Any:
    return fake_cluster(
        {
            "Pod": [make.pod()],
            "Deployment": [make.workload()],
            "ReplicaSet": [make.replica_set()],
            "Node": [make.node()],
        }
    )


def test_only_the_given_namespaces_are_read(make: t.Any, cluster: t.Any) -> None:
    elsewhere = make.pod(make.state(ready=False))
    elsewhere["metadata"]["namespace"] = "other"
    cluster.objects["Pod"].append(elsewhere)

    assert Snapshot.read(cluster, ["vhm", "ai-agents"]).pods == [make.pod()]


def test_what_only_helps_to_explain_may_be_forbidden(cluster: t.Any) -> None:
    cluster.refused = {("Pod", "kube-system"), ("Event", "default")}

    found = Snapshot.read(cluster, ["vhm"])

    assert (found.system_pods, found.node_events, len(found.pods)) == ([], [], 1)


def test_what_is_judged_may_not_be_forbidden(cluster: t.Any) -> None:
    cluster.refused = {("Pod", "vhm")}

    with pytest.raises(ApiRefusal, match="cannot list Pod"):
        Snapshot.read(cluster, ["vhm"])


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("state", "mended_after", "waited", "passed"),
    [
        ("starting", 6.0, 6.0, True),
        ("starting", 99.0, 10.0, False),
        ("no image", 99.0, 0.0, False),
        ("healthy", 99.0, 0.0, True),
    ],
)
def test_it_waits_for_what_can_mend_itself(
    make: t.Any, cluster: t.Any, state: str, mended_after: float, waited: float, passed: bool
) -> None:
    clock = Clock()
    states = {
        "starting": make.waiting("ContainerCreating"),
        "no image": make.waiting("ErrImageNeverPull"),
        "healthy": make.state(),
    }

    def told_later(seconds: float) -> None:
        clock.sleep(min(seconds, 3.0))
        if clock.now >= mended_after:
            cluster.objects["Pod"] = [make.pod()]

    cluster.objects["Pod"] = [make.pod(states[state])]
    cluster.waited = told_later
    proofs = watch(cluster, ["vhm"], Expected(), wait=10, clock=clock)

    assert (clock.now, all(proof.row.passed for proof in proofs)) == (waited, passed)


def test_what_cannot_heal_ends_the_wait_for_the_others_too(make: t.Any, cluster: t.Any) -> None:
    clock = Clock()
    cluster.waited = clock.sleep
    cluster.objects["Pod"] = [
        make.pod(make.waiting("ContainerCreating"), name="a"),
        make.pod(make.waiting("ErrImageNeverPull"), name="b"),
    ]

    proofs = watch(cluster, ["vhm"], Expected(), wait=10, clock=clock)

    assert clock.now == 0
    assert {finding.code for proof in proofs for finding in proof.findings} == {"ROL-TIMEOUT", "ROL-IMAGE"}


def run(capsys: pytest.CaptureFixture[str], **params: t.Any) -> tuple[int, dict[str, t.Any]]:
    with patch_module_args(params), pytest.raises(SystemExit) as end:
        rollout_info.main()
    return int(end.value.code or 0), json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_module_returns_rows(
    cluster: t.Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, check_mode: bool
) -> None:
    monkeypatch.setattr(rollout_info, "connect", lambda _kubeconfig, _context: cluster)

    rc, result = run(capsys, namespaces=["vhm"], _ansible_check_mode=check_mode)

    assert (rc, result["changed"], result["passed"]) == (0, False, True)
    assert [row["check"] for row in result["rows"]] == ["pods", "gpu"]


def test_the_module_fails_with_all_rows(
    make: t.Any, cluster: t.Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.objects["Pod"] = [make.pod(make.waiting("ErrImageNeverPull"))]
    monkeypatch.setattr(rollout_info, "connect", lambda _kubeconfig, _context: cluster)

    rc, result = run(capsys, namespaces=["vhm"])

    assert (rc, [finding["code"] for finding in result["findings"]]) == (1, ["ROL-IMAGE"])
    assert [row["passed"] for row in result["rows"]] == [False, True]


@pytest.mark.parametrize("report_only", [False, True])
def test_a_cluster_that_cannot_be_reached_is_a_finding(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, report_only: bool
) -> None:
    def refuse(*_: object) -> t.NoReturn:
        raise cluster_error("https://192.0.2.2:6443", "the API server cannot be reached", evidence="refused")

    monkeypatch.setattr(rollout_info, "connect", refuse)

    rc, result = run(capsys, report_only=report_only)

    assert (rc, [finding["code"] for finding in result["findings"]]) == (0 if report_only else 1, ["REL-CLUSTER"])
    if report_only:
        [row] = result["rows"]
        assert (row["check"], row["subject"], row["passed"]) == ("pods", "cluster", False)
        assert row["evidence"] == "the API server cannot be reached (refused)"


def test_the_module_names_changed_files_values_and_progress(
    make: t.Any,
    cluster: t.Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    cluster.objects["Pod"] = [make.pod(make.waiting("CrashLoopBackOff", lastState=ended))]
    containers = [{"name": "indexer"}]
    cluster.objects["Deployment"] = [
        make.workload(spec={"replicas": 1, "template": {"spec": {"containers": containers}}})
    ]
    field = "vhm/Deployment/indexer:/spec/template/spec/containers/0/resources/limits/memory"
    (tmp_path / "audit.json").write_text(json.dumps({"effects": {"workers.indexer.limit": [field]}}))
    (tmp_path / "rollout.log").write_text("of an earlier run\n")
    monkeypatch.setattr(rollout_info, "connect", lambda _kubeconfig, _context: cluster)

    _, result = run(
        capsys,
        namespaces=["vhm"],
        images={"vhm/indexer": {"indexer": "h/vhm-indexer:sha256-00"}},
        changes={make.image: ["common/broker.py"]},
        audits=[str(tmp_path / "audit.json")],
        log=str(tmp_path / "rollout.log"),
        report_only=True,
    )

    memory, stale = result["findings"]
    assert (memory["code"], "the value workers.indexer.limit" in memory["fix"]) == ("ROL-MEMORY", True)
    assert (stale["code"], stale["evidence"].endswith("changed since: common/broker.py")) == ("IMG-STALE", True)
    [line] = (tmp_path / "rollout.log").read_text().splitlines()
    assert line.startswith("0 of 1 pods ready; vhm/indexer-6c6bc8745b-kl29h: killed for its memory")
