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
# From Debian 13 on the command line and its BuildKit plugin are packages of their own.
BUILDS_APART = (
    (("usr/bin/docker",), "docker-cli"),
    (("usr/libexec/docker/cli-plugins/docker-buildx",), "docker-buildx"),
)
APART_SINCE = 13


def missing_packages(root: Path, *, cluster: bool, builds: bool) -> list[str]:
    """Names for apt, sorted; empty on a host that has everything."""
    table = [*ALWAYS, *(CLUSTER if cluster else ()), *(BUILDS if builds else ())]
    table += BUILDS_APART if builds and _debian_release(root) >= APART_SINCE else ()
    missing = {package for files, package in table if not any((root / f).exists() for f in files)}
    if not any((root / "usr/lib").glob("python3*/ensurepip/__init__.py")):
        missing.add("python3-venv")
    return sorted(missing)


def _debian_release(root: Path) -> int:
    """Major version of Debian; 0 on another distribution (os-release(5))."""
    try:
        fields = dict(line.split("=", 1) for line in (root / "etc/os-release").read_text().splitlines() if "=" in line)
    except OSError:
        return 0
    version = fields.get("VERSION_ID", "").strip('"')
    return int(version) if fields.get("ID") == "debian" and version.isdigit() else 0
