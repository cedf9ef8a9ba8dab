"""The embedded cluster's decisions: adopt, make, refuse, wait."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.cluster import embedded, teardown
from ansible_collections.harvis.platform.plugins.module_utils.cluster import mark as mark_module
from ansible_collections.harvis.platform.plugins.module_utils.cluster.embedded import EmbeddedCluster
from ansible_collections.harvis.platform.plugins.module_utils.cluster.mark import Mark, fingerprint
from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import ClusterError, ClusterSpec
from ansible_collections.harvis.platform.plugins.module_utils.runtime.apply import ensure
from ansible_collections.harvis.platform.plugins.module_utils.runtime.control import Answer
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Handler
from ansible_collections.harvis.platform.plugins.module_utils.runtime.wanted import RuntimeSpec
from ansible_collections.harvis.platform.plugins.module_utils.service.manager import ServicesResult
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import Process, processes
from ansible_collections.harvis.platform.plugins.module_utils.service.program import Program
from ansible_collections.harvis.platform.plugins.modules import embedded_cluster
from ansible_collections.harvis.platform.tests.unit.fakes import FakeRunner, cluster_spec, run_main

NODES = "workstation=True\n"
PODS = "coredns-1=True\nkube-proxy-1=True\n"


@dataclass
class FakeServices:
    """A supervisor that keeps in memory what runs."""

    running: list[str] = field(default_factory=list)
    socket: Path | None = None

    def ensure(self, programs: t.Sequence[Program], *, dry: bool = False) -> ServicesResult:
        missing = [p.name for p in programs if p.name not in self.running]
        if not dry:
            self.running += missing
            if self.socket:
                self.socket.parent.mkdir(parents=True, exist_ok=True)
                self.socket.touch()
        return ServicesResult("supervisor", tuple(f"{n} is not running" for n in missing))

    def remove(self, *, dry: bool = False) -> ServicesResult:
        reasons = tuple(f"{n} is configured" for n in self.running)
        if not dry:
            self.running.clear()
        return ServicesResult("supervisor", reasons)


@dataclass
class Bench:
    """One cluster with its surroundings replaced, below a temporary root."""

    spec: ClusterSpec
    services: FakeServices
    runner: FakeRunner
    taken_down: list[ClusterSpec]
    authority: Path
    forward: Path

    @property
    def cluster(self) -> EmbeddedCluster:
        return EmbeddedCluster(self.spec, self.runner)

    def kubeadm_ran(self) -> bool:
        return any(call[0].endswith("kubeadm") and call[1] != "certs" for call in self.runner.calls)

    def certificates(self, *listed: tuple[str, int]) -> None:
        """Names and the seconds that they have left, as kubeadm tells them."""
        told = [
            {"name": n, "expirationDate": "2027-01-01T00:00:00Z", "residualTime": s, "missing": False}
            for n, s in listed
        ]
        absent = {"name": "super-admin.conf", "expirationDate": None, "residualTime": 0, "missing": True}
        answer = json.dumps({"certificates": [*told, absent]})
        self.runner.answers[(self.spec.program("kubeadm"), "certs", "check-expiration")] = answer


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    kubernetes = tmp_path / "kubernetes"
    authority = kubernetes / "pki" / "ca.crt"
    admin = kubernetes / "admin.conf"
    spec = cluster_spec(tmp_path)
    services = FakeServices(socket=spec.socket)
    taken_down: list[ClusterSpec] = []
    forward = tmp_path / "ip_forward"
    forward.write_text("0\n")
    monkeypatch.setattr(embedded, "IP_FORWARD", forward)
    monkeypatch.setattr(mark_module, "KUBERNETES_FOLDERS", (kubernetes,))
    monkeypatch.setattr(mark_module, "processes", lambda: iter(()))
    for module in (mark_module, embedded):
        monkeypatch.setattr(module, "CA_CERTIFICATE", authority)
    monkeypatch.setattr(ClusterSpec, "admin_conf", property(lambda _: admin))
    monkeypatch.setattr(embedded, "manager_for_host", lambda *_: services)
    monkeypatch.setattr(embedded.ControlPlaneImages, "ensure", lambda _: [])
    monkeypatch.setattr(embedded.PodNetwork, "ensure", lambda _: False)
    monkeypatch.setattr(teardown, "take_down", lambda spec, _: taken_down.append(spec))

    def init(_: tuple[str, ...]) -> str:
        authority.parent.mkdir(parents=True)
        authority.write_text("authority")
        admin.write_text("kubeconfig")
        return ""

    kubectl = (spec.program("kubectl"), "--kubeconfig", str(admin), "--request-timeout=5s")
    runner = FakeRunner(
        {
            (spec.program("kubeadm"), "init"): init,
            (spec.program("kubeadm"), "certs", "check-expiration"): json.dumps({"certificates": []}),
            (*kubectl, "get", "nodes"): NODES,
            (*kubectl, "get", "pods"): PODS,
            (*kubectl, "get", "--raw"): "ok",
        }
    )
    return Bench(spec, services, runner, taken_down, authority, forward)


def test_makes_a_cluster_marks_it_and_then_finds_nothing_to_do(bench: Bench) -> None:
    first, second = bench.cluster.ensure(), bench.cluster.ensure()

    assert first.reasons[-1] == "kubeadm made the cluster"
    assert {"containerd.toml written", "10-harvis.conflist written", "kubelet is not running"} < set(first.reasons)
    assert Mark.read(bench.spec.mark) == Mark("v1.34.4", fingerprint(bench.authority))
    assert bench.forward.read_text() == "1\n"
    assert second.to_result() == {"changed": False, "reasons": [], "findings": []}


def test_a_gpu_runtime_in_containerd_s_configuration_stays(bench: Bench) -> None:
    bench.cluster.ensure()
    config = bench.spec.data_dir / "etc" / "containerd.toml"
    runtime = RuntimeSpec("containerd", Handler(), config, bench.spec.run_dir / "none.sock")
    ensure(runtime, bench.runner, None, Answer)

    assert bench.cluster.ensure().reasons == []
    assert "nvidia" in config.read_text()
    config.write_text("version = 2\n")
    assert bench.cluster.ensure().reasons == ["containerd.toml written"]


def test_check_mode_says_what_would_be_done_and_does_nothing(bench: Bench, tmp_path: Path) -> None:
    outcome = bench.cluster.ensure(dry=True)

    assert outcome.reasons[-3:] == ["containerd is not running", "kubelet is not running", "the cluster does not exist"]
    assert outcome.reasons[:-3] == [
        "containerd.toml written",
        "10-harvis.conflist written",
        "IPv4 forwarding switched on",
    ]
    assert (list(tmp_path.iterdir()), bench.runner.calls, bench.services.running) == ([bench.forward], [], [])
    assert bench.forward.read_text() == "0\n"


def test_a_dead_cluster_is_brought_back_without_kubeadm(bench: Bench) -> None:
    bench.cluster.ensure()
    bench.services.running.clear()
    bench.runner.calls.clear()

    assert bench.cluster.ensure().reasons == ["containerd is not running", "kubelet is not running"]
    assert not bench.kubeadm_ran()


DAY = 24 * 3600


@pytest.mark.parametrize("there", [True, False], ids=["scaled to nothing", "deleted"])
def test_dns_that_has_no_pod_is_named_and_made_again(bench: Bench, there: bool) -> None:
    bench.cluster.ensure()
    kubectl = (bench.spec.program("kubectl"), "--kubeconfig", str(bench.spec.admin_conf), "--request-timeout=5s")
    addon = (bench.spec.program("kubeadm"), "init", "phase", "addon", "coredns")
    bench.runner.answers[(*kubectl, "get", "pods")] = "kube-proxy-1=True\n"

    def made(_: tuple[str, ...]) -> str:
        bench.runner.answers[(*kubectl, "get", "pods")] = PODS
        return ""

    bench.runner.answers[(*kubectl, "scale")] = made if there else 1
    bench.runner.answers[addon] = made

    seen, mended = bench.cluster.ensure(dry=True), bench.cluster.ensure()

    assert [(f.code, f.subject, f.cause) for f in seen.findings] == [
        ("PLB-DAEMON", "embedded cluster", "is not ready: no pod of coredns")
    ]
    assert mended.reasons == ["coredns made again"]
    # kubeadm refuses to touch a DNS that is there and that it did not bring itself.
    assert (addon in [call[:5] for call in bench.runner.calls]) != there
    assert bench.cluster.ensure().reasons == []


@pytest.mark.parametrize(("seconds", "words"), [(-DAY, "ran out"), (2 * DAY, "runs out in 2.0 days")])
def test_a_certificate_that_ends_is_named_and_renewed(bench: Bench, seconds: int, words: str) -> None:
    bench.cluster.ensure()
    bench.certificates(("apiserver", seconds), ("admin.conf", 200 * DAY))

    seen, mended = bench.cluster.ensure(dry=True), bench.cluster.ensure()

    assert [(f.code, f.subject, f.cause) for f in seen.findings] == [("PLB-CERTIFICATE", "apiserver", words)]
    assert mended.reasons == ["apiserver renewed: it was valid until 2027-01-01T00:00:00Z"]
    assert [call[1:4] for call in bench.runner.calls if "renew" in call] == [("certs", "renew", "all")]


def test_a_certificate_in_its_last_month_is_renewed_without_an_alarm(bench: Bench) -> None:
    bench.cluster.ensure()
    bench.certificates(("apiserver", 20 * DAY), ("etcd-server", 40 * DAY))

    seen = bench.cluster.ensure(dry=True)

    assert (seen.findings, seen.reasons) == ([], ["apiserver is valid until 2027-01-01T00:00:00Z"])


def test_processes_of_pods_that_a_signal_holds_are_named_and_go_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.cluster.ensure()
    sleeper = subprocess.Popen(["sleep", "600"])
    held = Process(sleeper.pid, "/usr/bin/etcd", ("etcd",), 1, "T")
    monkeypatch.setattr(embedded, "shims", lambda _: [])
    monkeypatch.setattr(embedded, "inside", lambda _: [held, Process(1, "/init", ("init",), 0, "S")])
    try:
        sleeper.send_signal(signal.SIGSTOP)
        seen = bench.cluster.ensure(dry=True)
        assert state_of(sleeper.pid) == "T"
        mended = bench.cluster.ensure()
        assert state_of(sleeper.pid) == "S"
    finally:
        sleeper.kill()
        sleeper.wait()
    assert [(f.code, f.subject) for f in seen.findings] == [("PLB-PAUSED", "etcd")]
    assert mended.reasons == [f"etcd (pid {sleeper.pid}) was held by a signal and goes on"]


def state_of(pid: int) -> str:
    """The state once the kernel has taken a signal."""
    time.sleep(0.1)
    return next(p.state for p in processes() if p.pid == pid)


def test_a_half_made_cluster_is_cleared_first(bench: Bench) -> None:
    Mark("v1.34.4", None).write(bench.spec.mark)

    assert bench.cluster.ensure().reasons[-1] == "kubeadm made the cluster"
    assert bench.taken_down == [bench.spec]


def test_another_version_is_refused_before_anything_is_changed(bench: Bench) -> None:
    Mark("v1.33.0", None).write(bench.spec.mark)

    with pytest.raises(ClusterError, match=r"runs Kubernetes v1\.33\.0; wanted is v1\.34\.4") as caught:
        bench.cluster.ensure()
    assert [f.code for f in caught.value.findings] == ["PLB-VERSION"]
    assert (bench.services.running, bench.runner.calls) == ([], [])


@pytest.mark.parametrize("act", ["ensure", "remove"])
def test_a_foreign_cluster_is_left_alone(bench: Bench, act: str) -> None:
    bench.authority.parent.mkdir(parents=True)
    bench.authority.write_text("somebody else")

    with pytest.raises(ClusterError, match="PLB-FOREIGN"):
        getattr(bench.cluster, act)()
    assert (bench.services.running, bench.runner.calls, bench.taken_down) == ([], [], [])


def test_removal_and_its_check_mode(bench: Bench) -> None:
    bench.cluster.ensure()
    reasons = ["containerd is configured", "kubelet is configured", "the cluster exists"]

    assert bench.cluster.remove(dry=True).reasons == reasons
    assert bench.taken_down == []
    assert bench.cluster.remove().reasons == reasons
    assert (bench.services.running, bench.taken_down) == ([], [bench.spec])


def test_nothing_to_remove_is_no_change(bench: Bench) -> None:
    assert bench.cluster.remove().to_result() == {"changed": False, "reasons": [], "findings": []}
    assert bench.taken_down == []


WAITING = [
    pytest.param("--raw", 1, "the API server does not answer", id="no API"),
    pytest.param("nodes", "", "no node is registered", id="no node"),
    pytest.param("nodes", "workstation=False\n", "workstation=False", id="node not ready"),
    pytest.param("pods", "coredns-1=False\nkube-proxy-1=True\n", "coredns-1=False", id="pod not ready"),
    pytest.param("pods", "kube-proxy-1=True\n", "no pod of coredns", id="DNS not made yet"),
]


@pytest.mark.parametrize(("asked", "answer", "missing"), WAITING)
def test_waiting_ends_with_what_is_missing(bench: Bench, asked: str, answer: str | int, missing: str) -> None:
    beginning = next(b for b in bench.runner.answers if b[-1] == asked)
    bench.runner.answers[beginning] = answer
    log = bench.spec.data_dir / "log" / "kubelet.log"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"line {n}\n" for n in range(20)))

    with pytest.raises(ClusterError) as caught:
        bench.cluster.wait_ready(seconds=0)
    (finding,) = caught.value.findings
    assert (finding.code, finding.cause) == ("ROL-TIMEOUT", f"not ready after 0 s: {missing}")
    assert finding.evidence == "\n".join(f"line {n}" for n in range(12, 20))


def test_programs_in_the_order_of_their_start(bench: Bench) -> None:
    containerd, kubelet = bench.cluster.programs()

    assert containerd.command == ("/usr/bin/containerd", "--config", f"{bench.spec.data_dir}/etc/containerd.toml")
    assert (kubelet.command[0], kubelet.after, kubelet.retries) == (
        bench.spec.program("kubelet"),
        ("containerd",),
        True,
    )
    assert {"--node-ip=192.0.2.10", "--hostname-override=workstation"} < set(kubelet.command)


ARGUMENTS = {"version": "v1.34.4", "etcd_version": "v3.6.4", "coredns_version": "v1.12.4", "node_name": "workstation"}


def arguments(spec: ClusterSpec, **changes: str) -> dict[str, str]:
    folders = {name: str(getattr(spec, name)) for name in ("bin_dir", "data_dir", "run_dir")}
    return {**ARGUMENTS, **folders, "address": spec.address, **changes}


@pytest.fixture
def module_bench(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(embedded_cluster, "EmbeddedCluster", lambda spec: EmbeddedCluster(spec, bench.runner))
    return bench


def test_module_makes_and_removes(module_bench: Bench) -> None:
    made = run_main(embedded_cluster.main, arguments(module_bench.spec))
    again = run_main(embedded_cluster.main, arguments(module_bench.spec))
    removed = run_main(embedded_cluster.main, arguments(module_bench.spec, state="absent"))

    assert [r["changed"] for r in (made, again, removed)] == [True, False, True]
    assert module_bench.taken_down == [module_bench.spec]


def test_module_in_check_mode(module_bench: Bench) -> None:
    result = run_main(embedded_cluster.main, arguments(module_bench.spec), check_mode=True)

    assert (result["changed"], result["reasons"][-1]) == (True, "the cluster does not exist")
    assert not module_bench.spec.data_dir.exists()


def test_module_fails_with_the_finding(module_bench: Bench) -> None:
    Mark("v1.33.0", None).write(module_bench.spec.mark)

    result = run_main(embedded_cluster.main, arguments(module_bench.spec))

    assert result["failed"] is True
    assert [(f["code"], f["severity"]) for f in result["findings"]] == [("PLB-VERSION", "error")]
