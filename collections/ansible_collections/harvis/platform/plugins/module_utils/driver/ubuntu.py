"""Ubuntu's packages (restricted), whose names bear the branch, and NVIDIA's for Ubuntu."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.driver import debian
from ansible_collections.harvis.platform.plugins.module_utils.driver.options import Flavour, Repository
from ansible_collections.harvis.platform.plugins.module_utils.driver.sets import PackageSet

# nvidia-compute-utils holds the persistence daemon.
_LIBRARIES = ("libnvidia-compute-{branch}", "nvidia-utils-{branch}", "nvidia-compute-utils-{branch}")
_SETS = {
    Flavour.OPEN: PackageSet(
        ("nvidia-dkms-{branch}-open", *_LIBRARIES), (), ("nvidia-driver-{branch}-open",), "nvidia"
    ),
    Flavour.PROPRIETARY: PackageSet(("nvidia-dkms-{branch}", *_LIBRARIES), (), ("nvidia-driver-{branch}",), "nvidia"),
}


def package_set(_repository: Repository, flavour: Flavour) -> PackageSet:
    """NVIDIA names its packages for Ubuntu as Ubuntu does."""
    return _SETS[flavour]


def sources(repository: Repository, os_release: dict[str, str], _root: Path, key: str) -> str:
    """Ubuntu enables ``restricted`` from its installation on."""
    if repository is Repository.NVIDIA:
        return debian.nvidia_source(f"ubuntu{os_release['VERSION_ID'].replace('.', '')}", key)
    return ""
