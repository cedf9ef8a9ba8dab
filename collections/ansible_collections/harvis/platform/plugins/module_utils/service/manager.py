"""The interface both supervisors offer, and the choice between them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.service.program import Program

BOOTED = Path("/run/systemd/system")


@dataclass(frozen=True)
class ServicesResult:
    """What was (or would be) done: one reason per difference between wanted and found."""

    manager: str
    reasons: tuple[str, ...] = ()
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return bool(self.reasons)

    def to_result(self) -> dict[str, t.Any]:
        return {
            "changed": self.changed,
            "manager": self.manager,
            "reasons": list(self.reasons),
            "diff": {"before": self.before, "after": self.after},
        }


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
