"""Programs as systemd units: the text, and when systemd is asked to do something."""

from __future__ import annotations

import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.service.manager import ServicesResult
from ansible_collections.harvis.platform.plugins.module_utils.service.program import Program
from ansible_collections.harvis.platform.plugins.module_utils.service.systemd import Systemd, unit_text
from ansible_collections.harvis.platform.tests.unit.fakes import FakeRunner

CONTAINERD = Program("containerd", ("/usr/bin/containerd", "--config", "/etc/a b.toml"), stop_seconds=30)
KUBELET = Program(
    "kubelet",
    ("/opt/kubelet", '--say="hi"', "--rate=5%", "--path=$HOME", "--back=\\n"),
    environment={"PATH": "/usr/bin:/bin", "GREETING": 'a "b" 5% $C'},
    after=("containerd",),
)
KUBELET_UNIT = r"""[Unit]
Description=Harvis Platform: kubelet
After=network-online.target harvis-containerd.service
[Service]
ExecStart="/opt/kubelet" "--say=\"hi\"" "--rate=5%%" "--path=$$HOME" "--back=\\n"
Environment="GREETING=a \"b\" 5%% $C"
Environment="PATH=/usr/bin:/bin"
Restart=always
RestartSec=2
TimeoutStopSec=20
KillMode=process
Delegate=yes
LimitNOFILE=1048576
TasksMax=infinity
[Install]
WantedBy=multi-user.target
"""


def test_unit_takes_every_character_literally() -> None:
    assert unit_text(KUBELET, "harvis") == KUBELET_UNIT


def test_unit_of_a_program_that_waits_for_none() -> None:
    lines = unit_text(CONTAINERD, "harvis").splitlines()

    assert lines[2:5] == [
        "After=network-online.target",
        "[Service]",
        'ExecStart="/usr/bin/containerd" "--config" "/etc/a b.toml"',
    ]
    assert "TimeoutStopSec=30" in lines


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_itself_accepts_the_units(tmp_path: Path) -> None:
    program = str(Path(shutil.which("true") or "/bin/true").resolve())
    units = [tmp_path / f"harvis-{name}.service" for name in ("containerd", "kubelet")]
    for unit, given in zip(units, (CONTAINERD, KUBELET), strict=True):
        command = (program, *given.command[1:])
        unit.write_text(unit_text(Program(given.name, command, given.environment, after=given.after), "harvis"))

    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)

    assert [line for line in done.stderr.splitlines() if "harvis-" in line] == []


class FakeSystemd(FakeRunner):
    """``systemctl`` with a memory of what is active."""

    def __init__(self, *active: str) -> None:
        super().__init__()
        self.active = {f"harvis-{name}.service" for name in active}
        self.answers = {
            ("systemctl", "is-active"): lambda argv: "active\n" if argv[-1] in self.active else "inactive\n",
            ("systemctl", "restart"): lambda argv: self.active.add(argv[-1]),
            ("systemctl", "disable", "--now"): lambda argv: self.active.discard(argv[-1]),
        }

    def acted(self) -> list[tuple[str, ...]]:
        return [call[1:] for call in self.calls if call[1] != "is-active"]


def started(name: str) -> list[tuple[str, ...]]:
    return [("enable", f"harvis-{name}.service"), ("restart", f"harvis-{name}.service")]


class Case(t.NamedTuple):
    name: str
    written: tuple[Program, ...]
    active: tuple[str, ...]
    reasons: tuple[str, ...]
    acted: list[tuple[str, ...]]


CHANGED = Program("kubelet", ("/opt/old/kubelet",))
CASES = [
    Case(
        "nothing there",
        (),
        (),
        ("containerd: unit differs", "kubelet: unit differs"),
        [("daemon-reload",), *started("containerd"), *started("kubelet")],
    ),
    Case("all as wanted", (CONTAINERD, KUBELET), ("containerd", "kubelet"), (), []),
    Case(
        "one was stopped",
        (CONTAINERD, KUBELET),
        ("containerd",),
        ("kubelet is inactive",),
        [("daemon-reload",), *started("kubelet")],
    ),
    Case(
        "one has another command",
        (CONTAINERD, CHANGED),
        ("containerd", "kubelet"),
        ("kubelet: unit differs",),
        [("daemon-reload",), *started("kubelet")],
    ),
]


@pytest.mark.parametrize("dry", [False, True], ids=["real", "dry"])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_only_what_differs_is_restarted(tmp_path: Path, case: Case, dry: bool) -> None:
    runner = FakeSystemd(*case.active)
    for program in case.written:
        (tmp_path / f"harvis-{program.name}.service").write_text(unit_text(program, "harvis"))
    before = {n: "active" if n in case.active else "inactive" for n in ("containerd", "kubelet")}
    files = {p.name: p.read_text() for p in tmp_path.iterdir()}
    manager = Systemd(units=tmp_path, runner=runner)

    result = manager.ensure([CONTAINERD, KUBELET], dry=dry)

    after = {"containerd": "active", "kubelet": "active"}
    # What was never written is not down, it is new.
    down = [reason.partition(" ")[0] for reason in case.reasons if reason.endswith("is inactive")]
    assert result == ServicesResult("systemd", case.reasons, before, after, result.findings)
    assert [(f.code, f.subject) for f in result.findings] == [("PLB-DAEMON", name) for name in down]
    assert runner.acted() == ([] if dry else case.acted)
    if dry:
        assert {p.name: p.read_text() for p in tmp_path.iterdir()} == files
    else:
        assert manager.ensure([CONTAINERD, KUBELET]).changed is False


def test_removal_takes_our_units_alone(tmp_path: Path) -> None:
    runner = FakeSystemd("containerd", "kubelet")
    for name in ("harvis-containerd", "harvis-kubelet", "ssh"):
        (tmp_path / f"{name}.service").touch()
    manager = Systemd(units=tmp_path, runner=runner)
    reasons = ("harvis-containerd.service is installed", "harvis-kubelet.service is installed")

    assert manager.remove(dry=True) == ServicesResult("systemd", reasons)
    assert runner.calls == []
    assert manager.remove() == ServicesResult("systemd", reasons)
    assert runner.acted() == [
        ("disable", "--now", "harvis-kubelet.service"),
        ("disable", "--now", "harvis-containerd.service"),
        ("daemon-reload",),
    ]
    assert [p.name for p in tmp_path.iterdir()] == ["ssh.service"]
    assert manager.remove() == ServicesResult("systemd")
