"""Looking, without changing anything: rows for the evidence, and a finding for every cause."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.device_plugin import promised
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.diagnose import diagnose
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.snapshot import Snapshot
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.wait import offers
from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Evidence, Proof, said
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Effective, Handler
from ansible_collections.harvis.platform.plugins.module_utils.runtime.minikube import minikube_findings
from ansible_collections.harvis.platform.plugins.module_utils.runtime.runtime_class import runtime_class_findings


@dataclass(frozen=True)
class Look:
    """``gpu_pods`` are the UIDs of the pods that hold GPUs."""

    proofs: list[Proof]
    gpu_pods: list[str]


def look(cluster: Cluster, options: PluginOptions, minikube_home: Path | None = None) -> Look:
    """One row about what the nodes offer, and one about pods that hold GPUs or wait for one.

    ``minikube_home`` has the profiles of nodes that minikube made, which bear their profile's name.
    """
    start = time.monotonic()
    found = Snapshot.read(cluster, options)
    wrong = tuple(diagnose(options, found))
    if wrong and minikube_home:
        nodes = options.gpu_nodes
        # What a node was made without is the cause of whatever fails on it.
        wrong = (*(finding for node in nodes for finding in minikube_findings(minikube_home, node.name)), *wrong)
    seen = offers(options, found)
    middle = time.monotonic()
    waiting = tuple(promised.waiting_pods(cluster))
    holding = [pod for pod in cluster.find("v1", "Pod") if promised.holds(pod)]
    granted = ", ".join(sorted(promised.grant(pod) for pod in holding)) or "no pod holds a GPU"
    unfit = tuple(_under_another_runtime(cluster, options))
    end = time.monotonic()
    proofs = [
        _proof("gpu-plugin", "nodes", wrong, seen, middle - start),
        _proof("gpu-pods", "pods", (*waiting, *unfit), granted, end - middle),
    ]
    return Look(proofs, [pod["metadata"]["uid"] for pod in holding])


def _under_another_runtime(cluster: Cluster, options: PluginOptions) -> list[Finding]:
    """Pods that ask for a GPU and would not see it; none where NVIDIA's runtime is the nodes' default."""
    if not options.runtime_class:
        return []
    classes = cluster.find("node.k8s.io/v1", "RuntimeClass")
    return runtime_class_findings(Effective({}), Handler(options.runtime_handler), classes, cluster.find("v1", "Pod"))


def _proof(check: str, subject: str, findings: tuple[t.Any, ...], seen: str, seconds: float) -> Proof:
    evidence = f"{seen}; {said(findings)}" if findings else seen
    return Proof(Evidence(check, subject, not findings, evidence, seconds), findings)
