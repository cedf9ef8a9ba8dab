"""Edit, restart, ask the daemon; and back to the former text when it does not serve with the new one."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, fail
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner
from ansible_collections.harvis.platform.plugins.module_utils.runtime.control import Control, Probe, restart_and_wait
from ansible_collections.harvis.platform.plugins.module_utils.runtime.diagnose import (
    daemon_finding,
    read_refusal,
    refuse_other_file,
)
from ansible_collections.harvis.platform.plugins.module_utils.runtime.edit import Edit, edit_to_add, edit_to_remove
from ansible_collections.harvis.platform.plugins.module_utils.runtime.record import record_path, save_record
from ansible_collections.harvis.platform.plugins.module_utils.runtime.wanted import RuntimeSpec
from ansible_collections.harvis.platform.plugins.module_utils.text_file import write_or_remove


@dataclass(frozen=True)
class RuntimeResult:
    """What was (or would be) done to one daemon."""

    config: str
    reasons: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    restarted: bool = False
    restart_required: str = ""
    not_checked: tuple[str, ...] = field(default=())

    def to_result(self) -> dict[str, t.Any]:
        return {
            "changed": bool(self.reasons),
            "config": self.config,
            "reasons": list(self.reasons),
            "restarted": self.restarted,
            "restart_required": self.restart_required,
            "not_checked": list(self.not_checked),
            "diff": {
                "before": self.before,
                "after": self.after,
                "before_header": self.config,
                "after_header": self.config,
            },
        }


def ensure(
    spec: RuntimeSpec,
    runner: Runner,
    control: Control | None,
    probe: Probe,
    *,
    present: bool = True,
    dry: bool = False,
) -> RuntimeResult:
    """Have the handler in the daemon (or out of it); ``control`` is None where the caller restarts by himself.

    Raises HarvisError: RUN-CONFIG (cannot be edited, or the daemon reads another file), RUN-ROLLBACK.
    """
    edit = edit_to_add(spec) if present else edit_to_remove(spec)
    if present:
        refuse_other_file(spec, runner)
    stale = "" if edit.changes or not present else _untaken(spec, runner)
    name = spec.handler.name
    reasons = [f"{edit.path}: runtime {name} is {'not as wanted' if present else 'configured'}"] if edit.changes else []
    reasons += [stale] if stale and control else []
    if dry:
        return _result(edit, reasons, restart_required=stale)
    restarts = control is not None and bool(edit.changes or stale)
    if edit.changes:
        _write(edit, present=present)
        _refuse_unreadable(spec, runner, edit, present=present)
        stale = f"{edit.path} was changed"
    if control is not None and restarts:
        _restart(spec, runner, control, probe, edit, present=present)
    if not present:
        # Last: a run that is cut off before can still restore.
        record_path(edit.path).unlink(missing_ok=True)
    return _result(edit, reasons, restarted=restarts, restart_required="" if restarts else stale)


def _result(
    edit: Edit, reasons: t.Sequence[str], *, restarted: bool = False, restart_required: str = ""
) -> RuntimeResult:
    before, after = edit.before or "", edit.after or ""
    return RuntimeResult(str(edit.path), tuple(reasons), before, after, restarted, restart_required)


def _write(edit: Edit, *, present: bool) -> None:
    """The record first: a run that is cut off between the two can still be undone."""
    if present and edit.record:
        save_record(edit.path, edit.record)
    write_or_remove(edit.path, edit.after)


def _refuse_unreadable(spec: RuntimeSpec, runner: Runner, edit: Edit, *, present: bool) -> None:
    """A daemon that runs is not restarted into a text that it cannot read. Raises HarvisError (RUN-CONFIG)."""
    refused = read_refusal(spec, runner)
    if refused:
        _undo(edit, present=present)
        fix = "Mend what it names; the daemon still runs with what it read at its start."
        cause = "is refused by containerd itself; the file is as it was, and nothing was restarted"
        raise fail("RUN-CONFIG", str(spec.config), cause, evidence=refused, fix=fix)


def _undo(edit: Edit, *, present: bool) -> None:
    """The former text, and what was kept for its removal before."""
    write_or_remove(edit.path, edit.before)
    if present and edit.former_record:
        save_record(edit.path, edit.former_record)
    elif present:
        record_path(edit.path).unlink(missing_ok=True)


def _restart(spec: RuntimeSpec, runner: Runner, control: Control, probe: Probe, edit: Edit, *, present: bool) -> None:
    problem = restart_and_wait(control, probe, spec.patience)
    if not problem and present:
        problem = _untaken(spec, runner)
    if problem:
        raise _rolled_back(spec, control, probe, edit, problem, present=present)


def _untaken(spec: RuntimeSpec, runner: Runner) -> str:
    """Why the daemon, if it runs, does not have the handler."""
    finding = daemon_finding(spec, runner)
    return ". ".join(filter(None, (finding.cause, finding.evidence))) if finding else ""


def _rolled_back(
    spec: RuntimeSpec, control: Control, probe: Probe, edit: Edit, problem: str, *, present: bool
) -> HarvisError:
    """The former text is back, and with it the daemon, unless the fault lies elsewhere; both are said."""
    # Read before the restart, whose own lines would push the reason out.
    said = control.last_lines()
    if edit.changes:
        _undo(edit, present=present)
    still = restart_and_wait(control, probe, spec.patience)
    back = f"does not serve with it either ({still})" if still else "serves again with it"
    cause = f"does not serve with the new configuration: {problem}"
    if edit.changes:
        cause += f"; {edit.path} has its former text again, and {spec.daemon} {back}"
    return fail(
        "RUN-ROLLBACK",
        spec.daemon,
        cause,
        evidence=said or "its log could not be read",
        fix=f"Read the last lines above; they name what {spec.daemon} refuses. Then run this again.",
    )
