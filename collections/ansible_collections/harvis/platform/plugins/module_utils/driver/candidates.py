"""Which versions of the driver the archive has whole: kernel module and libraries of one number."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.driver.archive import Archive
from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import driver_error
from ansible_collections.harvis.platform.plugins.module_utils.driver.options import Flavour, Options
from ansible_collections.harvis.platform.plugins.module_utils.driver.sets import PackageSet
from ansible_collections.harvis.platform.plugins.module_utils.driver.version import DriverVersion

# The first branch whose open module NVIDIA supports on every card that it knows.
OPEN_FROM = 545


@dataclass(frozen=True)
class Candidate:
    """One installable driver: ``packages`` are the aligned ones with the versions of their packages."""

    version: DriverVersion
    flavour: Flavour
    packages: tuple[tuple[str, str], ...]
    set: PackageSet


def flavours(options: Options, *, data_centre: bool, takes_open: bool) -> t.Callable[[DriverVersion], Flavour]:
    """The rule for ``auto``, as a function of the version."""

    def chosen(version: DriverVersion) -> Flavour:
        if options.flavour is not Flavour.AUTO:
            return options.flavour
        is_open = takes_open and (version.branch >= OPEN_FROM or data_centre)
        return Flavour.OPEN if is_open else Flavour.PROPRIETARY

    return chosen


def candidates(archive: Archive, packages: PackageSet, flavour: Flavour) -> t.Iterator[Candidate]:
    """Newest first.

    Debian updates its proprietary packages for security before, or without, the open module: the newest of each would
    be a driver whose module and library differ.
    """
    for branch in _branches(archive, packages):
        named = packages.named(branch)
        offers = [
            {v: p for p in archive.versions(name) if (v := DriverVersion.of_package(p))} for name in named.aligned
        ]
        shared = set.intersection(*(set(offer) for offer in offers))
        for version in sorted(shared, reverse=True):
            aligned = tuple((name, offer[version]) for name, offer in zip(named.aligned, offers, strict=True))
            yield Candidate(version, flavour, aligned, named)


def choose(found: t.Sequence[Candidate], options: Options, rule: t.Callable[[DriverVersion], Flavour]) -> Candidate:
    """The newest that fits the pins; raises DriverError (DRV-VERSION) with the list of what there is."""
    allowed = [c for c in found if c.flavour is rule(c.version)]
    fitting = [c for c in allowed if fits(c.version, options)]
    if fitting:
        return max(fitting, key=lambda c: c.version)
    wanted = f"version {options.version}" if options.version else f"branch {options.branch}"
    if not (options.version or options.branch):
        wanted = "driver"
    has = ", ".join(f"{c.version} ({c.flavour})" for c in sorted(found, key=lambda c: c.version, reverse=True))
    raise driver_error(
        "DRV-VERSION",
        wanted,
        f"is not in the archive as {options.flavour} module with libraries of the same version",
        evidence=f"the archive has {has or 'no NVIDIA driver'}",
        fix="Choose one of these, another flavour, or repository nvidia.",
    )


def fits(version: DriverVersion, options: Options) -> bool:
    """A pin may be a package's version or its upstream part."""
    pinned = DriverVersion.of_package(options.version) if options.version else None
    return (not pinned or version == pinned) and (not options.branch or version.branch == int(options.branch))


def _branches(archive: Archive, packages: PackageSet) -> list[str]:
    """Those for which there is a package of that name; a name without a branch is one for all."""
    if "{branch}" not in packages.kernel_package:
        return [""]
    pattern = re.compile(re.escape(packages.kernel_package).replace(r"\{branch\}", r"(\d{3,})"))
    return sorted({m[1] for name in archive.offers if (m := pattern.fullmatch(name))}, reverse=True)
