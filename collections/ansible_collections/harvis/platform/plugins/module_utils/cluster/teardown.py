"""Giving the host back: processes, mounts, interfaces and state of the cluster; packages, caches and data stay."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.cluster.containers import inside, shims
from ansible_collections.harvis.platform.plugins.module_utils.cluster.network import PodNetwork
from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import KUBERNETES_FOLDERS, ClusterSpec
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import stop

# Time for a broker or a store to write its last pages.
GRACE_SECONDS = 30.0
NETWORK_NAMESPACES = Path("/run/netns")
MOUNTS = Path("/proc/self/mountinfo")


def stop_containers(spec: ClusterSpec) -> int:
    """End every container of our containerd, whether the daemon still lives or not; returns how many processes."""
    of_pods = shims(spec)
    ended = stop([p.pid for p in inside(of_pods)], patience=GRACE_SECONDS)
    stop([p.pid for p in of_pods], patience=2)
    return len(ended)


def unmount(prefixes: t.Sequence[Path], runner: Runner, table: Path = MOUNTS) -> None:
    """Unmount everything below the given folders, deepest first, and what a folder of them is bound onto itself.

    A folder that is a mount point of its own (a volume of a container, a disk) stays mounted. The kubelet binds its
    folder onto itself to share mounts; there the mount's root is its mount point (proc(5), mountinfo).
    """
    rows = [line.split() for line in table.read_text().splitlines()]
    mounts = [(row[3], row[4].replace("\\040", " ")) for row in rows]
    chosen = [m for root, m in mounts if any(p in Path(m).parents or (str(p) == m and root == m) for p in prefixes)]
    for mount in sorted(chosen, key=len, reverse=True):
        runner.run(["umount", "--lazy", mount], check=False)


def remove_pod_namespaces(runner: Runner) -> None:
    """Named network namespaces of pods (and with them their interfaces)."""
    for namespace in NETWORK_NAMESPACES.glob("cni-*"):
        runner.run(["ip", "netns", "delete", namespace.name], check=False)
    if NETWORK_NAMESPACES.is_dir() and not any(NETWORK_NAMESPACES.iterdir()):
        runner.run(["umount", "--lazy", str(NETWORK_NAMESPACES)], check=False)


def remove_state(spec: ClusterSpec) -> None:
    """Delete the cluster's own folders; a folder that is itself a mount point is emptied instead."""
    own = (*KUBERNETES_FOLDERS, spec.containerd_root, spec.run_dir, spec.data_dir / "cni", spec.data_dir / "images")
    for folder in own:
        _remove_tree(folder)
    for leftover in (Path("/var/lib/cni/results"), Path("/var/lib/cni")):
        if leftover.is_dir() and not any(leftover.iterdir()):
            leftover.rmdir()
    spec.mark.unlink(missing_ok=True)


def _remove_tree(folder: Path) -> None:
    if folder.is_mount():
        for child in folder.iterdir():
            shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=not folder.exists())


def take_down(spec: ClusterSpec, runner: Runner) -> None:
    """Everything after the daemons have been stopped."""
    stop_containers(spec)
    remove_pod_namespaces(runner)
    unmount([*KUBERNETES_FOLDERS, spec.run_dir, spec.containerd_root, spec.data_dir / "docker"], runner)
    PodNetwork(spec, runner).remove()
    remove_state(spec)
