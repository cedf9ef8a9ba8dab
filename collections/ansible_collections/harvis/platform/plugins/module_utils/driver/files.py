"""The files of ours on the host: where packages come from, which version, and what the kernel may load."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.driver.distribution import Distribution
from ansible_collections.harvis.platform.plugins.module_utils.driver.host import DriverHost
from ansible_collections.harvis.platform.plugins.module_utils.driver.options import Flavour, Options, Repository
from ansible_collections.harvis.platform.plugins.module_utils.driver.sets import PackageSet
from ansible_collections.harvis.platform.plugins.module_utils.driver.version import DriverVersion

SOURCES = "etc/apt/sources.list.d/harvis-nvidia.sources"
PREFERENCES = "etc/apt/preferences.d/harvis-nvidia"
MODPROBE = "etc/modprobe.d/harvis-nvidia.conf"
OURS = (SOURCES, PREFERENCES, MODPROBE)
_NVIDIA_HOST = "developer.download.nvidia.com"


@dataclass(frozen=True)
class WantedFile:
    """``path`` is relative to the root; empty ``content`` means that there must be none."""

    path: str
    content: str

    def live(self, root: Path) -> str:
        try:
            return (root / self.path).read_text()
        except OSError:
            return ""

    def differs(self, root: Path) -> bool:
        return self.live(root) != self.content


def sources_file(distribution: Distribution, options: Options, host: DriverHost) -> WantedFile:
    """What was written for the same repository is kept: the components that it adds are no longer missing."""
    live = WantedFile(SOURCES, "").live(host.root)
    if live and (_NVIDIA_HOST in live) == (options.repository is Repository.NVIDIA):
        return WantedFile(SOURCES, live)
    return WantedFile(
        SOURCES,
        distribution.sources(options.repository, host.os_release, host.root, options.repository_key),
    )


def preferences_file(version: DriverVersion) -> WantedFile:
    """Dependencies follow as well: apt would take the newest of them, and then find that nothing fits together."""
    return WantedFile(
        PREFERENCES,
        "Explanation: Library and kernel module must be of one version.\n"
        "Package: *nvidia* libcuda*\n"
        f"Pin: version {version}*\n"
        "Pin-Priority: 1001\n",
    )


def pinned_version(root: Path) -> DriverVersion | None:
    """The version that a run of ours pinned."""
    for line in WantedFile(PREFERENCES, "").live(root).splitlines():
        if line.startswith("Pin: version "):
            return DriverVersion.of_package(line.removeprefix("Pin: version ").rstrip("*"))
    return None


def modprobe_file(packages: PackageSet, *, unsupported: bool) -> WantedFile:
    lines = ["# nouveau would take the card before the NVIDIA module can.", "blacklist nouveau"]
    lines += ["options nouveau modeset=0"]
    if unsupported:
        lines += [f"options {packages.kernel_module} NVreg_OpenRmEnableUnsupportedGpus=1"]
    return WantedFile(MODPROBE, "\n".join(lines) + "\n")


def needs_unsupported(flavour: Flavour, version: DriverVersion, *, first_supported: int, data_centre: bool) -> bool:
    """The open module of older branches takes a card with a display only when told so."""
    return flavour is Flavour.OPEN and version.branch < first_supported and not data_centre
