"""Looking, without changing anything: rows for the evidence, and a finding for every cause."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.device_plugin import promised
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.diagnose import diagnose
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.snapshot import Snapshot
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.wait import offers
from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Evidence, Proof, said
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster


def look(cluster: Cluster, options: PluginOptions) -> list[Proof]:
    """One row about what the nodes offer, and one about pods that wait for a GPU."""
    start = time.monotonic()
    found = Snapshot.read(cluster, options)
    wrong = tuple(diagnose(options, found))
    seen = offers(options, found)
    middle = time.monotonic()
    waiting = tuple(promised.waiting_pods(cluster))
    held = promised.holders(cluster.find("v1", "Pod"))
    granted = [f"{name} {count}" for node in sorted(held) for name, count in sorted(held[node].items())]
    end = time.monotonic()
    return [
        _proof("gpu-plugin", "nodes", wrong, seen, middle - start),
        _proof("gpu-pods", "pods", waiting, ", ".join(granted) or "no pod holds a GPU", end - middle),
    ]


def _proof(check: str, subject: str, findings: tuple[t.Any, ...], seen: str, seconds: float) -> Proof:
    evidence = f"{seen}; {said(findings)}" if findings else seen
    return Proof(Evidence(check, subject, not findings, evidence, seconds), findings)
