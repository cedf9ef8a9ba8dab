"""A containerd and a dockerd of the tests' own: own folders, sockets and network; stopped by pid."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner
from ansible_collections.harvis.platform.plugins.module_utils.runtime.control import (
    CommandControl,
    ContainerdProbe,
    DockerProbe,
    Probe,
    restart_and_wait,
)
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import stop

RUNNER = SystemRunner()
# Ends the former process, then starts the next one; what a host's service manager would do.
RESTART = """\
import os, subprocess, sys
sys.path[:0] = {path!r}
from pathlib import Path
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import stop
pid = Path({pid!r})
if pid.exists():
    stop([int(pid.read_text())], patience=20)
with open({log!r}, "ab") as log:
    daemon = subprocess.Popen({command!r}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
pid.write_text(str(daemon.pid))
"""


def needs(*programs: str) -> t.Any:
    """Skips where a daemon cannot be had."""
    missing = [p for p in programs if not shutil.which(p)]
    reason = f"not installed: {', '.join(missing)}" if missing else "needs root"
    return pytest.mark.skipif(bool(missing) or os.geteuid() != 0, reason=reason)


@dataclass(frozen=True)
class Daemon:
    """One daemon and the folder that is all it writes to."""

    folder: Path
    name: str
    command: tuple[str, ...]

    @property
    def config(self) -> Path:
        return self.folder / ("config.toml" if self.name == "containerd" else "daemon.json")

    @property
    def socket(self) -> Path:
        return self.folder / f"{self.name}.sock"

    @property
    def pid(self) -> int:
        return int((self.folder / f"{self.name}.pid").read_text())

    @property
    def control(self) -> CommandControl:
        return CommandControl((sys.executable, str(self.folder / f"{self.name}.py")), self._log, RUNNER)

    @property
    def probe(self) -> Probe:
        return DockerProbe(self.socket) if self.name == "docker" else ContainerdProbe(self.socket, RUNNER)

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        script = RESTART.format(
            path=sys.path, pid=str(self.folder / f"{self.name}.pid"), log=str(self._log), command=list(self.command)
        )
        (self.folder / f"{self.name}.py").write_text(script)
        problem = restart_and_wait(self.control, self.probe, 30)
        assert not problem, f"{problem}\n{self._log.read_text()[-3000:]}"

    def stop(self) -> None:
        stop([self.pid], patience=20)


def containerd(folder: Path) -> Daemon:
    config = folder / "config.toml"
    return Daemon(folder, "containerd", ("containerd", "--config", str(config)))


def docker(folder: Path) -> Daemon:
    """In a network namespace of its own: a dockerd takes the bridge of another one for its own."""
    arguments = {
        "config-file": folder / "daemon.json",
        "host": f"unix://{folder}/docker.sock",
        "containerd": folder / "containerd.sock",
        "data-root": folder / "docker",
        "exec-root": folder / "docker-exec",
        "pidfile": folder / "dockerd.pid",
        "storage-driver": "vfs",
        "bridge": "none",
        "iptables": "false",
        "ip6tables": "false",
        "ip-forward": "false",
        "ip-masq": "false",
    }
    command = ("unshare", "--net", "dockerd", *(f"--{k}={v}" for k, v in arguments.items()))
    return Daemon(folder, "docker", command)


def containerd_config(folder: Path, cri: str = "") -> str:
    """Format 2, which containerd 1.6 and 2 read alike; nothing outside ``folder`` is written."""
    head = f"""\
    # A comment of the operator's.
    version = 2
    root = "{folder}/root"
    state = "{folder}/state"
    disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs"]

    [grpc]
      address = "{folder}/containerd.sock"

    [plugins."io.containerd.internal.v1.opt"]
      path = "{folder}/opt"
    """
    return textwrap.dedent(head) + cri


CRI = """
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.example/pause:3.10" # ours

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
  default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
"""
