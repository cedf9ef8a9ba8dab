"""The library that programs load, and the module that the kernel has, are of different versions: said in one place."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.hardware.nvml import VERSION_MISMATCH


def version_mismatch(
    loaded: str, library: str, *, installed: str = "", nvml_code: int = 0, nvml_error: str = ""
) -> Finding | None:
    """Versions are empty where they are unknown; NVML's own word counts also where the files tell nothing.

    ``installed`` is what the packages bring: it tells an upgrade under a loaded module from a leftover library.
    """
    differ = bool(loaded and library and loaded != library)
    if not differ and nvml_code != VERSION_MISMATCH:
        return None
    seen = [
        f"sys/module/nvidia/version {loaded or 'unknown'}, libnvidia-ml.so {library or 'unknown'}",
        *([f"packages {installed}"] if installed else []),
        *([f"NVML: {nvml_error}"] if nvml_error else []),
    ]
    return Finding(
        "DRV-MISMATCH",
        "NVIDIA driver",
        f"module {loaded or 'unknown'} is loaded and library {library or 'unknown'} is installed: "
        "new programs cannot use the card",
        "; ".join(seen),
        "Reboot, or end every user of the card and reload the module (modprobe -r nvidia_uvm nvidia_drm "
        "nvidia_modeset nvidia); hold the packages so that an unattended upgrade cannot part them again.",
    )
