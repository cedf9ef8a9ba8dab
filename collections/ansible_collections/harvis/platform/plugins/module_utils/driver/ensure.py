"""One call for the module: read, plan, apply, look."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.driver.apply import (
    RECORD,
    carry_out,
    persistence_is_off,
    to_hold,
    write_files,
)
from ansible_collections.harvis.platform.plugins.module_utils.driver.apt import Apt, private_view
from ansible_collections.harvis.platform.plugins.module_utils.driver.archive import Archive
from ansible_collections.harvis.platform.plugins.module_utils.driver.candidates import (
    Candidate,
    candidates,
    choose,
    fits,
    flavours,
)
from ansible_collections.harvis.platform.plugins.module_utils.driver.distribution import Distribution, distribution_of
from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import driver_error
from ansible_collections.harvis.platform.plugins.module_utils.driver.files import (
    OURS,
    WantedFile,
    preferences_file,
    sources_file,
)
from ansible_collections.harvis.platform.plugins.module_utils.driver.headers import missing_headers
from ansible_collections.harvis.platform.plugins.module_utils.driver.host import DriverHost, read_host
from ansible_collections.harvis.platform.plugins.module_utils.driver.lock import wait_for_dpkg
from ansible_collections.harvis.platform.plugins.module_utils.driver.options import Flavour, Options, State
from ansible_collections.harvis.platform.plugins.module_utils.driver.plan import Plan, Situation, plan_driver
from ansible_collections.harvis.platform.plugins.module_utils.driver.reboot import (
    mismatch,
    pending_notes,
    reboot_finding,
    reboot_reasons,
)
from ansible_collections.harvis.platform.plugins.module_utils.driver.verify import (
    blocking,
    check_modules,
    load_module,
    read_builds,
    waits_for_module,
)
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner


@dataclass(frozen=True)
class Outcome:
    """``packages`` are those that were, or in check mode would be, unpacked or removed."""

    changed: bool
    version: str
    flavour: str
    packages: tuple[str, ...]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    reboot: tuple[str, ...]
    findings: tuple[Finding, ...]
    diff: dict[str, str]

    def to_result(self) -> dict[str, t.Any]:
        told = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del told["reboot"]
        return {
            **told,
            "reboot_required": bool(self.reboot),
            "reboot_reason": "; ".join(self.reboot),
            "findings": [f.to_dict() for f in self.findings],
        }


def ensure_driver(options: Options, root: Path, runner: Runner, *, check_mode: bool) -> Outcome:
    """Raises DriverError with one finding, before anything is changed wherever that can be known before."""
    host = read_host(root)
    distribution = distribution_of(host)
    if options.state is State.ABSENT:
        return _remove(options, host, runner, check_mode=check_mode)
    plan, candidate = _plan(options, host, distribution, runner)
    held = to_hold(host.packages, plan.version)
    reasons = (*plan.reasons, *(f"{n} is to be held" for n in held))
    reasons += ("the persistence daemon is to be enabled",) if persistence_is_off(root) else ()
    reasons += ("the module is to be loaded",) if waits_for_module(host) and host.running in plan.kernels else ()
    live = {f"/{f.path}": f.live(root) for f in plan.files}
    if reasons and not check_mode:
        _require_root()
        wait_for_dpkg(root, options.lock_seconds)
        carry_out(plan, root, Apt(runner, lock_seconds=max(options.lock_seconds, 1)))
    packages = tuple(f"{name}={version}" for name, version in plan.simulated)
    diff = _diff(host, packages, plan.files, live)
    findings = () if check_mode and reasons else _look(root, plan, candidate, runner, check_mode=check_mode)
    reboot = reboot_reasons(read_host(root))
    findings += (reboot_finding(reboot),) if reboot else ()
    notes = (*plan.notes, *pending_notes(host))
    if error := blocking(findings, plan):
        error.details["changed"] = bool(reasons) and not check_mode
        raise error
    return Outcome(
        bool(reasons), str(plan.version), str(plan.flavour), packages, reasons, notes, reboot, findings, diff
    )


def _plan(options: Options, host: DriverHost, distribution: Distribution, runner: Runner) -> tuple[Plan, Candidate]:
    """The archive is asked only where the host does not have what is wanted."""
    sources = sources_file(distribution, options, host)
    builds = read_builds(host, runner)
    present = _installed(options, host, distribution)
    if present:
        plan = plan_driver(Situation(present, distribution, options, host, builds, sources, {}))
        lacking = [k for k in plan.kernels if k not in host.headers]
        if not plan.install and not lacking:
            return plan, present
    with private_view(host.root, runner, [sources]) as apt:
        apt.update()
        candidate = present or _offered(apt, options, host, distribution)
        headers = missing_headers(host.wanted_kernels(options.kernels), host, distribution, apt)
        plan = plan_driver(Situation(candidate, distribution, options, host, builds, sources, headers))
        apt.overlay(preferences_file(plan.version))
        apt.release(plan.unhold)
        return dataclasses.replace(plan, simulated=apt.simulate(plan.install) if plan.install else ()), candidate


def _rule(options: Options, host: DriverHost) -> t.Any:
    """An open module that knows none of the cards is refused where it was forced, and not chosen where it was not."""
    old = [card for card in host.cards if not card.takes_open_module]
    if old and options.flavour is Flavour.OPEN:
        names = ", ".join(card.name for card in old)
        cause = "is wanted, and it knows no card that is older than Turing"
        raise driver_error(
            "DRV-VERSION", "open module", cause, evidence=names, fix="Set flavour to proprietary or auto."
        )
    data_centre = bool(host.cards) and all(card.is_data_centre for card in host.cards)
    return flavours(options, data_centre=data_centre, takes_open=not old)


def _installed(options: Options, host: DriverHost, distribution: Distribution) -> Candidate | None:
    """The whole driver that is there, if it is what is wanted."""
    if options.state is State.LATEST:
        return None
    there = {p.name: (p.version,) for p in host.packages.driver if p.is_installed}
    rule = _rule(options, host)
    found = [c for c in _all(Archive(there), options, distribution) if c.flavour is rule(c.version)]
    return next((c for c in found if fits(c.version, options)), None)


def _offered(apt: Apt, options: Options, host: DriverHost, distribution: Distribution) -> Candidate:
    sets = [distribution.sets(options.repository, f) for f in (Flavour.OPEN, Flavour.PROPRIETARY)]
    names = sorted({name for s in sets for name in s.aligned})
    fixed = [name for name in names if "{" not in name]
    archive = apt.archive(fixed, [name.partition("{")[0] for name in names if "{" in name])
    return choose(list(_all(archive, options, distribution)), options, _rule(options, host))


def _all(archive: Archive, options: Options, distribution: Distribution) -> t.Iterator[Candidate]:
    for flavour in (Flavour.OPEN, Flavour.PROPRIETARY):
        yield from candidates(archive, distribution.sets(options.repository, flavour), flavour)


def _look(root: Path, plan: Plan, candidate: Candidate, runner: Runner, *, check_mode: bool) -> tuple[Finding, ...]:
    """As it is now, after whatever was done."""
    host = read_host(root)
    found = check_modules(host, plan, read_builds(host, runner), candidate.set.kernel_module, runner)
    differing = mismatch(host)
    found += (differing,) if differing else ()
    runs_wanted = host.running in plan.kernels and not any(f.subject == f"kernel {host.running}" for f in found)
    return found + (load_module(host, runner) if runs_wanted and not check_mode else ())


def _remove(options: Options, host: DriverHost, runner: Runner, *, check_mode: bool) -> Outcome:
    """Packages, holds, files and the record; of what came along, only what nothing else needs."""
    names = tuple(p.name for p in host.packages.driver)
    files = [WantedFile(path, "") for path in OURS]
    live = {f"/{f.path}": f.live(host.root) for f in files if f.differs(host.root)}
    record = host.root / RECORD
    reasons = tuple(
        f"{name} is to be removed" for name in (*names, *live, *(["its record"] if record.exists() else []))
    )
    if reasons and not check_mode:
        _require_root()
        wait_for_dpkg(host.root, options.lock_seconds)
        _purge(host, names, Apt(runner, lock_seconds=max(options.lock_seconds, 1)))
        write_files(files, host.root)
    reboot = reboot_reasons(read_host(host.root), wanted=False)
    findings = (reboot_finding(reboot),) if reboot else ()
    return Outcome(
        bool(reasons),
        "",
        "",
        names,
        reasons,
        (),
        reboot,
        findings,
        _diff(host, [f"{name}=" for name in names], files, live),
    )


def _purge(host: DriverHost, names: tuple[str, ...], apt: Apt) -> None:
    if names:
        apt.mark("unhold", [p.name for p in host.packages.driver if p.held])
        apt.purge(names)
    record = host.root / RECORD
    if not record.exists():
        return
    ours = set(json.loads(record.read_text())["packages"])
    unneeded = [name for name in apt.unneeded() if name in ours]
    if unneeded:
        apt.purge(unneeded)
    record.unlink()
    with contextlib.suppress(OSError):
        # Others keep their own things in that folder.
        record.parent.rmdir()


def _diff(
    host: DriverHost, packages: t.Sequence[str], files: t.Sequence[WantedFile], live: t.Mapping[str, str]
) -> dict[str, str]:
    """Before and after, of packages (one that goes has no version any more) and of files."""
    names = {item.partition("=")[0] for item in packages}
    there = [f"{p.name}={p.version}\n" for n in sorted(names) if (p := host.packages.installed(n))]
    before = "".join(there) + "".join(f"{path}:\n{text}" for path, text in live.items() if text)
    after = "".join(f"{item}\n" for item in sorted(packages) if not item.endswith("="))
    return {"before": before, "after": after + "".join(f"/{f.path}:\n{f.content}" for f in files if f.content)}


def _require_root() -> None:
    if os.geteuid():
        cause = "packages and kernel modules can be changed by root alone"
        raise driver_error(
            "PLB-INPUT", "user", cause, evidence=f"uid {os.geteuid()}", fix="Run the task with become: true."
        )
