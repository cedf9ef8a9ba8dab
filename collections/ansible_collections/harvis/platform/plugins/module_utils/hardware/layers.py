"""Which layer between a card and its programs is the first that fails, and what is wrong with it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.hardware.mismatch import version_mismatch
from ansible_collections.harvis.platform.plugins.module_utils.hardware.tenants import tenants

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.hardware.facts import HostHardware
    from ansible_collections.harvis.platform.plugins.module_utils.hardware.pci import Gpu

_OURS = "nvidia"
# A card that is kept for a virtual machine.
_PASSED_THROUGH = {"vfio-pci", "pci-stub"}


@dataclass(frozen=True)
class Layer:
    """``name`` is ``pci``, ``module``, ``library``, ``nvml`` or ``none``; ``reason`` a sentence."""

    name: str
    reason: str


def first_failing_layer(host: HostHardware) -> Layer:
    """From the bus upwards; what works above proves what lies below."""
    if not host.gpus:
        return Layer("pci", "no NVIDIA GPU is on the PCI bus")
    if not host.nvml_answers:
        if not host.driver.loaded:
            return Layer("module", f"the NVIDIA kernel module is not loaded for {_names(host.gpus)}")
        if not host.driver.library:
            return Layer("library", f"the module {host.driver.loaded} is loaded and no libnvidia-ml.so.1 is installed")
        if host.nvml_error:
            return Layer("nvml", host.nvml_error)
    lost = [gpu for gpu in host.gpus if gpu.lost]
    if lost:
        return Layer("nvml", f"the driver does not reach {_names(lost)}")
    return Layer("none", "every GPU answers" if host.nvml_answers else "no fault is seen; NVML was not asked")


def diagnose(host: HostHardware, gpu_pods: t.Collection[str] | None = None) -> list[Finding]:
    """Everything wrong with the host's GPUs that its facts show.

    ``gpu_pods`` are the UIDs of the pods that were granted a GPU; without them pods are not told apart.
    """
    if not host.gpus:
        return [_no_card()]
    mismatch = version_mismatch(
        host.driver.loaded,
        host.driver.library,
        installed=host.driver.installed,
        nvml_code=host.nvml_code,
        nvml_error=host.nvml_error,
    )
    parted = [mismatch] if mismatch else []
    return [*_drivers(host), *parted, *_lost(host), *tenants(host.gpus, gpu_pods)]


def _no_card() -> Finding:
    return Finding(
        "GPU-PCI",
        "sys/bus/pci",
        "no NVIDIA GPU is on the PCI bus",
        "no device of vendor 10de with class 03",
        "Check the card's seat and power cables, the slot in the firmware's settings (Above 4G decoding), and in a "
        "virtual machine that the card is passed through.",
    )


def _drivers(host: HostHardware) -> t.Iterator[Finding]:
    for gpu in host.gpus:
        if gpu.kernel_driver == "nouveau":
            yield Finding(
                "GPU-NOUVEAU",
                _names([gpu]),
                "is held by nouveau, so that NVIDIA's driver cannot take it",
                f"driver of {gpu.address}: nouveau",
                "Blacklist nouveau, rebuild the initial RAM disk and reboot: nvidia_driver does the first two.",
            )
        elif gpu.kernel_driver != _OURS and not gpu.memory_bytes:
            yield _no_driver(host, gpu)


def _no_driver(host: HostHardware, gpu: Gpu) -> Finding:
    if gpu.kernel_driver in _PASSED_THROUGH:
        cause, fix = f"is held by {gpu.kernel_driver} for virtual machines", "Take the card out of the pass-through."
    elif host.driver.loaded:
        cause = f"is not taken by the loaded driver {host.driver.loaded}"
        fix = "Read what NVRM says in the kernel log: open modules take no card before Turing, new drivers no old card."
    elif host.driver.installed:
        cause = f"has no driver loaded, although {host.driver.installed} is installed"
        fix = (
            "Run `modprobe nvidia` and read its answer: a module for another kernel or without a known key is refused."
        )
    else:
        cause, fix = "has no driver", "Install one: harvis.platform.nvidia_driver, or the role gpu_host."
    seen = f"driver of {gpu.address}: {gpu.kernel_driver or 'none'}; loaded module: {host.driver.loaded or 'none'}"
    return Finding("GPU-DRIVER", _names([gpu]), cause, seen, fix)


def _lost(host: HostHardware) -> t.Iterator[Finding]:
    for gpu in host.gpus:
        if gpu.lost:
            yield Finding(
                "GPU-LOST",
                _names([gpu]),
                "fell off the bus: it is on PCI, and the driver does not reach it",
                "; ".join([*(f"Xid {xid} in the kernel's log" for xid in gpu.xids), *host.not_checked]),
                "Reboot (a cold start where that is not enough), then check power cables, riser and temperature.",
            )


def _names(gpus: t.Sequence[Gpu]) -> str:
    return ", ".join(f"GPU {gpu.address}{f' ({gpu.name})' if gpu.name else ''}" for gpu in gpus)
