"""``EmbeddedCluster``: make, adopt or take down the one Kubernetes of this host."""

from __future__ import annotations

import os
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.cluster import containerd, kubeadm, teardown
from ansible_collections.harvis.platform.plugins.module_utils.cluster.certificates import Certificates, findings
from ansible_collections.harvis.platform.plugins.module_utils.cluster.containers import inside, pod_of, shims
from ansible_collections.harvis.platform.plugins.module_utils.cluster.images import ControlPlaneImages
from ansible_collections.harvis.platform.plugins.module_utils.cluster.mark import Mark, fingerprint, refuse_foreign
from ansible_collections.harvis.platform.plugins.module_utils.cluster.network import PodNetwork
from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import (
    CA_CERTIFICATE,
    ClusterError,
    ClusterSpec,
)
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, fail
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner, SystemRunner
from ansible_collections.harvis.platform.plugins.module_utils.runtime.record import is_edited_from
from ansible_collections.harvis.platform.plugins.module_utils.service.manager import (
    MEND,
    ServicesResult,
    held_finding,
    manager_for_host,
)
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import Process, wake
from ansible_collections.harvis.platform.plugins.module_utils.service.program import Program

READY_SECONDS = 240.0
ADDONS = ("coredns", "kube-proxy")
# As many as kubeadm makes.
DNS_PODS = 2
READINESS = '{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'
IP_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")


@dataclass
class Outcome:
    """What was (or would be) done, one reason a step, and what of it was a fault."""

    reasons: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def take(self, part: Outcome | ServicesResult) -> None:
        """What a part of it did and found."""
        self.reasons += part.reasons
        self.findings += part.findings

    def to_result(self) -> dict[str, t.Any]:
        found = [f.to_dict() for f in self.findings]
        return {"changed": bool(self.reasons), "reasons": self.reasons, "findings": found}


