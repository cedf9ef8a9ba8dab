"""kubeadm's certificates last a year; a cluster whose certificates ran out answers nobody.

https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.cluster.containers import inside, shims
from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import ClusterSpec
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import stop

DAY = 24 * 3600
RENEWED_BEFORE = 30 * DAY
URGENT_BEFORE = 7 * DAY
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


@dataclass(frozen=True)
class Certificate:
    """One certificate or kubeconfig of kubeadm's, with the seconds that it has left (less than 0: it ran out)."""

    name: str
    ends: str
    seconds: float


@dataclass(frozen=True)
class Certificates:
    """What kubeadm made for one cluster, except its authorities, which last ten years."""

    spec: ClusterSpec
    runner: Runner

    def ending(self) -> list[Certificate]:
        """Those that should be renewed now."""
        done = self.runner.run(self._kubeadm("check-expiration", "--output=json"), check=False, timeout=60)
        if done.rc != 0:
            return []
        listed = json.loads(done.stdout).get("certificates") or []
        known = [Certificate(c["name"], c["expirationDate"], c["residualTime"]) for c in listed if not c["missing"]]
        return [each for each in known if each.seconds < RENEWED_BEFORE]

    def renew(self) -> None:
        """Make all of them anew and have everything that read the old ones start again; the kubelet restarts pods."""
        self.runner.run(self._kubeadm("renew", "all"), timeout=120)
        stop([p.pid for p in inside(shims(self.spec)) if Path(p.executable).name in CONTROL_PLANE])

    def _kubeadm(self, *arguments: str) -> list[str]:
        # With the configuration at hand kubeadm need not ask a cluster that may not answer.
        return [self.spec.program("kubeadm"), "certs", *arguments, f"--config={self.spec.data_dir / 'kubeadm.json'}"]


def findings(ending: t.Sequence[Certificate]) -> list[Finding]:
    """PLB-CERTIFICATE for what ran out, or will within a week."""
    return [
        Finding(
            "PLB-CERTIFICATE",
            each.name,
            "ran out" if each.seconds <= 0 else f"runs out in {each.seconds / DAY:.1f} days",
            evidence=f"valid until {each.ends}",
            fix="`make up` renews it and starts the control plane again.",
        )
        for each in ending
        if each.seconds < URGENT_BEFORE
    ]
