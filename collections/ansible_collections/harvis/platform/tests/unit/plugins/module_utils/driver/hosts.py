"""Recorded trees: what the driver's code reads of a host, below a folder of its own."""

from __future__ import annotations

import typing as t
from pathlib import Path

OS_RELEASE = 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
KERNEL = "6.1.0-56-amd64"
VERSION = "535.261.03"
OPEN = ("nvidia-open-kernel-dkms", "libcuda1", "libnvidia-ml1", "nvidia-smi")
BESIDE = {"nvidia-modprobe": "535.309.01-0+deb12u1", "nvidia-persistenced": "535.171.04-1~deb12u1", "dkms": "3.0.10-8"}
# What apt-cache madison printed on Debian 12 at a time when the open module lagged behind the libraries.
MADISON = """\
nvidia-driver | 535.309.01-0+deb12u1 | http://mirror.example/debian-security bookworm-security/non-free amd64 Packages
nvidia-kernel-dkms | 535.309.01-0+deb12u1 | http://mirror.example/debian-security bookworm-security/non-free amd64 Packages
nvidia-kernel-dkms | 535.261.03-1 | http://mirror.example/debian bookworm/non-free amd64 Packages
nvidia-open-kernel-dkms | 535.261.03-1 | http://mirror.example/debian bookworm/contrib amd64 Packages
nvidia-smi | 535.309.01-0+deb12u1 | http://mirror.example/debian-security bookworm-security/non-free amd64 Packages
nvidia-smi | 535.261.03-1 | http://mirror.example/debian bookworm/non-free amd64 Packages
libnvidia-ml1 | 535.309.01-0+deb12u1 | http://mirror.example/debian-security bookworm-security/non-free amd64 Packages
libnvidia-ml1 | 535.261.03-1 | http://mirror.example/debian bookworm/non-free amd64 Packages
  libcuda1 | 535.309.01-0+deb12u1 | http://mirror.example/debian-security bookworm-security/non-free amd64 Packages
  libcuda1 | 535.261.03-1 | http://mirror.example/debian bookworm/non-free amd64 Packages
linux-headers-6.1.0-56-amd64 | 6.1.192-2 | http://mirror.example/debian-security bookworm-security/main amd64 Packages
"""  # noqa: E501
RTX_4090 = "0x2684"
GTX_1080 = "0x1b80"


def write(root: Path, files: t.Mapping[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def make_host(root: Path, *, kernel: str = KERNEL, headers: bool = True) -> Path:
    """A bare Debian 12 without a card."""
    write(
        root,
        {
            "etc/os-release": OS_RELEASE,
            "etc/apt/sources.list": "deb http://mirror.example/debian bookworm main\n",
            "proc/sys/kernel/osrelease": f"{kernel}\n",
            f"lib/modules/{kernel}/modules.dep": "",
        },
    )
    if headers:
        write(root, {f"usr/src/linux-headers-{kernel}/Makefile": ""})
        (root / f"lib/modules/{kernel}/build").symlink_to(f"/usr/src/linux-headers-{kernel}")
    set_packages(root, {})
    return root


def add_card(root: Path, device: str = RTX_4090, *, name: str = "AD102 [GeForce RTX 4090]") -> None:
    folder = "sys/bus/pci/devices/0000:01:00.0"
    write(root, {f"{folder}/vendor": "0x10de\n", f"{folder}/class": "0x030000\n", f"{folder}/device": f"{device}\n"})
    write(root, {"usr/share/misc/pci.ids": f"# ids\n10de  NVIDIA Corporation\n\t{device.removeprefix('0x')}  {name}\n"})


def set_packages(
    root: Path,
    versions: t.Mapping[str, str],
    *,
    held: t.Collection[str] = (),
    states: t.Mapping[str, str] | None = None,
) -> None:
    """dpkg's database, whole."""
    stanzas = []
    for name, version in versions.items():
        want = "hold" if name in held else "install"
        state = (states or {}).get(name, "installed")
        stanzas.append(f"Package: {name}\nStatus: {want} ok {state}\nVersion: {version}\nDescription: a\n Package: b\n")
    write(root, {"var/lib/dpkg/status": "\n".join(stanzas)})


def install_driver(root: Path, *, loaded: str = "", library: str = VERSION, held: bool = True) -> None:
    """As a run of ours leaves it."""
    driver = dict.fromkeys(OPEN, f"{VERSION}-1")
    set_packages(root, {**driver, **BESIDE}, held=OPEN if held else ())
    folder = "usr/lib/x86_64-linux-gnu"
    write(root, {f"{folder}/nvidia/current/libnvidia-ml.so.{library}": ""})
    link = root / folder / "libnvidia-ml.so.1"
    link.unlink(missing_ok=True)
    link.symlink_to(f"/{folder}/nvidia/current/libnvidia-ml.so.{library}")
    if loaded:
        write(root, {"sys/module/nvidia/version": f"{loaded}\n"})


def dkms_status(*kernels: str, version: str = VERSION) -> str:
    return "".join(f"nvidia-current-open/{version}, {kernel}, x86_64: installed\n" for kernel in kernels)
