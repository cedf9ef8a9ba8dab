"""Programs as systemd units, for hosts where systemd is PID 1."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.process import Runner, SystemRunner
from ansible_collections.harvis.platform.plugins.module_utils.service.manager import (
    ServicesResult,
    down_findings,
    held_finding,
)
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import held, wake
from ansible_collections.harvis.platform.plugins.module_utils.service.program import Program

UNITS = Path("/etc/systemd/system")


def unit_text(program: Program, prefix: str) -> str:
    """The unit file (systemd.service(5)) of one program."""
    after = " ".join(f"{prefix}-{name}.service" for name in program.after)
    environment = [f"Environment={_quoted(f'{k}={v}')}" for k, v in sorted(program.environment.items())]
    # A dollar sign means a variable in commands, and itself in Environment=.
    command = " ".join(_quoted(argument).replace("$", "$$") for argument in program.command)
    lines = [
        "[Unit]",
        f"Description=Harvis Platform: {program.name}",
        f"After=network-online.target {after}".rstrip(),
        "[Service]",
        f"ExecStart={command}",
        *environment,
        "Restart=always",
        "RestartSec=2",
        f"TimeoutStopSec={program.stop_seconds}",
        # containerd's shims and docker's containers outlive a restart of the daemon.
        "KillMode=process",
        "Delegate=yes",
        "LimitNOFILE=1048576",
        "TasksMax=infinity",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    """One word of a unit file: quotes, backslashes and specifiers taken literally."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'


@dataclass(frozen=True)
class Systemd:
    """Units named ``<prefix>-<program>.service``."""

    prefix: str = "harvis"
    units: Path = UNITS
    runner: Runner = field(default_factory=SystemRunner)

    def ensure(self, programs: t.Sequence[Program], *, dry: bool = False) -> ServicesResult:
        wanted = {p.name: unit_text(p, self.prefix) for p in programs}
        edited = [n for n, text in wanted.items() if self._read(n) != text]
        before = {n: self._state(n) for n in wanted}
        stopped = [n for n in wanted if before[n] != "active"]
        # systemd calls a process that is held by a signal active.
        paused = held({p.command for p in programs})
        reasons = [f"{Path(p.executable).name} (pid {p.pid}) is held by a signal" for p in paused]
        reasons += [f"{n}: unit differs" for n in edited]
        reasons += [f"{n} is {before[n]}" for n in stopped if n not in edited]
        if reasons and not dry:
            wake(paused)
            for name in edited:
                self._path(name).write_text(wanted[name])
            self._systemctl("daemon-reload")
            for name in wanted:
                if name in edited or name in stopped:
                    self._systemctl("enable", self._unit(name))
                    self._systemctl("restart", self._unit(name))
        down = [n for n in stopped if n not in edited]
        findings = (*map(held_finding, paused), *down_findings(down, str(before)))
        return ServicesResult("systemd", tuple(reasons), before, dict.fromkeys(wanted, "active"), findings)

    def remove(self, *, dry: bool = False) -> ServicesResult:
        paths = sorted(self.units.glob(f"{self.prefix}-*.service"))
        if paths and not dry:
            for path in reversed(paths):
                self._systemctl("disable", "--now", path.name)
                path.unlink()
            self._systemctl("daemon-reload")
        return ServicesResult("systemd", tuple(f"{p.name} is installed" for p in paths))

    def _systemctl(self, *arguments: str) -> None:
        self.runner.run(["systemctl", *arguments], timeout=120)

    def _state(self, name: str) -> str:
        return self.runner.run(["systemctl", "is-active", self._unit(name)], check=False).stdout.strip() or "unknown"

    def _unit(self, name: str) -> str:
        return f"{self.prefix}-{name}.service"

    def _path(self, name: str) -> Path:
        return self.units / self._unit(name)

    def _read(self, name: str) -> str:
        path = self._path(name)
        return path.read_text() if path.exists() else ""
