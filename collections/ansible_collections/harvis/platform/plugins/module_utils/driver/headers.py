"""Kernel headers: without those of a kernel no module can be built for it."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.driver.apt import Apt
from ansible_collections.harvis.platform.plugins.module_utils.driver.distribution import Distribution
from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import driver_error
from ansible_collections.harvis.platform.plugins.module_utils.driver.host import DriverHost

# Of one release, and not the variants for clouds and real time, nor what all of a release share.
_ONE_KERNEL = re.compile(r"-\d+\.\d+(?!.*-(?:common|cloud|rt))")


def missing_headers(kernels: t.Sequence[str], host: DriverHost, distribution: Distribution, apt: Apt) -> dict[str, str]:
    """Package by kernel, with its version.

    Raises DriverError (DRV-HEADERS) for a kernel whose headers are not to be had.
    """
    lacking = {k: distribution.headers.format(kernel=k) for k in kernels if k not in host.headers}
    if not lacking:
        return {}
    archive = apt.archive(tuple(lacking.values()))
    gone = [kernel for kernel, name in lacking.items() if not archive.versions(name)]
    if gone:
        listed = apt.archive((), [distribution.headers.format(kernel="")]).offers
        others = sorted(name for name in listed if _ONE_KERNEL.search(name))
        raise driver_error(
            "DRV-HEADERS",
            f"kernel {', '.join(gone)}",
            "has no headers on this host, and the archive has none for it: no module can be built",
            evidence=f"running kernel {host.running}; the archive has {', '.join(others[-6:]) or 'none'}",
            fix="Install and boot a kernel of the distribution, or name one that has headers in kernels.",
        )
    return {kernel: f"{name}={archive.versions(name)[0]}" for kernel, name in lacking.items()}
