"""The processes that run in containers of our containerd."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import ClusterSpec
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import PROC, Process, processes


def shims(spec: ClusterSpec) -> list[Process]:
    """One shim for each pod; it outlives containerd."""
    return [p for p in processes() if "containerd-shim" in Path(p.executable).name and str(spec.socket) in p.argv]


def inside(shims_of: t.Iterable[Process]) -> list[Process]:
    """What runs below these shims, by pid."""
    everything = list(processes(inside_containers=True))
    found: dict[int, Process] = {}
    frontier = {shim.pid for shim in shims_of}
    while frontier:
        new = {p.pid: p for p in everything if p.parent in frontier and p.pid not in found}
        found |= new
        frontier = set(new)
    return [found[pid] for pid in sorted(found)]


def pod_of(process: Process, proc: Path = PROC) -> str:
    """The pod that a process runs in, as the runtime told it in its environment; empty where it cannot be read."""
    try:
        variables = (proc / str(process.pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    return next((v.removeprefix(b"HOSTNAME=").decode() for v in variables if v.startswith(b"HOSTNAME=")), "")
