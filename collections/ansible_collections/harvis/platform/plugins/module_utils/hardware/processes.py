"""Who a process is that uses a GPU, and whether it is Kubernetes' own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.hardware.files import text

# The driver cgroupfs writes "kubepods/burstable/pod<uid>/…", systemd's writes "kubepods-burstable-pod<uid>.slice" with
# underscores for the dashes of the UID. The UID of a static pod is a hash without any.
_POD = re.compile(r"kubepods\S*?pod([0-9a-f]{8}(?:[-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12})")


@dataclass(frozen=True)
class GpuProcess:
    """``kind`` is ``compute`` or ``graphics``; ``pod`` is the UID of its pod, empty outside Kubernetes.

    ``memory_bytes`` is 0 where the driver does not tell.
    """

    pid: int
    name: str = ""
    memory_bytes: int = 0
    kind: str = "compute"
    pod: str = ""


def identify(root: Path, process: GpuProcess) -> GpuProcess:
    """The process with its name and pod, as ``/proc`` tells; it may have ended since, and stays as it was then."""
    folder = root / "proc" / str(process.pid)
    name = text(folder / "comm") or process.name.rpartition("/")[2]
    return GpuProcess(process.pid, name, process.memory_bytes, process.kind, pod_of(text(folder / "cgroup")))


def pod_of(cgroups: str) -> str:
    """UID of the pod that a ``/proc/<pid>/cgroup`` names; empty where it names none."""
    found = _POD.search(cgroups)
    return found[1].replace("_", "-") if found else ""
