"""Real daemons take the edited configuration, and get the former one back when they do not serve with it."""

from __future__ import annotations

import shutil
import tempfile
import tomllib
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.runtime.apply import RuntimeResult, ensure
from ansible_collections.harvis.platform.plugins.module_utils.runtime.diagnose import daemon_finding, diagnose_runtime
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Handler
from ansible_collections.harvis.platform.plugins.module_utils.runtime.record import record_path
from ansible_collections.harvis.platform.plugins.module_utils.runtime.running import (
    containerd_effective,
    docker_effective,
    find_running,
)
from ansible_collections.harvis.platform.plugins.module_utils.runtime.wanted import RuntimeSpec
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.runtime import daemons
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.runtime.daemons import RUNNER, Daemon

Start = t.Callable[[str], Daemon]


@pytest.fixture
def folder() -> t.Iterator[Path]:
    """Short: the path of a socket has 107 characters at most."""
    made = Path(tempfile.mkdtemp(prefix="hv-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def start_containerd(folder: Path) -> t.Iterator[Start]:
    daemon = daemons.containerd(folder)

    def start(cri: str) -> Daemon:
        daemon.config.write_text(daemons.containerd_config(folder, cri))
        daemon.start()
        return daemon

    yield start
    daemon.stop()


@pytest.fixture
def dockerd(folder: Path, start_containerd: Start) -> t.Iterator[Daemon]:
    start_containerd(daemons.CRI)
    daemon = daemons.docker(folder)
    daemon.config.write_text('{\n  "log-driver": "local",\n  "labels": ["rack=7"]\n}\n')
    daemon.start()
    yield daemon
    daemon.stop()


def spec(daemon: Daemon, **handler: t.Any) -> RuntimeSpec:
    name: t.Any = daemon.name
    return RuntimeSpec(name, Handler(binary=Path("/bin/true"), **handler), daemon.config, daemon.socket, patience=15)


def put(daemon: Daemon, *, present: bool = True, dry: bool = False, **handler: t.Any) -> RuntimeResult:
    return ensure(spec(daemon, **handler), RUNNER, daemon.control, daemon.probe, present=present, dry=dry)


def dump(daemon: Daemon) -> dict[str, t.Any]:
    text = RUNNER.run(["containerd", "--config", str(daemon.config), "config", "dump"]).stdout
    return dict(tomllib.loads(text)["plugins"]["io.containerd.grpc.v1.cri"])


@daemons.needs("containerd", "ctr")
def test_containerd_takes_the_handler_keeps_the_rest_and_gives_it_back(start_containerd: Start) -> None:
    """Real: check mode, add, again, remove, again."""
    daemon = start_containerd(daemons.CRI)
    former, first = daemon.config.read_text(), daemon.pid

    planned = put(daemon, dry=True)
    assert (planned.to_result()["changed"], daemon.config.read_text(), daemon.pid) == (True, former, first)

    done = put(daemon, default=True)
    assert (done.restarted, done.before, done.after) == (True, former, daemon.config.read_text())
    running = find_running(daemon.socket, Path("/none"))
    assert running is not None
    assert (running.pid, running.config) == (daemon.pid, daemon.config)
    assert containerd_effective(running, RUNNER).default == "nvidia"
    assert dump(daemon)["containerd"]["runtimes"]["nvidia"]["options"]["BinaryName"] == "/bin/true"
    assert dump(daemon)["sandbox_image"] == "registry.example/pause:3.10"
    assert diagnose_runtime(spec(daemon, default=True), RUNNER) == []

    second = daemon.pid
    again = put(daemon, default=True)
    assert (again.reasons, again.restarted, daemon.pid) == ((), False, second)

    gone = put(daemon, default=True, present=False)
    assert (gone.restarted, daemon.config.read_text()) == (True, former)
    assert not record_path(daemon.config).exists()
    assert put(daemon, default=True, present=False).reasons == ()


@daemons.needs("containerd", "ctr")
def test_the_file_that_decides_is_an_imported_one(start_containerd: Start, folder: Path) -> None:
    """Real: containerd 1.x takes a plugin's whole section from the last file that has it."""
    drop_in = folder / "conf.d" / "site.toml"
    drop_in.parent.mkdir()
    drop_in.write_text("version = 2\n" + daemons.CRI)
    daemon = start_containerd("")
    daemon.config.write_text(f'imports = ["{drop_in.parent}/*.toml"]\n' + daemon.config.read_text())
    daemon.start()
    main = daemon.config.read_text()

    done = put(daemon)

    assert (done.config, daemon.config.read_text()) == (str(drop_in), main)
    assert sorted(dump(daemon)["containerd"]["runtimes"]) == ["nvidia", "runc"]
    assert dump(daemon)["sandbox_image"] == "registry.example/pause:3.10"
    put(daemon, present=False)
    assert drop_in.read_text() == "version = 2\n" + daemons.CRI


@daemons.needs("containerd", "ctr")
@pytest.mark.fault("F08", code="RUN-CONFIG", when="after deploy", by="real")
def test_a_file_that_the_running_containerd_does_not_read_is_named(start_containerd: Start, folder: Path) -> None:
    """Real: the file in /etc is edited, and the daemon was started with another one, as k3s does."""
    daemon = start_containerd(daemons.CRI)
    other = folder / "etc-containerd.toml"
    other.write_text("version = 2\n")
    wanted = RuntimeSpec("containerd", Handler(binary=Path("/bin/true")), other, daemon.socket, patience=15)

    with pytest.raises(HarvisError, match="is not read by the containerd that runs") as caught:
        ensure(wanted, RUNNER, daemon.control, daemon.probe)

    assert [(f.code, f.subject) for f in caught.value.findings] == [("RUN-CONFIG", str(other))]
    assert str(daemon.config) in caught.value.findings[0].cause
    assert "it knows no handler nvidia (only runc)" in caught.value.findings[0].evidence
    assert other.read_text() == "version = 2\n"


@daemons.needs("containerd", "ctr")
@pytest.mark.fault("F08", code="RUN-RESTART", when="after deploy", by="real")
def test_a_configuration_that_was_not_read_is_said_and_then_read(start_containerd: Start) -> None:
    """Real: the handler stands in the file, and the daemon is older than that."""
    daemon = start_containerd(daemons.CRI)
    ensure(spec(daemon), RUNNER, None, daemon.probe)
    first = daemon.pid

    finding = daemon_finding(spec(daemon), RUNNER)
    assert finding is not None
    assert finding.code == "RUN-RESTART"
    assert f"started before {daemon.config} was changed" in finding.cause

    done = put(daemon)
    assert (done.restarted, len(done.reasons), daemon.pid != first) == (True, 1, True)
    assert daemon_finding(spec(daemon), RUNNER) is None


REFUSED_DEFAULT = f"""\
{daemons.CRI.replace("io.containerd.runc.v2", "io.containerd.runtime.v1.linux")}
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia]
  runtime_type = "io.containerd.runc.v2"
""".replace("sandbox_image", "systemd_cgroup = true\n  sandbox_image")


@pytest.mark.fault(code="RUN-ROLLBACK", by="real")
@daemons.needs("containerd", "ctr")
def test_containerd_without_its_cri_plugin_gets_the_former_text_back(start_containerd: Start) -> None:
    """Real: ``systemd_cgroup`` is refused beside such a default; containerd runs on, without its CRI plugin."""
    daemon = start_containerd(REFUSED_DEFAULT)
    former = daemon.config.read_text()

    with pytest.raises(HarvisError, match="serves again with it") as caught:
        put(daemon, default=True)

    (finding,) = caught.value.findings
    assert (finding.code, finding.subject) == ("RUN-ROLLBACK", "containerd")
    assert "plugin io.containerd.grpc.v1 cri error" in finding.cause
    assert "systemd_cgroup" in finding.evidence
    assert (daemon.config.read_text(), daemon.probe().problem) == (former, "")
    assert not record_path(daemon.config).exists()


@pytest.mark.fault(code="RUN-ROLLBACK", by="real")
@daemons.needs("containerd", "ctr")
def test_a_section_that_was_faulty_before_is_said_to_be(start_containerd: Start) -> None:
    """Real: somebody broke the file after the daemon's start; the restart for us brings it to light."""
    daemon = start_containerd(daemons.CRI)
    faulty = daemon.config.read_text().replace('default_runtime_name = "runc"', 'default_runtime_name = "ghost"')
    daemon.config.write_text(faulty)

    with pytest.raises(HarvisError, match="does not serve with it either") as caught:
        put(daemon)

    assert [f.code for f in caught.value.findings] == ["RUN-ROLLBACK"]
    assert "ghost" in caught.value.findings[0].evidence
    assert daemon.config.read_text() == faulty


@pytest.mark.fault(code="RUN-CONFIG", by="real")
@daemons.needs("containerd", "ctr")
def test_containerd_is_not_restarted_into_a_text_that_it_cannot_read(start_containerd: Start) -> None:
    """Real: TOML it is, and no configuration of containerd's."""
    daemon = start_containerd(daemons.CRI)
    faulty = daemon.config.read_text().replace("[grpc]", "oom_score = 'high'\n[grpc]")
    daemon.config.write_text(faulty)
    first = daemon.pid

    with pytest.raises(HarvisError, match="refused by containerd itself") as caught:
        put(daemon)

    assert [f.code for f in caught.value.findings] == ["RUN-CONFIG"]
    assert "Can't convert high(string) to int" in caught.value.findings[0].evidence
    assert (daemon.config.read_text(), daemon.pid, daemon.probe().problem) == (faulty, first, "")
    assert not record_path(daemon.config).exists()


@daemons.needs("containerd", "ctr", "dockerd", "unshare")
def test_dockerd_takes_the_handler_and_gives_it_back(dockerd: Daemon) -> None:
    """Real: add, again, remove."""
    former = dockerd.config.read_text()

    assert put(dockerd, default=True).restarted
    effective = docker_effective(dockerd.socket)
    assert (effective.handlers["nvidia"], effective.default) == ("/bin/true", "nvidia")
    assert not put(dockerd, default=True).reasons

    assert put(dockerd, default=True, present=False).restarted
    assert (dockerd.config.read_text(), docker_effective(dockerd.socket).default) == (former, "runc")


@daemons.needs("containerd", "ctr", "dockerd", "unshare")
@pytest.mark.fault("F08", code="RUN-RESTART", when="after deploy", by="real")
def test_dockerd_is_asked_and_not_its_file(dockerd: Daemon) -> None:
    """Real: the file has the runtime, the daemon does not."""
    ensure(spec(dockerd), RUNNER, None, dockerd.probe)

    finding = daemon_finding(spec(dockerd), RUNNER)

    assert finding is not None
    assert (finding.code, finding.subject) == ("RUN-RESTART", "docker")
    assert "it knows no handler nvidia" in finding.cause


@pytest.mark.fault(code="RUN-ROLLBACK", by="real")
@daemons.needs("containerd", "ctr", "dockerd", "unshare")
def test_a_dockerd_that_does_not_come_back_gets_its_former_file(dockerd: Daemon, folder: Path) -> None:
    """Real: the default also stands among dockerd's arguments, which it refuses."""
    with_argument = Daemon(folder, "docker", (*dockerd.command, "--default-runtime=runc"))
    with_argument.start()
    former = with_argument.config.read_text()

    with pytest.raises(HarvisError, match="serves again with it") as caught:
        put(with_argument, default=True)

    assert [f.code for f in caught.value.findings] == ["RUN-ROLLBACK"]
    assert "default-runtime" in caught.value.findings[0].evidence
    assert with_argument.config.read_text() == former
