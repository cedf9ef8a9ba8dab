"""What the plan needs to know of a host, read from files under one root."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.driver.cards import Card, read_cards
from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import driver_error
from ansible_collections.harvis.platform.plugins.module_utils.driver.packages import Packages, read_packages
from ansible_collections.harvis.platform.plugins.module_utils.driver.version import DriverVersion
from ansible_collections.harvis.platform.plugins.module_utils.hardware.driver import library_version
from ansible_collections.harvis.platform.plugins.module_utils.hardware.pci import driver_version


@dataclass(frozen=True)
class DriverHost:
    """``kernels`` are those installed, ``headers`` those that a module can be built for.

    ``loaded`` is the version of the module in the kernel, ``library`` that of NVML's file.
    """

    root: Path
    os_release: dict[str, str]
    running: str
    kernels: tuple[str, ...]
    headers: frozenset[str]
    cards: tuple[Card, ...]
    packages: Packages
    loaded: DriverVersion | None = None
    library: DriverVersion | None = None
    nouveau: bool = False
    pending_reboot: str = ""

    @property
    def identity(self) -> str:
        return f"{self.os_release.get('ID', 'unknown')} {self.os_release.get('VERSION_ID', '')}".strip()

    def wanted_kernels(self, names: t.Sequence[str]) -> tuple[str, ...]:
        """Releases for ``running``, ``installed`` and names, each once."""
        given = {"running": (self.running,), "installed": self.kernels}
        return tuple(dict.fromkeys(k for name in names for k in given.get(name, (name,)) if k))


def read_host(root: Path) -> DriverHost:
    """Raises DriverError (DRV-DISTRIBUTION) where nothing says what system this is."""
    modules = root / "lib/modules"
    # The kernels themselves, as opposed to folders that a removed kernel left behind or headers made.
    kernels = sorted(p.name for p in modules.glob("*") if (p / "modules.dep").exists() or (p / "kernel").is_dir())
    return DriverHost(
        root,
        _os_release(root),
        _text(root / "proc/sys/kernel/osrelease"),
        tuple(kernels),
        frozenset(p.name for p in modules.glob("*") if _is_build_tree(root, p / "build")),
        read_cards(root),
        read_packages(root),
        DriverVersion.of_package(driver_version(root)),
        DriverVersion.of_package(library_version(root)),
        (root / "sys/module/nouveau").is_dir(),
        _text(root / "run/reboot-required.pkgs") or _text(root / "run/reboot-required"),
    )


def _is_build_tree(root: Path, link: Path) -> bool:
    """The link is absolute, so below another root it is followed by hand."""
    target = link.readlink() if link.is_symlink() else Path(link.name)
    folder = root / str(target).lstrip("/") if target.is_absolute() else link.parent / target
    return (folder / "Makefile").is_file()


def _os_release(root: Path) -> dict[str, str]:
    text = _text(root / "etc/os-release") or _text(root / "usr/lib/os-release")
    if not text:
        cause = "has no etc/os-release, so it is not known what packages it takes"
        raise driver_error("DRV-DISTRIBUTION", str(root), cause, fix="Use Debian 12 or 13, or Ubuntu 22.04 or 24.04.")
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name: value.strip("\"'") for name, _, value in pairs}


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
