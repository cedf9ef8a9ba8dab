"""Programs under supervisord, for hosts where systemd is not PID 1 (containers, minimal systems)."""

from __future__ import annotations

import os
import resource
import shlex
import sys
import time
import typing as t
import xmlrpc.client
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, fail
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner, SystemRunner
from ansible_collections.harvis.platform.plugins.module_utils.service.manager import (
    ServicesResult,
    down_findings,
    held_finding,
)
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import Process, held, processes, stop, wake
from ansible_collections.harvis.platform.plugins.module_utils.service.program import Program

LOG_BYTES = "20MB"
START_PATIENCE = 20.0


class ServiceError(HarvisError):
    """The supervisor itself cannot be started or asked."""


def program_section(program: Program, log_dir: Path, priority: int) -> str:
    """The ``[program:x]`` section (http://supervisord.org/configuration.html) of one program."""
    environment = ",".join(f'{k}="{v}"' for k, v in sorted(program.environment.items()))
    lines = [
        f"[program:{program.name}]",
        f"command={_escape(shlex.join(program.command))}",
        *([f"environment={_escape(environment)}"] if environment else []),
        f"priority={priority}",
        "autorestart=true",
        # A kubelet ends and is started again until kubeadm has written its configuration.
        "startsecs=1",
        "startretries=1000000",
        f"stopwaitsecs={program.stop_seconds}",
        "redirect_stderr=true",
        f"stdout_logfile={log_dir}/{program.name}.log",
        f"stdout_logfile_maxbytes={LOG_BYTES}",
        "stdout_logfile_backups=1",
    ]
    return "\n".join(lines) + "\n"


