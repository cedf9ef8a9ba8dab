"""What differs between distributions: where packages come from and what they are called. Another one is one file."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.driver import debian, ubuntu
from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import driver_error
from ansible_collections.harvis.platform.plugins.module_utils.driver.options import Flavour, Repository
from ansible_collections.harvis.platform.plugins.module_utils.driver.sets import PackageSet

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.driver.host import DriverHost


@dataclass(frozen=True)
class Distribution:
    """``sets`` name the packages by repository and flavour; ``sources`` makes the repository's apt file."""

    name: str
    releases: tuple[str, ...]
    sets: t.Callable[[Repository, Flavour], PackageSet]
    sources: t.Callable[[Repository, dict[str, str], Path, str], str]
    headers: str = "linux-headers-{kernel}"


KNOWN = (
    Distribution("debian", ("12", "13"), debian.package_set, debian.sources),
    Distribution("ubuntu", ("22.04", "24.04"), ubuntu.package_set, ubuntu.sources),
)


def distribution_of(host: DriverHost) -> Distribution:
    """Raises DriverError (DRV-DISTRIBUTION) for a host whose packages nobody has described here."""
    for known in KNOWN:
        if known.name == host.os_release.get("ID") and host.os_release.get("VERSION_ID") in known.releases:
            return known
    names = "; ".join(f"{d.name} {', '.join(d.releases)}" for d in KNOWN)
    raise driver_error(
        "DRV-DISTRIBUTION",
        host.identity,
        "is no distribution whose driver packages are known here",
        evidence=f"known are {names}",
        fix="Install the driver with the distribution's own tools, and set gpu_host_driver_state to unmanaged.",
    )