@dataclass(frozen=True)
class EmbeddedCluster:
    """kubeadm's cluster on this host, as described by ``spec``."""

    spec: ClusterSpec
    runner: Runner = field(default_factory=SystemRunner)

    def ensure(self, *, dry: bool = False) -> Outcome:
        """Bring the cluster up, or bring it back.

        Raises ClusterError: PLB-FOREIGN, PLB-VERSION, or PLB-PROCESS with kubeadm's or the kubelet's last lines.
        """
        refuse_foreign(self.spec.mark)
        mark = Mark.read(self.spec.mark)
        self._refuse_other_version(mark)
        made = mark is not None and mark.ca is not None and self.spec.admin_conf.exists()
        if dry:
            return self._differences(made)
        outcome = self._wake()
        outcome.reasons += self._write_configuration()
        outcome.reasons += self._make_volumes()
        if not made:
            self._clear_half_made(mark)
            Mark(self.spec.version, None).write(self.spec.mark)
        outcome.take(self._start(self.programs()[:1]))
        outcome.reasons += [f"image {name} imported" for name in self._images().ensure()]
        outcome.reasons += ["pod network rules made"] if PodNetwork(self.spec, self.runner).ensure() else []
        outcome.take(self._start(self.programs()[1:]))
        if not made:
            self._init()
            Mark(self.spec.version, fingerprint(CA_CERTIFICATE)).write(self.spec.mark)
            outcome.reasons.append("kubeadm made the cluster")
        else:
            outcome.take(self._renew())
            outcome.take(self._make_addons())
        self.wait_ready()
        return outcome

    def _differences(self, made: bool) -> Outcome:
        outcome = self._held(self._paused(), "is held by a signal")
        outcome.reasons += self._write_configuration(dry=True)
        outcome.take(self._services().ensure(self.programs(), dry=True))
        ending = self._certificates.ending() if made else []
        outcome.take(Outcome([f"{each.name} is valid until {each.ends}" for each in ending], findings(ending)))
        # Where the cause is known, what follows from it is not told as well.
        if made and not outcome.findings and (missing := self._not_ready()):
            outcome.take(Outcome([missing], [_down(missing)]))
        outcome.reasons += [] if made else ["the cluster does not exist"]
        return outcome

    def _paused(self) -> list[Process]:
        of_pods = shims(self.spec)
        return [p for p in (*of_pods, *inside(of_pods)) if p.paused]

    def _wake(self) -> Outcome:
        paused = self._paused()
        # Told before it goes on and may be gone.
        outcome = self._held(paused, "was held by a signal and goes on")
        wake(paused)
        return outcome

    @staticmethod
    def _held(paused: t.Sequence[Process], words: str) -> Outcome:
        found = [held_finding(process, pod_of(process)) for process in paused]
        said = [f"{finding.subject} (pid {p.pid}) {words}" for p, finding in zip(paused, found, strict=True)]
        return Outcome(said, found)

    def _renew(self) -> Outcome:
        ending = self._certificates.ending()
        if ending:
            self._certificates.renew()
        reasons = [f"{each.name} renewed: it was valid until {each.ends}" for each in ending]
        return Outcome(reasons, findings(ending))

    def _make_addons(self) -> Outcome:
        missing = self._without_pods()
        for name in missing:
            self._make_addon(name)
        return Outcome([f"{name} made again" for name in missing], [_down(f"no pod of {name}") for name in missing])

    def _make_addon(self, name: str) -> None:
        """kubeadm makes what is gone. DNS that is there it would migrate, from a version that it may not know."""
        scale = ("scale", "deployment/coredns", "-n", "kube-system", f"--replicas={DNS_PODS}")
        if name == "coredns" and self._kubectl(*scale) is not None:
            return
        config = f"--config={self.spec.data_dir / 'kubeadm.json'}"
        self.runner.run([self.spec.program("kubeadm"), "init", "phase", "addon", name, config], timeout=120)

    def _without_pods(self) -> list[str]:
        """Addons of which there is no pod; nothing is said where the API server does not answer."""
        pods = self._kubectl("get", "pods", "-n", "kube-system", "-o", f"jsonpath={READINESS}")
        return [] if pods is None else [name for name in ADDONS if name not in pods]

    def remove(self, *, dry: bool = False) -> Outcome:
        """Take the cluster down; only one that bears our mark."""
        refuse_foreign(self.spec.mark)
        services = self._services()
        outcome = Outcome(list(services.remove(dry=True).reasons))
        outcome.reasons += ["the cluster exists"] if self.spec.mark.exists() else []
        if outcome.reasons and not dry:
            services.remove()
            teardown.take_down(self.spec, self.runner)
        return outcome

    def programs(self) -> list[Program]:
        """containerd and kubelet, in the order in which they start."""
        kubelet = (
            self.spec.program("kubelet"),
            "--config=/var/lib/kubelet/config.yaml",
            "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
            "--kubeconfig=/etc/kubernetes/kubelet.conf",
            f"--node-ip={self.spec.address}",
            f"--hostname-override={self.spec.node_name}",
        )
        return [
            Program("containerd", ("/usr/bin/containerd", "--config", str(self._containerd_config))),
            Program("kubelet", kubelet, after=("containerd",), retries=True),
        ]

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Return when the API answers, the node is Ready and every kube-system pod is."""
        deadline = time.monotonic() + seconds
        while True:
            missing = self._not_ready()
            if missing is None:
                return
            if time.monotonic() > deadline:
                raise ClusterError(
                    *fail(
                        "ROL-TIMEOUT",
                        "embedded cluster",
                        f"not ready after {seconds:.0f} s: {missing}",
                        evidence=self._kubelet_tail(),
                        fix=f"Read {self.spec.data_dir}/log/kubelet.log.",
                    ).findings
                )
            time.sleep(1)

    def _not_ready(self) -> str | None:
        answer = self._kubectl("get", "--raw", "/readyz")
        if answer is None:
            return "the API server does not answer"
        nodes = self._kubectl("get", "nodes", "-o", f"jsonpath={READINESS}") or ""
        pods = self._kubectl("get", "pods", "-n", "kube-system", "-o", f"jsonpath={READINESS}") or ""
        waiting = [line for line in (*nodes.split(), *pods.split()) if not line.endswith("=True")]
        waiting += [] if nodes.strip() else ["no node is registered"]
        waiting += [f"no pod of {name}" for name in ADDONS if name not in pods]
        return ", ".join(waiting) or None

    def _kubectl(self, *arguments: str) -> str | None:
        argv = [
            self.spec.program("kubectl"),
            "--kubeconfig",
            str(self.spec.admin_conf),
            "--request-timeout=5s",
            *arguments,
        ]
        done = self.runner.run(argv, check=False, timeout=30)
        return done.stdout if done.rc == 0 else None

    def _init(self) -> None:
        config = self.spec.data_dir / "kubeadm.json"
        config.write_text(kubeadm.init_documents(self.spec, cgroup_driver=self._cgroup_driver()))
        argv = [
            self.spec.program("kubeadm"),
            "init",
            f"--config={config}",
            f"--ignore-preflight-errors={','.join(kubeadm.IGNORED_CHECKS)}",
            "--skip-token-print",
        ]
        self.runner.run(
            argv, timeout=READY_SECONDS * 2, env={"PATH": f"{self.spec.bin_dir}:/usr/sbin:/usr/bin:/sbin:/bin"}
        )

    def _clear_half_made(self, mark: Mark | None) -> None:
        """A run that was killed inside ``kubeadm init`` leaves state that only a new start gets rid of."""
        if mark is not None and mark.ca is None:
            self._services().remove()
            teardown.take_down(self.spec, self.runner)
            self._write_configuration()

    def _make_volumes(self) -> list[str]:
        owner = self.spec.volume_owner
        missing = [f for f in self.spec.volume_folders if not f.is_dir() or f.stat().st_uid != owner]
        for folder in missing:
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o750)
            os.chown(folder, owner, owner)
        return [f"volume {folder.name} made" for folder in missing]

    def _refuse_other_version(self, mark: Mark | None) -> None:
        if mark is not None and mark.version != self.spec.version:
            raise ClusterError(
                *fail(
                    "PLB-VERSION",
                    "embedded cluster",
                    f"runs Kubernetes {mark.version}; wanted is {self.spec.version}",
                    fix="Keep the version, or `make down` and `make up` (memories and models are kept).",
                ).findings
            )

    def _write_configuration(self, *, dry: bool = False) -> list[str]:
        wanted = {
            self._containerd_config: containerd.containerd_toml(
                self.spec, systemd_cgroup=self._cgroup_driver() == "systemd", confined=not _runs_systemd()
            ),
            containerd.cni_folder(self.spec) / "10-harvis.conflist": containerd.cni_conflist(self.spec),
        }
        reasons = []
        for path, text in wanted.items():
            if (not path.exists() or path.read_text() != text) and not is_edited_from(path, text):
                reasons.append(f"{path.name} written")
                if not dry:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)
        if IP_FORWARD.read_text().strip() != "1":
            reasons.append("IPv4 forwarding switched on")
            if not dry:
                IP_FORWARD.write_text("1\n")
        return reasons

    def _start(self, programs: t.Sequence[Program]) -> ServicesResult:
        result = self._services().ensure(programs)
        deadline = time.monotonic() + 30
        while not self.spec.socket.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        return result

    def _services(self) -> t.Any:
        return manager_for_host(self.spec.data_dir, self.spec.run_dir)

    @property
    def _certificates(self) -> Certificates:
        return Certificates(self.spec, self.runner)

    def _images(self) -> ControlPlaneImages:
        return ControlPlaneImages(self.spec, self.runner)

    @property
    def _containerd_config(self) -> Path:
        return self.spec.data_dir / "etc" / "containerd.toml"

    def _kubelet_tail(self) -> str:
        log = self.spec.data_dir / "log" / "kubelet.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-8:]) if log.exists() else ""

    @staticmethod
    def _cgroup_driver() -> str:
        return "systemd" if _runs_systemd() else "cgroupfs"


def _down(missing: str) -> Finding:
    return Finding("PLB-DAEMON", "embedded cluster", f"is not ready: {missing}", fix=MEND)


def _runs_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()
