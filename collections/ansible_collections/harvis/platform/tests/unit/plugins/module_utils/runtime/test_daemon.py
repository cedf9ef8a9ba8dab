"""Who runs, whether it serves, and how it is restarted: recorded answers, and sockets of the test's own."""

from __future__ import annotations

import os
import socket
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.process import CommandResult, ProcessError
from ansible_collections.harvis.platform.plugins.module_utils.runtime.control import (
    Answer,
    CommandControl,
    ContainerdProbe,
    DockerProbe,
    SystemdControl,
    restart_and_wait,
)
from ansible_collections.harvis.platform.plugins.module_utils.runtime.diagnose import containerd_finding
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Handler
from ansible_collections.harvis.platform.plugins.module_utils.runtime.running import RunningDaemon, find_running
from ansible_collections.harvis.platform.plugins.module_utils.runtime.wanted import RuntimeSpec
from ansible_collections.harvis.platform.tests.unit.fakes import FakeRunner

# As `ctr plugins ls` of containerd 1.6 and 2 prints them.
OK_1 = """TYPE                            ID                       PLATFORMS      STATUS
io.containerd.content.v1        content                  -              ok
io.containerd.snapshotter.v1    devmapper                linux/amd64    error
io.containerd.grpc.v1           cri                      linux/amd64    ok
"""
OK_2 = """TYPE                                      ID                       PLATFORMS         STATUS
io.containerd.cri.v1                      images                   -                 ok
io.containerd.cri.v1                      runtime                  linux/amd64       ok
io.containerd.grpc.v1                     cri                      -                 ok
"""
LISTED = {
    "containerd 1": (OK_1, Answer(is_final=True)),
    "containerd 2": (OK_2, Answer(is_final=True)),
    "CRI refused": (OK_1.replace("64    ok", "64    error"), Answer("plugin io.containerd.grpc.v1 cri error", True)),
    "runtime refused": (
        OK_2.replace("linux/amd64       ok", "linux/amd64       error"),
        Answer("plugin io.containerd.cri.v1 runtime error", True),
    ),
    "no CRI": ("\n".join(OK_1.splitlines()[:3]), Answer("it has no CRI plugin", True)),
}


@pytest.fixture
def listening(tmp_path: Path) -> t.Iterator[Path]:
    """A socket of this process."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(8)
        yield path


@pytest.mark.parametrize(("listed", "expected"), LISTED.values(), ids=LISTED)
def test_what_containerd_s_plugins_say(listening: Path, listed: str, expected: Answer) -> None:
    runner = FakeRunner({("ctr", "--address", str(listening), "plugins", "ls"): listed})

    assert ContainerdProbe(listening, runner)() == expected


def test_nobody_listens(tmp_path: Path) -> None:
    runner = FakeRunner()

    assert ContainerdProbe(tmp_path / "s", runner)() == Answer(f"nobody listens on {tmp_path}/s")
    assert "No such file" in DockerProbe(tmp_path / "s")().problem
    assert runner.calls == []


@pytest.mark.parametrize(
    "reply", [b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\noops", b"not HTTP at all\r\n\r\n", b""]
)
def test_an_answer_that_is_not_docker_s(tmp_path: Path, reply: bytes) -> None:
    """A server of the test's own that speaks like none."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.recv(4096)
                client.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        problem = DockerProbe(path)().problem
        thread.join()

    assert problem.startswith(f"{path}: ")


def record(root: Path, command: list[str]) -> None:
    """A recorded tree of /proc with this process's number and another one's command."""
    folder = root / str(os.getpid())
    folder.mkdir(parents=True)
    (folder / "cmdline").write_bytes(b"\0".join(map(str.encode, command)) + b"\0")
    (folder / "exe").symlink_to("/usr/local/bin/containerd (deleted)")
    (folder / "cwd").symlink_to("/srv")
    (folder / "stat").write_text("7 (containerd) S 1 " + " ".join(["0"] * 17) + " 5000 0")
    (root / "uptime").write_text("1000.00 2000.00\n")


COMMANDS = {
    "no flag": (["containerd"], "/etc/containerd/config.toml"),
    "--config X": (["containerd", "--config", "/x/c.toml", "--log-level", "info"], "/x/c.toml"),
    "--config=X": (["containerd", "--config=/x/c.toml"], "/x/c.toml"),
    "k3s": (["containerd", "-c", "/var/lib/rancher/k3s/agent/etc/containerd/config.toml"], None),
    "relative": (["containerd", "-c", "c.toml"], "/srv/c.toml"),
}


