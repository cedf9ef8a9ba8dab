"""The plan: facts and options in, exact packages, files, holds and reasons out. Changes nothing."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.driver.candidates import OPEN_FROM, Candidate
from ansible_collections.harvis.platform.plugins.module_utils.driver.cuda import check_cuda
from ansible_collections.harvis.platform.plugins.module_utils.driver.distribution import Distribution
from ansible_collections.harvis.platform.plugins.module_utils.driver.dkms import Build
from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import driver_error
from ansible_collections.harvis.platform.plugins.module_utils.driver.files import (
    WantedFile,
    modprobe_file,
    needs_unsupported,
    pinned_version,
    preferences_file,
)
from ansible_collections.harvis.platform.plugins.module_utils.driver.host import DriverHost
from ansible_collections.harvis.platform.plugins.module_utils.driver.options import Flavour, Options
from ansible_collections.harvis.platform.plugins.module_utils.driver.packages import Package
from ansible_collections.harvis.platform.plugins.module_utils.driver.version import DriverVersion


@dataclass(frozen=True)
class Plan:
    """``install`` are exact names with versions (``nvidia-smi=535.261.03-1``), without what they depend on.

    ``kernels`` must each have the module in the end. ``simulated`` is all that apt would unpack.
    """

    version: DriverVersion
    flavour: Flavour
    kernels: tuple[str, ...]
    install: tuple[str, ...] = ()
    files: tuple[WantedFile, ...] = ()
    unhold: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    simulated: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True)
class Situation:
    """All that a plan follows from; ``headers`` are the packages for the kernels that lack them."""

    candidate: Candidate
    distribution: Distribution
    options: Options
    host: DriverHost
    builds: t.Sequence[Build]
    sources: WantedFile
    headers: t.Mapping[str, str]


def plan_driver(now: Situation) -> Plan:
    """Raises DriverError for a plan that cannot work: DRV-CUDA, DRV-HOLD."""
    candidate, host = now.candidate, now.host
    note = check_cuda(candidate.version, now.options.cuda)
    unhold = tuple(p.name for p in _held_elsewhere(host, candidate.version))
    wanted = {**dict(candidate.packages), **_beside(candidate, host, now.options)}
    lacking = {name: version for name, version in wanted.items() if not _has(host, name, version)}
    others = _other_flavour(candidate, now.distribution, now.options, host)
    unsupported = _is_unsupported(candidate, host)
    kernels = host.wanted_kernels(now.options.kernels)
    plan = Plan(
        candidate.version,
        candidate.flavour,
        kernels,
        (*now.headers.values(), *_items(lacking), *(f"{name}-" for name in others)),
        _changed_files(now, unsupported=unsupported),
        unhold,
        () if lacking else tuple(k for k in kernels if not _is_built(now.builds, candidate.version, k)),
        notes=tuple(filter(None, (note, _unsupported_note(candidate.version) if unsupported else ""))),
    )
    return dataclasses.replace(plan, reasons=tuple(_reasons(plan, host)))


def _reasons(plan: Plan, host: DriverHost) -> t.Iterator[str]:
    """One line for each change; apt's trailing minus is a removal."""
    for item in plan.install:
        other = "is to be removed: it is the other kernel module's"
        yield f"{item[:-1]} {other}" if item.endswith("-") else f"{item} is to be installed"
    for file in plan.files:
        yield f"/{file.path} is to be {'written' if file.content else 'removed'}"
    for kernel in plan.build:
        yield f"the module is to be built for {kernel}"
    for package in host.packages.broken:
        yield f"{package.name} is {package.status}"


def _items(lacking: t.Mapping[str, str]) -> list[str]:
    return [f"{name}={version}" if version else name for name, version in lacking.items()]


def _changed_files(now: Situation, *, unsupported: bool) -> tuple[WantedFile, ...]:
    modprobe = modprobe_file(now.candidate.set, unsupported=unsupported)
    files = (now.sources, preferences_file(now.candidate.version), modprobe)
    return tuple(file for file in files if file.differs(now.host.root))


def _is_unsupported(candidate: Candidate, host: DriverHost) -> bool:
    data_centre = bool(host.cards) and all(card.is_data_centre for card in host.cards)
    return needs_unsupported(candidate.flavour, candidate.version, first_supported=OPEN_FROM, data_centre=data_centre)


def _beside(candidate: Candidate, host: DriverHost, options: Options) -> dict[str, str]:
    """Packages with numbers of their own: any version will do, and one that is there stays."""
    names = (*candidate.set.beside, *(candidate.set.graphics if options.graphics else ()))
    return {name: "" for name in names if not host.packages.installed(name)}


def _has(host: DriverHost, name: str, version: str) -> bool:
    found = host.packages.installed(name)
    return bool(found) and (not version or found.version == version)


def _other_flavour(
    candidate: Candidate, distribution: Distribution, options: Options, host: DriverHost
) -> tuple[str, ...]:
    """The kernel package of the flavour that is not wanted: two modules for one card, and either may load."""
    other = Flavour.PROPRIETARY if candidate.flavour is Flavour.OPEN else Flavour.OPEN
    name = distribution.sets(options.repository, other).named(candidate.version.branch).kernel_package
    return (name,) if name in host.packages.by_name and host.packages.by_name[name].status != "config-files" else ()


def _held_elsewhere(host: DriverHost, version: DriverVersion) -> tuple[Package, ...]:
    """Holds of ours that are in the way; raises DriverError (DRV-HOLD) for those that somebody else set."""
    pinned = pinned_version(host.root)
    held = [p for p in host.packages.driver if p.held and DriverVersion.of_package(p.version) not in (None, version)]
    foreign = [p for p in held if DriverVersion.of_package(p.version) != pinned]
    if foreign:
        names = ", ".join(f"{p.name} {p.version}" for p in foreign)
        raise driver_error(
            "DRV-HOLD",
            f"driver {version}",
            "contradicts packages that are held at another version, and not by this project",
            evidence=f"held: {names}",
            fix=f"Pin that version, or release them: apt-mark unhold {' '.join(p.name for p in foreign)}",
        )
    return tuple(held)


def _is_built(builds: t.Sequence[Build], version: DriverVersion, kernel: str) -> bool:
    return any(b.version == version.text and b.kernel == kernel and b.is_installed for b in builds)


def _unsupported_note(version: DriverVersion) -> str:
    return (
        f"the open module of {version} takes a card with a display only with "
        "NVreg_OpenRmEnableUnsupportedGpus=1, which is set; NVIDIA supports that from branch 545 on"
    )
