"""What of the installed driver is not yet in effect, and whether a reboot would bring it."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.driver.host import DriverHost
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.hardware.mismatch import version_mismatch


def mismatch(host: DriverHost) -> Finding | None:
    return version_mismatch(str(host.loaded or ""), str(host.library or ""))


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
