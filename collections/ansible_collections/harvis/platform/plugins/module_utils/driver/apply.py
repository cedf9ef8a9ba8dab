"""Carrying a plan out, and leaving dpkg usable where that fails."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.driver.apt import Apt
from ansible_collections.harvis.platform.plugins.module_utils.driver.dkms import read_failed_build
from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import DriverError, driver_error
from ansible_collections.harvis.platform.plugins.module_utils.driver.files import MODPROBE, WantedFile
from ansible_collections.harvis.platform.plugins.module_utils.driver.packages import (
    Packages,
    is_driver_name,
    read_packages,
)
from ansible_collections.harvis.platform.plugins.module_utils.driver.plan import Plan
from ansible_collections.harvis.platform.plugins.module_utils.driver.version import DriverVersion
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner

# What an installation brought along, so that a removal can take it away again and nothing else.
RECORD = Path("var/lib/harvis/driver.json")
_UNIT = "nvidia-persistenced.service"


def carry_out(plan: Plan, root: Path, apt: Apt) -> None:
    """Raises DriverError (DRV-BUILD, DRV-NETWORK) after the host was put in order again."""
    before = {file.path: WantedFile(file.path, file.live(root)) for file in plan.files}
    if read_packages(root).broken:
        apt.dpkg("--configure", "-a")
    write_files(plan.files, root)
    apt.mark("unhold", plan.unhold)
    try:
        if plan.install:
            apt.update()
            _install(plan, root, apt)
        for kernel in plan.build:
            _build(plan, kernel, root, apt.runner)
    except DriverError:
        write_files(before.values(), root)
        apt.mark("hold", plan.unhold)
        raise
    apt.mark("hold", to_hold(read_packages(root), plan.version))
    if any(file.path == MODPROBE for file in plan.files) and (root / "usr/sbin/update-initramfs").exists():
        apt.runner.run(["update-initramfs", "-u"], timeout=900)
    enable_persistence(root, apt.runner)


def write_files(files: t.Iterable[WantedFile], root: Path) -> None:
    for file in files:
        path = root / file.path
        if not file.content:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
        path.chmod(0o644)


def to_hold(packages: Packages, version: DriverVersion) -> tuple[str, ...]:
    """Every package of the driver's own version: one that an unattended upgrade replaced alone would split it."""
    return tuple(
        p.name
        for p in packages.driver
        if p.is_installed and not p.held and DriverVersion.of_package(p.version) == version
    )


def persistence_is_off(root: Path) -> bool:
    """Only systemd starts it; without systemd the first user of the card does what the daemon would."""
    unit = any((root / folder / _UNIT).exists() for folder in ("lib/systemd/system", "usr/lib/systemd/system"))
    runs_systemd = (root / "run/systemd/system").is_dir()
    return unit and runs_systemd and not any((root / "etc/systemd/system").glob(f"*.wants/{_UNIT}"))


def enable_persistence(root: Path, runner: Runner) -> None:
    if persistence_is_off(root):
        runner.run(["systemctl", "enable", _UNIT], timeout=60)


def _install(plan: Plan, root: Path, apt: Apt) -> None:
    """The record comes first: what a failed installation brought along can be removed as well."""
    _record(plan, root)
    done = apt.install(plan.install)
    if done.rc:
        raise apt.fetch_error(done) or _mend(plan, root, apt, done.tail)


def _record(plan: Plan, root: Path) -> None:
    before = read_packages(root)
    new = sorted(name for name, _ in plan.simulated if not before.installed(name))
    record = root / RECORD
    known = set(json.loads(record.read_text())["packages"]) if record.exists() else set()
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"packages": sorted({*known, *new})}, indent=1) + "\n")


def _build(plan: Plan, kernel: str, root: Path, runner: Runner) -> None:
    done = runner.run(["dkms", "autoinstall", "-k", kernel], check=False, timeout=3600)
    if done.rc:
        raise _build_error(plan, root, done.tail, kernel)


def _mend(plan: Plan, root: Path, apt: Apt, said: str) -> DriverError:
    """Packages that could not be configured go, those that need them first; the rest is configured."""
    broken = [p.name for p in read_packages(root).broken]
    error = _build_error(plan, root, said)
    ours = [name for name in broken if is_driver_name(name)]
    if ours:
        apt.dpkg("--remove", "--force-remove-reinstreq", "--force-depends", *ours)
    apt.dpkg("--configure", "-a")
    left = [p.name for p in read_packages(root).broken]
    error.details["dpkg"] = f"not configured: {', '.join(left)}" if left else "usable"
    return error


def _build_error(plan: Plan, root: Path, said: str, kernel: str = "") -> DriverError:
    log = read_failed_build(root)
    if log is None:
        return driver_error("PLB-PROCESS", "apt-get", f"driver {plan.version} could not be installed", evidence=said)
    kernel = kernel or log.kernel or ", ".join(plan.kernels)
    first = f"{log.error}\n" if log.error else ""
    other = "proprietary" if plan.flavour == "open" else "open"
    return driver_error(
        "DRV-BUILD",
        f"driver {plan.version} ({plan.flavour})",
        f"its kernel module does not compile for kernel {kernel}",
        evidence=f"{first}end of {log.path}:\n{log.tail}",
        fix=(
            f"Boot a kernel that driver {plan.version} knows, take a newer branch (repository: nvidia), "
            f"or try flavour: {other}. Nothing half-configured was left behind."
        ),
    )
