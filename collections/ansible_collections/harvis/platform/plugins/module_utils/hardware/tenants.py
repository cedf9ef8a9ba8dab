"""GPU memory that Kubernetes does not know to be taken."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.hardware.pci import Gpu
    from ansible_collections.harvis.platform.plugins.module_utils.hardware.processes import GpuProcess

MIB = 1024**2
# A desktop's programs take some hundred MiB each, and nobody wants to be told of them.
WORTH_TELLING = 512 * MIB


def tenants(gpus: t.Sequence[Gpu], gpu_pods: t.Collection[str] | None) -> t.Iterator[Finding]:
    """A finding for each process that takes memory of a card and was not granted one."""
    for gpu in gpus:
        for process in gpu.processes:
            why = _why(process, gpu_pods)
            if why and process.memory_bytes >= WORTH_TELLING:
                yield _finding(gpu, process, why)


def _why(process: GpuProcess, gpu_pods: t.Collection[str] | None) -> str:
    if not process.pod:
        return "runs outside Kubernetes"
    if gpu_pods is not None and process.pod not in gpu_pods:
        return f"belongs to pod {process.pod}, which was granted no GPU"
    return ""


def _finding(gpu: Gpu, process: GpuProcess, why: str) -> Finding:
    taken, free = process.memory_bytes // MIB, gpu.memory_free_bytes // MIB
    fix = (
        "Give the pod a limit of nvidia.com/gpu, or take NVIDIA_VISIBLE_DEVICES=all out of its image's environment."
        if process.pod
        else "Stop it, or run it in a pod, where the scheduler counts it."
    )
    return Finding(
        "GPU-TENANT",
        f"GPU {gpu.address}",
        f"{taken} MiB of its memory are taken by {process.name or 'a process'} (pid {process.pid}), which {why}",
        f"{free} MiB of {gpu.memory_bytes // MIB} MiB are free",
        fix,
    )
