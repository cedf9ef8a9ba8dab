"""The interface both supervisors offer, and the choice between them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import Process
from ansible_collections.harvis.platform.plugins.module_utils.service.program import Program

BOOTED = Path("/run/systemd/system")


@dataclass(frozen=True)
class ServicesResult:
    """What was (or would be) done: one reason per difference between wanted and found, and what of it was a fault."""

    manager: str
    reasons: tuple[str, ...] = ()
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.reasons)

    def to_result(self) -> dict[str, t.Any]:
        return {
            "changed": self.changed,
            "manager": self.manager,
            "reasons": list(self.reasons),
            "findings": [f.to_dict() for f in self.findings],
            "diff": {"before": self.before, "after": self.after},
        }


MEND = "`make up` or playbooks/recover.yml mends it."


def held_finding(paused: Process, inside: str = "") -> Finding:
    """PLB-PAUSED for a process that a signal holds; ``inside`` is the pod that it runs in."""
    cause = "is held by a signal (SIGSTOP): it keeps its ports and memory, and answers nobody"
    subject = " ".join(filter(None, (Path(paused.executable).name, inside and f"of {inside}")))
    return Finding("PLB-PAUSED", subject, cause, evidence=f"pid {paused.pid}, state T", fix=MEND)


def down_findings(names: t.Iterable[str], evidence: str) -> tuple[Finding, ...]:
    """PLB-DAEMON for each daemon that should run and does not."""
    return tuple(Finding("PLB-DAEMON", name, "does not run", evidence=evidence, fix=MEND) for name in names)


class ServiceManager(t.Protocol):
    """Keeps programs running; both calls change nothing when ``dry`` is set."""

    def ensure(self, programs: t.Sequence[Program], *, dry: bool = False) -> ServicesResult:
        """Have every program configured as given and running; other programs of ours are left alone."""
        ...

    def remove(self, *, dry: bool = False) -> ServicesResult:
        """Stop every program of ours and the supervisor, and remove their configuration."""
        ...


def manager_for_host(data_dir: Path, run_dir: Path, prefix: str = "harvis") -> ServiceManager:
    """systemd where it is PID 1 (``sd_booted(3)``: /run/systemd/system exists), else supervisor."""
    if BOOTED.is_dir():
        from ansible_collections.harvis.platform.plugins.module_utils.service.systemd import Systemd

        return Systemd(prefix=prefix)
    from ansible_collections.harvis.platform.plugins.module_utils.service.supervisor import Supervisor

    return Supervisor(data_dir=data_dir, run_dir=run_dir)
