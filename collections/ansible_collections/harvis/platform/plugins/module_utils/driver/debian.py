"""Debian's own packages (contrib and non-free), and NVIDIA's for Debian."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.driver.options import Flavour, Repository
from ansible_collections.harvis.platform.plugins.module_utils.driver.sets import PackageSet
from ansible_collections.harvis.platform.plugins.module_utils.image.apt_sources import read_sources

# Without recommended packages: a server needs CUDA, NVML, the device files and the daemon, and no desktop.
_LIBRARIES = ("libcuda1", "libnvidia-ml1", "nvidia-smi")
_BESIDE = ("nvidia-modprobe", "nvidia-persistenced")
_OURS = {
    Flavour.OPEN: PackageSet(
        ("nvidia-open-kernel-dkms", *_LIBRARIES), _BESIDE, ("nvidia-driver",), "nvidia-current-open"
    ),
    Flavour.PROPRIETARY: PackageSet(("nvidia-kernel-dkms", *_LIBRARIES), _BESIDE, ("nvidia-driver",), "nvidia-current"),
}
_THEIRS = {
    Flavour.OPEN: PackageSet(("nvidia-kernel-open-dkms", "nvidia-driver-cuda"), (), ("nvidia-driver",), "nvidia"),
    Flavour.PROPRIETARY: PackageSet(("nvidia-kernel-dkms", "nvidia-driver-cuda"), (), ("nvidia-driver",), "nvidia"),
}
_COMPONENTS = ("contrib", "non-free", "non-free-firmware")


def package_set(repository: Repository, flavour: Flavour) -> PackageSet:
    return (_OURS if repository is Repository.DISTRIBUTION else _THEIRS)[flavour]


def sources(repository: Repository, os_release: dict[str, str], root: Path, key: str) -> str:
    """The apt file; empty where the host's own sources offer all components already."""
    if repository is Repository.NVIDIA:
        return nvidia_source(f"debian{os_release['VERSION_ID']}", key)
    codename = os_release.get("VERSION_CODENAME", "")
    kept = [s for s in read_sources(root) if s.suite.startswith(codename) and "backports" not in s.suite]
    offered = {(s.uri, s.suite): set[str]() for s in kept if "main" in s.components}
    for source in kept:
        offered.get((source.uri, source.suite), set()).update(source.components)
    keys = {(s.uri, s.suite): s.keyring for s in kept}
    missing = {at: [c for c in _COMPONENTS if c not in has] for at, has in offered.items()}
    return "\n".join(_stanza(*at, lacking, keys[at]) for at, lacking in missing.items() if lacking)


def nvidia_source(name: str, key: str) -> str:
    """NVIDIA's network repository is flat: its suite is a folder."""
    uri = f"https://developer.download.nvidia.com/compute/cuda/repos/{name}/x86_64/"
    return f"Types: deb\nURIs: {uri}\nSuites: /\nSigned-By: {key}\n"


def _stanza(uri: str, suite: str, components: list[str], keyring: str | None) -> str:
    signed = f"Signed-By: {keyring}\n" if keyring else ""
    return f"Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: {' '.join(components)}\n{signed}"
