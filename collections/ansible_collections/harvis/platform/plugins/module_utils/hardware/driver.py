"""NVIDIA's driver on a host, in the three versions that ought to be one: loaded, installed, and of the library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.hardware.dpkg import (
    Package,
    packaged_driver,
    read_packages,
)
from ansible_collections.harvis.platform.plugins.module_utils.hardware.files import resolve, text
from ansible_collections.harvis.platform.plugins.module_utils.hardware.pci import driver_version

# Where distributions put the library; the last is NVIDIA's own installer on a host without multiarch.
_LIBRARIES = ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/lib")
_NAME = "libnvidia-ml.so.1"


@dataclass(frozen=True)
class Driver:
    """Versions are empty where there is none. ``flavour`` of the loaded module is ``open``, ``proprietary`` or empty.

    ``installed`` is what the packages bring; ``library`` is read off the file that programs load.
    """

    loaded: str = ""
    flavour: str = ""
    installed: str = ""
    library: str = ""
    nouveau_loaded: bool = False
    packages: tuple[Package, ...] = ()

    @property
    def held(self) -> tuple[str, ...]:
        return tuple(package.name for package in self.packages if package.held)


def read_driver(root: Path) -> Driver:
    packages = read_packages(root)
    return Driver(
        driver_version(root),
        _flavour(text(root / "proc/driver/nvidia/version")),
        packaged_driver(packages),
        library_version(root),
        (root / "sys/module/nouveau").is_dir(),
        packages,
    )


def library_version(root: Path) -> str:
    """Of the library that a program would load, from the name of the file that its links lead to."""
    for folder in _LIBRARIES:
        file = resolve(root, f"{folder}/{_NAME}")
        version = file.name.removeprefix("libnvidia-ml.so.")
        if file.exists() and "." in version:
            return version
    return ""


def _flavour(told: str) -> str:
    if not told:
        return ""
    return "open" if "Open Kernel Module" in told else "proprietary"
