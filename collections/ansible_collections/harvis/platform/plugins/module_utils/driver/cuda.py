"""Which CUDA a driver can serve: asked before anything is installed."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import driver_error
from ansible_collections.harvis.platform.plugins.module_utils.driver.version import DriverVersion

# Oldest Linux driver for each major version of CUDA (NVIDIA's table of minor version compatibility).
OLDEST = {11: "450.80.02", 12: "525.60.13", 13: "580.65.06"}
# Newest CUDA that a branch knows by itself; code for a newer minor version runs, unless it is compiled at run time.
NATIVE = (
    (450, "11.0"), (455, "11.1"), (460, "11.2"), (465, "11.3"), (470, "11.4"), (495, "11.5"), (510, "11.6"),
    (515, "11.7"), (520, "11.8"), (525, "12.0"), (530, "12.1"), (535, "12.2"), (545, "12.3"), (550, "12.4"),
    (555, "12.5"), (560, "12.6"), (565, "12.7"), (570, "12.8"), (575, "12.9"), (580, "13.0"),
)  # fmt: skip


def native_cuda(version: DriverVersion) -> str:
    """Empty for a branch that is older than the table."""
    return next((cuda for branch, cuda in reversed(NATIVE) if branch <= version.branch), "")


def check_cuda(version: DriverVersion, wanted: str) -> str:
    """What there is to say of a driver that serves ``wanted``, or nothing.

    Raises DriverError (DRV-CUDA) for a driver on which an image with this CUDA finds no card and falls back to the CPU.
    """
    if not wanted:
        return ""
    try:
        numbers = tuple(map(int, wanted.split(".")))
    except ValueError:
        cause = f"cuda is {wanted!r}, which is no version"
        raise driver_error("PLB-INPUT", "cuda", cause, fix="Give it as 12.4.") from None
    oldest = OLDEST.get(numbers[0])
    native = native_cuda(version)
    if oldest and version < DriverVersion(oldest):
        raise driver_error(
            "DRV-CUDA",
            f"driver {version}",
            f"is too old for the image's CUDA {wanted}: CUDA would find no card, and the application use the CPU",
            evidence=f"CUDA {numbers[0]} needs {oldest} or newer; this driver serves CUDA {native or 'older than 11'}",
            fix=f"Choose a branch from {oldest.partition('.')[0]} on, or an image for an older CUDA.",
        )
    if native and numbers > tuple(map(int, native.split("."))):
        return (
            f"driver {version} knows CUDA {native} and the image brings {wanted}: "
            "compiled code runs by minor version compatibility, code compiled at run time (PTX) does not"
        )
    return ""
