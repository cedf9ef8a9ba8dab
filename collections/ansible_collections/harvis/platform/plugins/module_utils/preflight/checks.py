"""The checks, from the facts of one host to findings."""

from __future__ import annotations

import shutil
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.preflight import docker
from ansible_collections.harvis.platform.plugins.module_utils.preflight.packages import missing_packages
from ansible_collections.harvis.platform.plugins.module_utils.preflight.ports import listeners

GIB = 1024**3


@dataclass(frozen=True)
class Requirements:
    """What a host must offer.

    ``disk`` maps folders to free GiB; ``ports`` maps TCP ports to the program of ours that may hold them;
    ``kubernetes`` is the wanted version; ``ours`` says that a cluster of ours is on the host.
    """

    memory_gib: float
    disk: dict[str, float]
    ports: dict[int, str]
    kubernetes: str
    data_dir: Path
    embedded: bool
    ours: bool


def preflight(wanted: Requirements, root: Path = Path("/")) -> tuple[dict[str, t.Any], list[Finding]]:
    """Facts a play goes on with, and everything that speaks against going on."""
    usable, docker_findings = docker.check(root / "var/run/docker.sock")
    daemon = "ours" if docker.is_ours(wanted.data_dir) else "foreign" if usable else "absent"
    facts = {
        "docker": daemon,
        "packages": missing_packages(root, cluster=wanted.embedded, builds=daemon != "foreign"),
    }
    findings = [
        *check_memory(wanted.memory_gib, root),
        *check_disk(wanted.disk, root),
        *check_ports(wanted.ports, root, ours=wanted.ours),
        *check_version(wanted.kubernetes, root),
        *docker_findings,
    ]
    return facts, findings


def check_memory(needed_gib: float, root: Path) -> list[Finding]:
    """MemTotal against what the platform needs; free memory says little on a host with a page cache."""
    line = next(x for x in (root / "proc/meminfo").read_text().splitlines() if x.startswith("MemTotal:"))
    present = int(line.split()[1]) * 1024 / GIB
    if present >= needed_gib:
        return []
    cause = f"{present:.1f} GiB of memory; the platform needs {needed_gib:g} GiB"
    return [Finding("RES-MEMORY", "host", cause, line, "Add memory, or lower cluster_memory_needed_gib knowingly.")]


def check_disk(needed: dict[str, float], root: Path) -> list[Finding]:
    """Free space below each folder (or its nearest parent that exists); folders on one file system add up."""
    by_device: dict[int, tuple[Path, float, list[str]]] = {}
    for folder, gib in needed.items():
        existing = next(p for p in (root / folder.lstrip("/"), *(root / folder.lstrip("/")).parents) if p.exists())
        device = existing.stat().st_dev
        path, total, names = by_device.get(device, (existing, 0.0, []))
        by_device[device] = (path, total + gib, [*names, folder])
    findings = []
    for path, gib, names in by_device.values():
        free = shutil.disk_usage(path).free / GIB
        if free < gib:
            cause = f"{free:.1f} GiB free for {', '.join(names)}; {gib:g} GiB are needed"
            findings.append(
                Finding("RES-DISK", names[0], cause, fix="Free space, or move harvis_data_dir or the cache.")
            )
    return findings


def check_ports(ports: dict[int, str], root: Path, *, ours: bool) -> list[Finding]:
    """Ports held by another program; our own programs may hold theirs once the cluster is ours."""
    findings = []
    for held in listeners(set(ports), root / "proc"):
        expected = ports[held.port]
        if ours and held.program == expected[:15]:
            continue
        cause = f"TCP port {held.port} ({expected}) is held by {held.program}, pid {held.pid}"
        findings.append(
            Finding("NET-PORT", f"port {held.port}", cause, fix=f"Stop {held.program}, or choose another port.")
        )
    return findings


def check_version(version: str, root: Path) -> list[Finding]:
    """Kubernetes 1.35 and later refuse cgroup v1 (KEP-5573) and containerd before 2.0."""
    minor = tuple(int(x) for x in version.lstrip("v").split(".")[:2])
    if minor < (1, 35) or (root / "sys/fs/cgroup/cgroup.controllers").exists():
        return []
    cause = f"Kubernetes {version} needs cgroup v2; this host has cgroup v1"
    fix = "Boot with systemd.unified_cgroup_hierarchy=1, or keep cluster_kubernetes_version at v1.34."
    return [Finding("PLB-VERSION", "host", cause, fix=fix)]