def open_files() -> int:
    """Descriptors the programs may open: plenty, within what this host lets us ask for."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 65536 if hard == resource.RLIM_INFINITY else min(hard - 1, 65536)


def _escape(value: str) -> str:
    return value.replace("%", "%%")


@dataclass(frozen=True)
class Supervisor:
    """supervisord with its configuration under ``data_dir`` and its socket under ``run_dir``."""

    data_dir: Path
    run_dir: Path
    runner: Runner = field(default_factory=SystemRunner)

    @property
    def config(self) -> Path:
        return self.data_dir / "supervisor" / "supervisord.conf"

    @property
    def programs_dir(self) -> Path:
        return self.data_dir / "supervisor" / "programs"

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "log"

    @property
    def socket(self) -> Path:
        return self.run_dir / "supervisor.sock"

    @property
    def pid_file(self) -> Path:
        return self.run_dir / "supervisord.pid"

    def ensure(self, programs: t.Sequence[Program], *, dry: bool = False) -> ServicesResult:
        wanted = {p.name: program_section(p, self.log_dir, 100 + 10 * len(p.after)) for p in programs}
        found = {n: self._read(self.programs_dir / f"{n}.conf") for n in wanted}
        paused = self._paused(programs)
        reasons = [f"{Path(p.executable).name} (pid {p.pid}) is held by a signal" for p in paused]
        # A supervisor that is held answers no question either.
        if paused and dry:
            return ServicesResult("supervisor", tuple(reasons), findings=tuple(map(held_finding, paused)))
        wake(paused)
        edited = [n for n in wanted if found[n] != wanted[n]]
        alive = self._daemon_pid() is not None
        states = self._states() if alive else {}
        reasons += [f"{n}: configuration {'changed' if found[n] else 'is new'}" for n in edited]
        down = [] if alive or not any(found.values()) else ["supervisord"]
        reasons += [] if alive else ["supervisord is not running"]
        running = {p.name for p in programs if states.get(p.name) in ("STARTING", *p.accepted_states)}
        stopped = [n for n in wanted if n not in edited and n not in running]
        reasons += [f"{n} is not running" for n in stopped]
        if reasons and not dry:
            # Before their configuration is overwritten: orphans are known by the command they were started with.
            self._stop_orphans()
            self._write(wanted, edited)
            self._start_daemon() if not alive else self._reload()
            for name in stopped if alive else ():
                self._restart(name)
            self._wait_running(programs)
        before = {n: states.get(n, "absent") for n in wanted}
        findings = (*map(held_finding, paused), *down_findings(down or [n for n in stopped if found[n]], str(before)))
        return ServicesResult("supervisor", tuple(reasons), before, dict.fromkeys(wanted, "RUNNING"), findings)

    def remove(self, *, dry: bool = False) -> ServicesResult:
        sections = sorted(self.programs_dir.glob("*.conf"))
        daemon = self._daemon_pid()
        reasons = [f"{s.stem} is configured" for s in sections] + (["supervisord is running"] if daemon else [])
        if reasons and not dry:
            if daemon:
                stop([daemon], patience=90)
            self._stop_orphans()
            for path in (*sections, self.config, self.pid_file, self.socket):
                path.unlink(missing_ok=True)
        return ServicesResult("supervisor", tuple(reasons), {s.stem: "configured" for s in sections}, {})

    @staticmethod
    def _command_of(section: Path) -> tuple[str, ...]:
        line = next(x for x in section.read_text().splitlines() if x.startswith("command="))
        return tuple(shlex.split(line.removeprefix("command=").replace("%%", "%")))

    def _write(self, wanted: dict[str, str], edited: t.Sequence[str]) -> None:
        for folder in (self.programs_dir, self.log_dir, self.run_dir):
            folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(
            f"[unix_http_server]\nfile={self.socket}\nchmod=0700\n"
            f"[supervisord]\npidfile={self.pid_file}\nlogfile={self.log_dir}/supervisord.log\nlogfile_maxbytes={LOG_BYTES}\n"
            f"childlogdir={self.log_dir}\nminfds={open_files()}\nuser={os.geteuid()}\n"
            "[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
            f"[supervisorctl]\nserverurl=unix://{self.socket}\n"
            f"[include]\nfiles={self.programs_dir}/*.conf\n"
        )
        for name in edited:
            (self.programs_dir / f"{name}.conf").write_text(wanted[name])

    def _start_daemon(self) -> None:
        for leftover in (self.pid_file, self.socket):
            leftover.unlink(missing_ok=True)
        # The console script, not ``-m``: a process list then names what it is.
        program = Path(sys.executable).with_name("supervisord")
        self.runner.run([str(program), "-c", str(self.config)], timeout=30)
        deadline = time.monotonic() + START_PATIENCE
        while not self.socket.exists():
            if time.monotonic() > deadline:
                raise ServiceError(
                    *fail("PLB-PROCESS", "supervisord", "did not open its socket", evidence=str(self.socket)).findings
                )
            time.sleep(0.05)

    def _restart(self, name: str) -> None:
        """Start a program that does not run; one that supervisor keeps retrying has to be stopped first."""
        if self._states().get(name) == "BACKOFF":
            self._proxy().stopProcess(name)
        self._proxy().startProcess(name, False)

    def _reload(self) -> None:
        proxy = self._proxy()
        added, edited, removed = proxy.reloadConfig()[0]
        for group in (*removed, *edited):
            proxy.stopProcessGroup(group)
            proxy.removeProcessGroup(group)
        for group in (*edited, *added):
            proxy.addProcessGroup(group)

    def _stop_orphans(self) -> None:
        """A killed supervisord leaves its programs running: end them, or their successors find ports taken."""
        if self._daemon_pid() is None:
            # One that lost its socket cannot be asked any more, and would start what is ended here again.
            stop(self._daemons(), patience=90)
        commands = {self._command_of(section) for section in self.programs_dir.glob("*.conf")}
        daemon = self._daemon_pid()
        stop([p.pid for p in processes() if p.argv in commands and (daemon is None or p.parent != daemon)])

    def _wait_running(self, programs: t.Sequence[Program]) -> None:
        deadline = time.monotonic() + START_PATIENCE
        while True:
            states = self._states()
            waiting = [p.name for p in programs if states.get(p.name) not in p.accepted_states]
            if not waiting:
                return
            if time.monotonic() > deadline:
                raise ServiceError(
                    *fail(
                        "PLB-PROCESS",
                        ", ".join(waiting),
                        "does not stay up under supervisor",
                        evidence=self._log_tail(waiting[0]),
                        fix=f"Read {self.log_dir}/{waiting[0]}.log.",
                    ).findings
                )
            time.sleep(0.1)

    def _log_tail(self, name: str) -> str:
        return "\n".join(self._read(self.log_dir / f"{name}.log").splitlines()[-10:])

    def _daemon_pid(self) -> int | None:
        """The daemon that can be asked; a pid file alone proves nothing, since pids come again after a restart."""
        text = self._read(self.pid_file).strip()
        return int(text) if text.isdigit() and int(text) in self._daemons() and self.socket.exists() else None

    def _daemons(self) -> list[int]:
        return [p.pid for p in processes() if p.argv[-2:] == ("-c", str(self.config))]

    def _paused(self, programs: t.Sequence[Program]) -> list[Process]:
        daemons = self._daemons()
        return [p for p in processes() if p.paused and p.pid in daemons] + held({p.command for p in programs})

    def _states(self) -> dict[str, str]:
        infos = t.cast(list[dict[str, t.Any]], self._proxy().getAllProcessInfo())
        return {info["name"]: info["statename"] for info in infos}

    def _proxy(self) -> t.Any:
        from supervisor.xmlrpc import SupervisorTransport

        transport = SupervisorTransport(None, None, serverurl=f"unix://{self.socket}")
        return xmlrpc.client.ServerProxy("http://localhost", transport=transport).supervisor

    @staticmethod
    def _read(path: Path) -> str:
        try:
            return path.read_text(errors="replace")
        except OSError:
            return ""
