"""Having the plugin on the cluster, and the proof that it works."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.device_plugin import converge
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.smoke import Seen, Smoke, prove
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.snapshot import Snapshot
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.wait import Clock, Progress, wait_for_gpus
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster

SMOKE_CHOICES = ("changed", "always", "never")


def ensure_present(
    cluster: Cluster,
    options: PluginOptions,
    smoke: Smoke,
    *,
    when: str = "changed",
    check_mode: bool = False,
    clock: Clock | None = None,
) -> dict[str, t.Any]:
    """The module's result. ``when`` (one of SMOKE_CHOICES) says whether the proof by a pod is made.

    Raises HarvisError: a node that is not there, GPUs that are not offered in time (PLG-*), a pod that sees none.
    """
    clock = clock or Clock()
    if not options.image:
        raise HarvisError(Finding("PLB-INPUT", "image", "is empty", fix="Name the device plugin's image."))
    planned = converge.plan(cluster, options, cluster.find("v1", "Node"))
    changed = bool(planned.reasons)
    result = _result(options, planned)
    if check_mode:
        # Before the first real run there is nothing that could offer GPUs, so nothing is judged here.
        return {**result, "nodes": _nodes(options, Snapshot.read(cluster, options, logs=False))}
    converge.apply(cluster, planned)
    progress = Progress(clock)
    found = wait_for_gpus(cluster, options, clock, progress)
    proved = when == "always" or (when == "changed" and changed)
    seen = prove(cluster, options, smoke, clock) if proved else []
    return {**result, "nodes": _nodes(options, found), "smoke": _rows(seen), "progress": progress.lines}


def _result(options: PluginOptions, planned: converge.Plan) -> dict[str, t.Any]:
    return {
        "changed": bool(planned.reasons),
        "reasons": list(planned.reasons),
        "simulated": options.simulated,
        "diff": {"before": planned.before, "after": planned.after},
        "nodes": {},
        "smoke": [],
        "progress": [],
    }


def _nodes(options: PluginOptions, found: Snapshot) -> dict[str, t.Any]:
    return {
        node.name: {
            "expected": options.expected(node),
            "capacity": dict(found.offers[node.name].capacity) if node.name in found.offers else {},
            "allocatable": dict(found.offers[node.name].allocatable) if node.name in found.offers else {},
        }
        for node in options.nodes
    }


def _rows(seen: t.Iterable[Seen]) -> list[dict[str, t.Any]]:
    return [{"node": s.node, "tried": s.tried, "evidence": s.evidence, "seconds": round(s.seconds, 2)} for s in seen]
