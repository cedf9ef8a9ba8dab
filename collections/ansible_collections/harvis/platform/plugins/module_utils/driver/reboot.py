"""What of the installed driver is not yet in effect, and whether a reboot would bring it."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.driver.host import DriverHost
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding


def mismatch(host: DriverHost) -> Finding | None:
    """The library that programs load, and the module that the kernel has, are of different versions."""
    if not host.loaded or not host.library or host.loaded == host.library:
        return None
    return Finding(
        "DRV-MISMATCH",
        "nvidia",
        f"module {host.loaded} is loaded and library {host.library} is installed: new programs cannot use the card",
        f"sys/module/nvidia/version {host.loaded}, libnvidia-ml.so.{host.library}",
        "Reboot, or end every user of the card and reload the module (modprobe -r nvidia_uvm nvidia_drm nvidia).",
    )


def reboot_reasons(host: DriverHost, *, wanted: bool = True) -> tuple[str, ...]:
    """``wanted`` is whether there is to be a driver."""
    if not wanted:
        return (f"module {host.loaded} of the removed driver is still loaded",) if host.loaded else ()
    found = mismatch(host)
    reasons = [found.cause] if found else []
    if host.nouveau and host.cards:
        reasons += ["nouveau is loaded and holds the card"]
    return tuple(reasons)


def pending_notes(host: DriverHost) -> tuple[str, ...]:
    """A reboot that the distribution asks for is told, and needed for no card: mostly it is for another library."""
    packages = ", ".join(dict.fromkeys(host.pending_reboot.split("\n")))
    return (f"the distribution asks for a reboot: {packages}",) if packages else ()


def reboot_finding(reasons: tuple[str, ...]) -> Finding:
    return Finding(
        "DRV-REBOOT",
        "host",
        "; ".join(reasons),
        fix="Reboot when it suits, and run the play again; nothing here reboots by itself.",
    )
