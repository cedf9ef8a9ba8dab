"""Installed packages that have to do with GPUs, out of dpkg's own record."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

# The record has thousands of paragraphs; only those whose name can matter are looked at.
_OURS = re.compile(rb"^Package: ((?:\S*nvidia|libcuda|cuda-drivers|xserver-xorg-video-nouveau)\S*)$", re.MULTILINE)
# What carries the driver's version, from what a person installs down to what every installation has.
_DRIVERS = (
    r"nvidia-driver(-\d+(-server)?(-open)?)?",
    r"nvidia-open(-\d+)?",
    r"cuda-drivers(-\d+)?",
    r"nvidia-(open-)?kernel-dkms|nvidia-dkms-\d+\S*",
    r"libnvidia-ml1|libnvidia-compute-\d+\S*",
)


@dataclass(frozen=True)
class Package:
    """``version`` as dpkg writes it; ``held`` keeps it from upgrades; ``broken`` is half-installed or unconfigured."""

    name: str
    version: str
    held: bool = False
    broken: bool = False


def read_packages(root: Path) -> tuple[Package, ...]:
    """By name; nothing on a host without dpkg."""
    try:
        record = (root / "var/lib/dpkg/status").read_bytes()
    except OSError:
        return ()
    found = {package.name: package for package in _packages(record)}
    return tuple(found[name] for name in sorted(found))


def packaged_driver(packages: t.Sequence[Package]) -> str:
    """Upstream's version of the driver that the packages bring (``535.261.03``); empty without one."""
    for pattern in _DRIVERS:
        for package in packages:
            if re.fullmatch(pattern, package.name) and not package.broken:
                return upstream(package.version)
    return ""


def upstream(version: str) -> str:
    """``1:535.261.03-1~deb12u1`` → ``535.261.03``."""
    found = re.match(r"(?:\d+:)?(\d+(?:\.\d+)+)", version)
    return found[1] if found else ""


def _packages(record: bytes) -> t.Iterator[Package]:
    for found in _OURS.finditer(record):
        end = record.find(b"\n\n", found.end())
        fields = _fields(record[found.start() : end if end >= 0 else len(record)])
        selection, _, state = fields.get("Status", "").partition(" ")
        if state and not state.endswith((" not-installed", " config-files")):
            broken = state != "ok installed"
            yield Package(fields["Package"], fields.get("Version", ""), selection == "hold", broken)


def _fields(paragraph: bytes) -> dict[str, str]:
    lines = (line.partition(": ") for line in paragraph.decode(errors="replace").splitlines() if line[:1] != " ")
    return {name: value for name, _, value in lines}
