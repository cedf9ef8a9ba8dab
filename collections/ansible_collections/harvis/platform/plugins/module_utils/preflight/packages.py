"""Debian packages that are missing on a host, told by the files they bring."""

from __future__ import annotations

from pathlib import Path

# A file of the package (any of them will do), and the package.
ALWAYS = (
    (("etc/ssl/certs/ca-certificates.crt",), "ca-certificates"),
    (("usr/sbin/debootstrap",), "debootstrap"),
    (("sbin/ip", "usr/sbin/ip", "bin/ip"), "iproute2"),
)
CLUSTER = (
    (("usr/bin/containerd",), "containerd"),
    (("usr/sbin/runc", "usr/bin/runc"), "runc"),
    (("usr/sbin/nft",), "nftables"),
    (("usr/sbin/iptables",), "iptables"),
    (("usr/sbin/conntrack",), "conntrack"),
    (("usr/lib/cni/ptp", "opt/cni/bin/ptp"), "containernetworking-plugins"),
    (("bin/mount", "usr/bin/mount"), "mount"),
    (("sbin/modprobe", "usr/sbin/modprobe"), "kmod"),
)
BUILDS = ((("usr/sbin/dockerd", "usr/bin/dockerd"), "docker.io"),)


def missing_packages(root: Path, *, cluster: bool, builds: bool) -> list[str]:
    """Names for apt, sorted; empty on a host that has everything."""
    table = (*ALWAYS, *(CLUSTER if cluster else ()), *(BUILDS if builds else ()))
    missing = {package for files, package in table if not any((root / f).exists() for f in files)}
    if not any((root / "usr/lib").glob("python3*/ensurepip/__init__.py")):
        missing.add("python3-venv")
    return sorted(missing)
