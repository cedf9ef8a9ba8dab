"""What a model server's log says of its start: it looks for cards once, and the CPU is a legal end of that."""

from __future__ import annotations

import re

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.gpu import RESOURCE
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import path, phase

# Ollama writes a line for each device that it will compute on, before it serves.
_DEVICE = re.compile(r'^.*msg="?inference compute"? .*?\blibrary=(\w+).*$', re.MULTILINE)
LOG_BYTES = 64 * 1024


def granted(pod: Object) -> list[str]:
    """Containers that were given a card and run."""
    if phase(pod) != "Running":
        return []
    limits = {c["name"]: (c.get("resources") or {}).get("limits") or {} for c in pod["spec"]["containers"]}
    return [name for name, limit in limits.items() if str(limit.get(RESOURCE, "0")) != "0"]


def devices(log: str) -> list[str]:
    """The line of each device; none where the log is of another program, or no longer reaches back to the start."""
    return [found[0].partition("msg=")[2][:200] for found in _DEVICE.finditer(log)]


def is_on_cpu(log: str) -> bool:
    libraries = [found[1].lower() for found in _DEVICE.finditer(log)]
    return bool(libraries) and set(libraries) == {"cpu"}


def cpu_finding(pod: Object, container: str, log: str) -> Finding:
    return Finding(
        "GPU-FALLBACK",
        f"{path(pod)} {container}",
        "found no card when it started, although it was granted one, and computes on the CPU until it is started anew",
        devices(log)[0],
        f"`kubectl delete pod -n {pod['metadata']['namespace']} {pod['metadata']['name']}` starts it anew; where it "
        "finds none again, exec `nvidia-smi -L` in it and look at gpu_info's findings.",
    )
