"""Programs under a real supervisord: started, kept, brought back, ended."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.service import manager, supervisor
from ansible_collections.harvis.platform.plugins.module_utils.service.manager import ServicesResult
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import is_running, processes
from ansible_collections.harvis.platform.plugins.module_utils.service.program import Program
from ansible_collections.harvis.platform.plugins.module_utils.service.supervisor import (
    ServiceError,
    Supervisor,
    program_section,
)
from ansible_collections.harvis.platform.plugins.modules import host_services
from ansible_collections.harvis.platform.tests.unit.fakes import run_main

SECTION = """[program:kubelet]
command=/opt/kubelet --rate=5%% '--label=a b'
environment=GREETING="5%% of a, b",PATH="/usr/bin"
priority=110
autorestart=true
startsecs=1
startretries=1000000
stopwaitsecs=45
redirect_stderr=true
stdout_logfile=/var/lib/harvis/log/kubelet.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=1
"""


def test_section_of_a_program() -> None:
    environment = {"PATH": "/usr/bin", "GREETING": "5% of a, b"}
    program = Program("kubelet", ("/opt/kubelet", "--rate=5%", "--label=a b"), environment, stop_seconds=45)

    assert program_section(program, Path("/var/lib/harvis/log"), 110) == SECTION


@pytest.mark.parametrize(
    ("hard", "expected"), [(supervisor.resource.RLIM_INFINITY, 65536), (1024, 1023), (10**9, 65536)]
)
def test_descriptors_stay_within_what_the_host_allows(
    monkeypatch: pytest.MonkeyPatch, hard: int, expected: int
) -> None:
    monkeypatch.setattr(supervisor.resource, "getrlimit", lambda _: (hard, hard))

    assert supervisor.open_files() == expected


@pytest.mark.parametrize(("booted", "name"), [(True, "Systemd"), (False, "Supervisor")])
def test_systemd_is_used_where_it_booted_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, booted: bool, name: str
) -> None:
    monkeypatch.setattr(manager, "BOOTED", tmp_path if booted else tmp_path / "absent")

    assert type(manager.manager_for_host(tmp_path, tmp_path)).__name__ == name


@dataclass
class Bench:
    """A supervisor of its own, whose programs write down how they were started."""

    supervisor: Supervisor
    folder: Path

    def program(self, name: str, *arguments: str, code: str = "time.sleep(600)", **options: t.Any) -> Program:
        script = self.folder / f"{name}.py"
        note = f"pathlib.Path({str(self.folder / name)!r}).write_text(json.dumps([sys.argv[1:], dict(os.environ)]))"
        script.write_text(f"import json, os, pathlib, sys, time\n{note}\n{code}\n")
        return Program(name, (sys.executable, str(script), *arguments), **options)

    def started_as(self, name: str) -> tuple[list[str], dict[str, str]]:
        arguments, environment = json.loads((self.folder / name).read_text())
        return arguments, environment

    def pids(self, name: str) -> list[int]:
        return [p.pid for p in processes() if str(self.folder / f"{name}.py") in p.argv]

    def pid(self, name: str) -> int:
        (pid,) = self.pids(name)
        return pid

    @property
    def daemon(self) -> int:
        return int(self.supervisor.pid_file.read_text())

    def kill_daemon(self) -> None:
        daemon = self.daemon
        os.kill(daemon, signal.SIGKILL)
        while is_running(daemon):
            time.sleep(0.01)


@pytest.fixture
def bench(tmp_path: Path) -> t.Iterator[Bench]:
    # A Unix socket's path has room for 107 characters; pytest's folders can be longer.
    run_dir = Path(tempfile.mkdtemp(prefix="harvis"))
    bench = Bench(Supervisor(tmp_path / "data", run_dir / "run"), tmp_path)
    yield bench
    bench.supervisor.remove()
    shutil.rmtree(run_dir)


def test_programs_are_started_as_described_and_left_alone_afterwards(bench: Bench) -> None:
    alpha = bench.program("alpha", "--rate=5%", "a b", "it's", environment={"GREETING": "5% of a, b = c"})
    beta = bench.program("beta", after=("alpha",))

    planned = bench.supervisor.ensure([alpha, beta], dry=True)
    assert not bench.supervisor.data_dir.exists()
    first = bench.supervisor.ensure([alpha, beta])
    pids = bench.pid("alpha"), bench.pid("beta"), bench.daemon
    second = bench.supervisor.ensure([alpha, beta])

    running = {"alpha": "RUNNING", "beta": "RUNNING"}
    reasons = ("alpha: configuration is new", "beta: configuration is new", "supervisord is not running")
    absent = {"alpha": "absent", "beta": "absent"}
    assert planned == first == ServicesResult("supervisor", reasons, absent, running)
    assert second == ServicesResult("supervisor", (), running, running)
    assert (bench.pid("alpha"), bench.pid("beta"), bench.daemon) == pids
    arguments, environment = bench.started_as("alpha")
    assert (arguments, environment["GREETING"]) == (["--rate=5%", "a b", "it's"], "5% of a, b = c")


def test_a_changed_program_is_restarted_alone(bench: Bench) -> None:
    alpha, beta = bench.program("alpha"), bench.program("beta")
    bench.supervisor.ensure([alpha, beta])
    before, kept = bench.pid("alpha"), bench.pid("beta")

    result = bench.supervisor.ensure([bench.program("alpha", "--new"), beta])

    assert result.reasons == ("alpha: configuration changed",)
    assert bench.started_as("alpha")[0] == ["--new"]
    assert (bench.pid("alpha") != before, bench.pid("beta")) == (True, kept)


def test_a_stopped_program_is_started_again(bench: Bench) -> None:
    alpha = bench.program("alpha")
    bench.supervisor.ensure([alpha])
    control = Path(sys.executable).with_name("supervisorctl")
    subprocess.run([control, "-c", bench.supervisor.config, "stop", "alpha"], check=True, capture_output=True)

    assert bench.supervisor.ensure([alpha]).reasons == ("alpha is not running",)
    assert is_running(bench.pid("alpha"))


@pytest.mark.parametrize("arguments", [(), ("--new",)], ids=["same command", "another command"])
def test_orphans_of_a_killed_supervisor_are_ended_and_started_anew(bench: Bench, arguments: tuple[str, ...]) -> None:
    bench.supervisor.ensure([bench.program("alpha")])
    orphan = bench.pid("alpha")
    bench.kill_daemon()
    assert is_running(orphan)

    result = bench.supervisor.ensure([bench.program("alpha", *arguments)])

    assert "supervisord is not running" in result.reasons
    assert not is_running(orphan)
    assert bench.pid("alpha") != orphan


@pytest.mark.parametrize("who", ["alpha", "daemon"])
def test_what_a_signal_holds_is_named_and_goes_on(bench: Bench, who: str) -> None:
    alpha = bench.program("alpha")
    bench.supervisor.ensure([alpha])
    pid = bench.daemon if who == "daemon" else bench.pid("alpha")
    os.kill(pid, signal.SIGSTOP)

    seen = bench.supervisor.ensure([alpha], dry=True)
    mended = bench.supervisor.ensure([alpha])

    assert [(f.code, f.evidence) for f in seen.findings] == [("PLB-PAUSED", f"pid {pid}, state T")]
    assert seen.reasons == mended.reasons
    assert pid in (bench.daemon, bench.pid("alpha"))
    assert bench.supervisor.ensure([alpha]).reasons == ()


def test_a_killed_supervisor_is_named(bench: Bench) -> None:
    alpha = bench.program("alpha")
    bench.supervisor.ensure([alpha])
    bench.kill_daemon()

    assert [(f.code, f.subject) for f in bench.supervisor.ensure([alpha], dry=True).findings] == [
        ("PLB-DAEMON", "supervisord")
    ]


def test_a_supervisor_that_lost_its_socket_is_replaced(bench: Bench) -> None:
    bench.supervisor.ensure([bench.program("alpha")])
    lost, program = bench.daemon, bench.pid("alpha")
    bench.supervisor.socket.unlink()

    assert bench.supervisor.ensure([bench.program("alpha")]).reasons == (
        "supervisord is not running",
        "alpha is not running",
    )
    assert [is_running(pid) for pid in (lost, program, bench.daemon, bench.pid("alpha"))] == [False, False, True, True]


def test_a_pid_that_now_belongs_to_somebody_else_is_left_alone(bench: Bench) -> None:
    bench.supervisor.ensure([bench.program("alpha")])
    bench.kill_daemon()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as stranger:
        bench.supervisor.pid_file.write_text(f"{stranger.pid}\n")

        bench.supervisor.remove()

        assert stranger.poll() is None
        stranger.kill()


def test_a_program_that_ends_at_once_fails_with_the_end_of_its_log(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "START_PATIENCE", 4.0)
    broken = bench.program("broken", code="print('cannot read /etc/broken.toml', flush=True); sys.exit(3)")

    with pytest.raises(ServiceError, match="does not stay up under supervisor") as caught:
        bench.supervisor.ensure([bench.program("alpha"), broken])
    (finding,) = caught.value.findings
    assert (finding.code, finding.subject) == ("PLB-PROCESS", "broken")
    assert set(finding.evidence.splitlines()) == {"cannot read /etc/broken.toml"}
    assert finding.fix == f"Read {bench.supervisor.log_dir}/broken.log."
    assert is_running(bench.pid("alpha"))


def test_a_program_that_may_try_again_counts_as_up(bench: Bench) -> None:
    kubelet = bench.program("kubelet", code="sys.exit(1)", retries=True)

    assert bench.supervisor.ensure([kubelet]).changed is True
    assert bench.supervisor.ensure([kubelet]).changed is False


def test_removal_leaves_nothing(bench: Bench) -> None:
    bench.supervisor.ensure([bench.program("alpha"), bench.program("beta")])
    pids = bench.daemon, bench.pid("alpha"), bench.pid("beta")
    reasons = ("alpha is configured", "beta is configured", "supervisord is running")

    assert bench.supervisor.remove(dry=True).reasons == reasons
    assert [is_running(pid) for pid in pids] == [True, True, True]
    assert bench.supervisor.remove().reasons == reasons
    assert [is_running(pid) for pid in pids] == [False, False, False]
    assert list(bench.supervisor.programs_dir.iterdir()) + list(bench.supervisor.run_dir.iterdir()) == []
    assert bench.supervisor.remove().changed is False


def test_removal_ends_the_orphans_of_a_killed_supervisor(bench: Bench) -> None:
    bench.supervisor.ensure([bench.program("alpha")])
    orphan = bench.pid("alpha")
    bench.kill_daemon()

    assert bench.supervisor.remove().reasons == ("alpha is configured",)
    assert not is_running(orphan)


class FakeManager:
    """Records what the module asks for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[Program, ...], bool]] = []

    def ensure(self, programs: t.Sequence[Program], *, dry: bool = False) -> ServicesResult:
        self.asked.append(("ensure", tuple(programs), dry))
        return ServicesResult("supervisor", ("a is not running",), {"a": "absent"}, {"a": "RUNNING"})

    def remove(self, *, dry: bool = False) -> ServicesResult:
        self.asked.append(("remove", (), dry))
        return ServicesResult("supervisor")


