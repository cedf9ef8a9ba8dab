"""Packages, kernels, Secure Boot and NUMA nodes of recorded trees."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.hardware.dpkg import (
    Package,
    packaged_driver,
    read_packages,
    upstream,
)
from ansible_collections.harvis.platform.plugins.module_utils.hardware.kernel import (
    has_headers,
    read_kernel,
    secure_boot,
)
from ansible_collections.harvis.platform.plugins.module_utils.hardware.numa import NumaNode, read_numa

STATUS = """\
Package: bash
Status: install ok installed
Version: 5.2.15-2+b7

Package: libnvidia-ml1
Status: hold ok installed
Architecture: amd64
Version: 535.261.03-1~deb12u1
Description: NVIDIA Management Library
 Package: nvidia-driver is only spoken of here.

Package: nvidia-driver
Status: hold ok installed
Version: 1:535.261.03-1~deb12u1

Package: nvidia-open-kernel-dkms
Status: install ok half-configured
Version: 535.261.03-1~deb12u1

Package: nvidia-legacy-check
Status: deinstall ok config-files
Version: 525.0-1

Package: nvidia-smi
Status: install ok installed
Version: 535.261.03-1~deb12u1
"""
EFI = "sys/firmware/efi/efivars"
SECURE_BOOT = f"{EFI}/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


def write(root: Path, path: str, content: str | bytes = "") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())


def test_packages_that_matter(tmp_path: Path) -> None:
    assert read_packages(tmp_path) == ()
    write(tmp_path, "var/lib/dpkg/status", STATUS)
    packages = read_packages(tmp_path)

    assert packages == (
        Package("libnvidia-ml1", "535.261.03-1~deb12u1", held=True),
        Package("nvidia-driver", "1:535.261.03-1~deb12u1", held=True),
        Package("nvidia-open-kernel-dkms", "535.261.03-1~deb12u1", broken=True),
        Package("nvidia-smi", "535.261.03-1~deb12u1"),
    )
    assert packaged_driver(packages) == "535.261.03"


DRIVERS = [
    ("nvidia-driver-570-server-open", "570.133.20-0ubuntu1", "570.133.20"),
    ("nvidia-open", "580.65.06-1", "580.65.06"),
    ("cuda-drivers-550", "550.163.01-1", "550.163.01"),
    ("nvidia-dkms-535-server", "535.230.02-0ubuntu1", "535.230.02"),
    ("libnvidia-compute-535", "535.230.02-0ubuntu1", "535.230.02"),
    ("nvidia-settings", "535.171.04-1", ""),
    ("nvidia-container-toolkit", "1.17.8-1", ""),
]


@pytest.mark.parametrize(("name", "version", "driver"), DRIVERS)
def test_the_driver_that_packages_bring(name: str, version: str, driver: str) -> None:
    assert packaged_driver([Package(name, version)]) == driver
    assert packaged_driver([Package(name, version, broken=True)]) == ""


def test_upstreams_version() -> None:
    assert [upstream(v) for v in ("1:2.3.4-5", "550.163.01", "none")] == ["2.3.4", "550.163.01", ""]


def test_headers_that_were_removed_leave_a_dead_link(tmp_path: Path) -> None:
    write(tmp_path, "proc/sys/kernel/osrelease", "6.1.0-50-amd64\n")
    (tmp_path / "lib/modules/6.1.0-50-amd64").mkdir(parents=True)
    (tmp_path / "lib/modules/6.1.0-50-amd64/build").symlink_to("/usr/src/linux-headers-6.1.0-50-amd64")
    assert read_kernel(tmp_path).headers is False

    (tmp_path / "usr/src/linux-headers-6.1.0-50-amd64").mkdir(parents=True)
    assert read_kernel(tmp_path).headers is True
    assert has_headers(tmp_path, "") is False


def test_a_host_that_waits_for_nothing(tmp_path: Path) -> None:
    write(tmp_path, "proc/sys/kernel/osrelease", "6.1.0-10-amd64\n")
    for kernel in ("6.1.0-9-amd64", "6.1.0-10-amd64", "6.1.0-50-rt-amd64", "6.1.0-50-cloud-amd64"):
        write(tmp_path, f"boot/vmlinuz-{kernel}")
    kernel = read_kernel(tmp_path)

    assert kernel.installed[:2] == ("6.1.0-9-amd64", "6.1.0-10-amd64")
    assert kernel.reboot_pending == ()


def test_what_a_reboot_is_waited_for(tmp_path: Path) -> None:
    write(tmp_path, "proc/sys/kernel/osrelease", "6.8.0-9-generic\n")
    for kernel in ("6.8.0-9-generic", "6.8.0-45-generic"):
        write(tmp_path, f"boot/vmlinuz-{kernel}")
    write(tmp_path, "run/reboot-required", "*** System restart required ***\n")
    write(tmp_path, "run/reboot-required.pkgs", "linux-base\nlibc6\nlinux-base\n")

    assert read_kernel(tmp_path).reboot_pending == (
        "packages ask for it: libc6, linux-base",
        "kernel 6.8.0-45-generic is installed and 6.8.0-9-generic runs",
    )


FIRMWARE = [
    ("on", {SECURE_BOOT: b"\6\0\0\0\1"}, "enabled"),
    ("off", {SECURE_BOOT: b"\6\0\0\0\0"}, "disabled"),
    ("cannot do it", {f"{EFI}/BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c": b"\0"}, "disabled"),
    ("variables not mounted", {"sys/firmware/efi/runtime": b""}, "unknown"),
    ("cut off", {SECURE_BOOT: b"\6\0"}, "unknown"),
    ("no UEFI", {}, "unsupported"),
]


@pytest.mark.parametrize(("files", "state"), [row[1:] for row in FIRMWARE], ids=[row[0] for row in FIRMWARE])
def test_secure_boot(tmp_path: Path, files: dict[str, bytes], state: str) -> None:
    for path, content in files.items():
        write(tmp_path, path, content)

    assert secure_boot(tmp_path) == state


def test_numa_nodes_in_their_order(tmp_path: Path) -> None:
    for node, memory in ((10, 16), (2, 8)):
        write(tmp_path, f"sys/devices/system/node/node{node}/cpulist", f"{node}-{node + 1}\n")
        write(tmp_path, f"sys/devices/system/node/node{node}/meminfo", f"Node {node} MemTotal:   {memory} kB\n")

    assert read_numa(tmp_path) == (NumaNode(2, "2-3", 8192), NumaNode(10, "10-11", 16384))
