"""How many GPUs the nodes offer to pods."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.objects import SIMULATED_LABEL
from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object

RESOURCE = "nvidia.com/gpu"


def check(nodes: t.Sequence[Object], wanted: int) -> str:
    """Shared cards count as often as they are shared: this is what the scheduler counts too."""
    offers = {node["metadata"]["name"]: int(node["status"].get("allocatable", {}).get(RESOURCE, 0)) for node in nodes}
    total = sum(offers.values())
    if total < wanted:
        raise fail(
            "GPU-COUNT",
            RESOURCE,
            f"the nodes offer {total}, the platform needs {wanted}",
            evidence=", ".join(f"{name}: {count}" for name, count in sorted(offers.items())),
            fix="Look at the device plugin's pods and log, and at `nvidia-smi` on the node.",
        )
    simulated = {node["metadata"]["name"] for node in nodes if is_simulated(node)}
    if not total:
        return "CPU only: no node offers a GPU and none is expected"
    said = (f"{n} offers {c}{' (simulated)' if n in simulated else ''}" for n, c in sorted(offers.items()) if c)
    return ", ".join(said) + f", {wanted} needed"


def is_simulated(node: Object) -> bool:
    """Its cards compute nothing, so that every program there is on the CPU."""
    return (node["metadata"].get("labels") or {}).get(SIMULATED_LABEL) == "true"