@pytest.mark.parametrize(("command", "config"), COMMANDS.values(), ids=COMMANDS)
def test_the_process_behind_a_socket(tmp_path: Path, listening: Path, command: list[str], config: str | None) -> None:
    """Recorded tree: the process that listens, and the file it was started with."""
    record(tmp_path / "proc", command)

    found = find_running(listening, Path("/etc/containerd/config.toml"), tmp_path / "proc")

    assert found is not None
    assert (found.pid, found.executable) == (os.getpid(), Path("/usr/local/bin/containerd"))
    assert found.config == Path(config or command[-1])


def test_no_process_behind_a_socket(tmp_path: Path, listening: Path) -> None:
    assert find_running(tmp_path / "nobody", Path("/c")) is None
    assert find_running(listening, Path("/c"), tmp_path / "empty") is None


class OneFails(FakeRunner):
    """Ends each program with a status that is not 0."""

    def run(self, argv: t.Sequence[str], **options: t.Any) -> CommandResult:
        super().run(argv, **options)
        raise ProcessError(*fail("PLB-PROCESS", argv[0], "exit status 1", evidence="(7, 1): no").findings)


@pytest.mark.fault("F08", code="RUN-CONFIG", when="after deploy", by="recorded tree")
def test_the_running_daemon_is_asked_for_its_merged_configuration(tmp_path: Path) -> None:
    """Recorded answer of ``containerd config dump``: several programs lie on the host, the one that runs is asked."""
    config = tmp_path / "config.toml"
    config.write_text("version = 2\n")
    running = RunningDaemon(7, Path("/opt/containerd"), config, config.stat().st_mtime + 5)
    spec = RuntimeSpec("containerd", Handler(), config, Path("/run/c.sock"))
    dump = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]\n'
    runner = FakeRunner({("/opt/containerd", "--config", str(config), "config", "dump"): dump})

    finding = containerd_finding(spec, running, runner)

    assert finding is not None
    assert (finding.code, finding.evidence.partition(",")[0]) == ("RUN-CONFIG", "containerd at /run/c.sock (pid 7")
    assert "it knows no handler nvidia (only runc)" in finding.cause
    refused = containerd_finding(spec, running, OneFails())
    assert refused is not None
    assert (refused.code, refused.cause, refused.evidence) == ("RUN-CONFIG", "is refused by containerd", "(7, 1): no")


def test_systemd_restarts_a_unit_and_reads_its_journal() -> None:
    runner = FakeRunner({("journalctl",): "level=fatal msg=no\n"})
    control = SystemdControl("containerd", runner)

    control.restart()

    assert control.last_lines() == "level=fatal msg=no"
    assert runner.calls == [
        ("systemctl", "reset-failed", "containerd"),
        ("systemctl", "restart", "containerd"),
        ("journalctl", "--unit", "containerd", "--lines", "15", "--no-pager", "--output", "cat"),
    ]


def test_a_caller_s_command_and_log(tmp_path: Path) -> None:
    runner = FakeRunner()
    log = tmp_path / "log"
    control = CommandControl(("supervisorctl", "restart", "containerd"), log, runner)

    control.restart()

    assert (runner.calls, control.last_lines()) == ([("supervisorctl", "restart", "containerd")], "")
    log.write_text("".join(f"{n}\n" for n in range(20)))
    assert control.last_lines() == "\n".join(str(n) for n in range(5, 20))


def test_waiting_ends_with_two_good_answers_in_a_row() -> None:
    """The first good one may be the old process's last."""
    answers = iter([Answer(), Answer("closed"), Answer(), Answer()])

    assert restart_and_wait(CommandControl((), None, FakeRunner()), lambda: next(answers), 60, lambda _: None) == ""
    assert list(answers) == []


def test_waiting_ends_with_what_no_waiting_mends() -> None:
    control = CommandControl(("x",), None, FakeRunner())

    assert restart_and_wait(control, lambda: Answer("refused", is_final=True), 60, lambda _: None) == "refused"
    assert restart_and_wait(control, lambda: Answer("closed"), -1, lambda _: None) == "closed"


def test_a_restart_that_fails_says_so() -> None:
    control = CommandControl(("x",), None, FakeRunner({("x",): 1}))

    assert restart_and_wait(control, Answer, 60) == "exit status 1: its last line"
