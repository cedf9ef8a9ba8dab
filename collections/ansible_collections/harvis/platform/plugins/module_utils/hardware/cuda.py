"""Whether an image's libraries were built for CUDA, for which one, and for the card: read off versions and lists."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding

Version = tuple[int, int]

# "sm_89" is machine code, "compute_90" is PTX; "a" is code for one card only, "f" for its family.
_ARCHITECTURE = re.compile(r"(sm|compute)_(\d+)(\d)([af]?)")


@dataclass(frozen=True)
class Build:
    """A wheel as it was built; ``cuda`` is None where nothing tells, ``cpu_only`` where it says that it has none."""

    name: str
    version: str
    cuda: Version | None = None
    cpu_only: bool = False


def build_of(name: str, version: str, requires: t.Iterable[str] = ()) -> Build:
    """What a wheel's version (``2.6.0+cu124``), else its requirements, say of how it was built.

    On the public index torch has no local version: what it requires (``nvidia-cuda-runtime-cu12==12.4.127``) tells.
    """
    local = version.partition("+")[2]
    tagged = re.fullmatch(r"cu(\d+)(\d)(?:\..*)?", local)
    if tagged:
        return Build(name, version, (int(tagged[1]), int(tagged[2])))
    runtime = (re.match(r"nvidia-cuda-runtime(?:-cu\d+)?\s*\(?==\s*(\d+)\.(\d+)", line.strip()) for line in requires)
    found = next(filter(None, runtime), None)
    return Build(name, version, (int(found[1]), int(found[2])) if found else None, re.match("cpu", local) is not None)


def builds_of(requirements: str, names: t.Collection[str] = ("torch", "torchaudio", "torchvision")) -> list[Build]:
    """The pinned libraries among ``names`` in the text of a requirements file or of ``pip freeze``."""
    lines = [line.split("#")[0].rstrip(" \\").strip() for line in requirements.splitlines()]
    pins = (re.match(r"([\w.-]+)\s*==\s*([^\s;]+)", line) for line in lines)
    return [build_of(pin[1], pin[2], lines) for pin in pins if pin and pin[1].lower() in names]


def covers(architectures: t.Iterable[str], capability: str, *, ptx: bool = True) -> bool:
    """Whether code for ``architectures`` (torch's ``get_arch_list``) runs on a card of ``capability`` (``8.9``).

    Machine code runs on its own major with a minor that is not lower; PTX is compiled for anything newer, by a driver
    that knows the PTX's CUDA (``ptx`` false where it does not).
    """
    major, minor = (int(part) for part in capability.split("."))
    return any(_runs(found, (major, minor), ptx) for found in map(_ARCHITECTURE.fullmatch, architectures) if found)


def _runs(architecture: re.Match[str], card: Version, ptx: bool) -> bool:
    kind, suffix = architecture[1], architecture[4]
    built = int(architecture[2]), int(architecture[3])
    if suffix == "a":
        return built == card and (kind == "sm" or ptx)
    if kind == "compute" and not suffix:
        return ptx and built <= card
    return built[0] == card[0] and built[1] <= card[1] and (kind == "sm" or ptx)


def check_architecture(
    image: str, architectures: t.Sequence[str], capability: str, *, ptx: bool = True
) -> list[Finding]:
    """A build without code for the card finds it, and fails at its first kernel (or is silently slow)."""
    if covers(architectures, capability, ptx=ptx):
        return []
    return [
        Finding(
            "GPU-ARCH",
            image,
            f"its torch has no code for a card of compute capability {capability}",
            f"built for {', '.join(architectures) or 'nothing'}",
            f"Choose a build for sm_{capability.replace('.', '')} (the same major and a minor not above it will do), "
            "or one with PTX.",
        )
    ]


def check_builds(image: str, builds: t.Iterable[Build]) -> list[Finding]:
    """Libraries of an image that is to use a GPU, and that were built for CPUs alone."""
    return [
        Finding(
            "GPU-WHEEL",
            image,
            f"{build.name} {build.version} is built for CPUs alone",
            f"local version {build.version.partition('+')[2]}",
            f"Pin a CUDA build of {build.name} and name its index; without one, the smaller wheel may be taken.",
        )
        for build in builds
        if build.cpu_only
    ]