PROGRAM = {"name": "a", "command": ["/bin/a", "-x"], "environment": {"N": 1}, "stop_seconds": 5, "after": ["b"]}
TYPED = Program("a", ("/bin/a", "-x"), {"N": "1"}, 5, ("b",))
MODULE_CASES = [
    pytest.param({"programs": [PROGRAM]}, False, ("ensure", (TYPED,), False), True, id="present"),
    pytest.param({"programs": [PROGRAM]}, True, ("ensure", (TYPED,), True), True, id="check mode"),
    pytest.param({"state": "absent"}, False, ("remove", (), False), False, id="absent"),
]


@pytest.mark.parametrize(("given", "check", "asked", "changed"), MODULE_CASES)
def test_module_asks_the_manager_of_the_host(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, t.Any], check: bool, asked: t.Any, changed: bool
) -> None:
    fake = FakeManager()
    monkeypatch.setattr(host_services, "manager_for_host", lambda *_: fake)

    result = run_main(host_services.main, {**given, "data_dir": "/var/lib/harvis"}, check_mode=check)

    assert fake.asked == [asked]
    assert (result["changed"], result["manager"]) == (changed, "supervisor")


def test_module_fails_with_the_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Path) -> t.NoReturn:
        raise ServiceError(*supervisor.fail("PLB-PROCESS", "supervisord", "did not open its socket").findings)

    monkeypatch.setattr(host_services, "manager_for_host", refuse)

    result = run_main(host_services.main, {"data_dir": "/var/lib/harvis"})

    assert (result["failed"], result["msg"]) == (True, "PLB-PROCESS supervisord: did not open its socket")
