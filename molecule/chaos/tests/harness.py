"""The running platform of a scenario, as somebody who breaks it and somebody who mends it see it."""

from __future__ import annotations

import json
import os
import subprocess
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

NAMESPACES = ("vhm", "ai-agents")
PLAYBOOK_SECONDS = 900
# Prints the pids whose command line has a word, of this machine and of its containers.
PIDS = 'for p in /proc/[0-9]*; do tr "\\0" " " <"$p/cmdline" 2>/dev/null | grep -q -- "$1" && echo "${p#/proc/}"; done'


@dataclass(frozen=True)
class Run:
    """A playbook that ended: its exit status, what it printed and how long it took."""

    rc: int
    said: str
    seconds: float


@dataclass(frozen=True)
class Platform:
    """``machine`` is the container that stands for the host, ``output`` what the platform left on the controller."""

    project: Path
    output: Path
    machine: str
    inventory: str

    @classmethod
    def of_scenario(cls) -> Platform:
        project = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
        return cls(
            project,
            Path(os.environ["HARVIS_CHAOS_OUTPUT"]),
            os.environ["HARVIS_CHAOS_MACHINE"],
            f"{os.environ['MOLECULE_EPHEMERAL_DIRECTORY']}/inventory",
        )

    # What breaks it.

    def kubectl(self, *arguments: str, stdin: str = "", check: bool = True) -> str:
        argv = [self.output / "bin" / "kubectl", "--kubeconfig", self.output / "kubeconfig", *arguments]
        return subprocess.run(argv, check=check, capture_output=True, text=True, input=stdin, timeout=300).stdout

    def get(self, *arguments: str) -> dict[str, t.Any]:
        found: dict[str, t.Any] = json.loads(self.kubectl("get", *arguments, "--output", "json"))
        return found

    @property
    def broker(self) -> str:
        """Where clients outside the cluster reach the broker."""
        addresses = self.get("nodes")["items"][0]["status"]["addresses"]
        return f"{next(each['address'] for each in addresses if each['type'] == 'InternalIP')}:30092"

    def shell(self, script: str, *arguments: str) -> str:
        argv = ["docker", "exec", "-i", self.machine, "sh", "-euc", script, "sh", *arguments]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def pids(self, word: str) -> list[str]:
        """Of processes whose command line has the word. The shell that looks has it as well, and is gone by then."""
        looking = f"{PIDS} || true"
        found = self.shell(looking, word).split()
        alive = self.shell('for p in "$@"; do [ -d "/proc/$p" ] && echo "$p" || true; done', *found).split()
        assert alive, f"no process with {word}"
        return alive

    def signal(self, name: str, word: str) -> None:
        self.shell('signal=$1; shift; kill -s "$signal" "$@"', name, *self.pids(word))

    # What mends it.

    def playbook(self, name: str, *arguments: str) -> Run:
        started = time.monotonic()
        done = subprocess.run(
            self.argv(name, *arguments),
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PLAYBOOK_SECONDS,
            check=False,
        )
        run = Run(done.returncode, done.stdout + done.stderr, time.monotonic() - started)
        kept = self.output / "runs" / f"{time.strftime('%H%M%S')}-{name}.log"
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(run.said)
        return run

    def argv(self, name: str, *arguments: str) -> list[str]:
        return ["ansible-playbook", "-i", self.inventory, f"playbooks/{name}.yml", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "ANSIBLE_CONFIG": str(self.project / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"}

    def settle(self, seconds: float) -> bool:
        """Wait until every node and every pod is ready and every workload whole."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if self._is_whole():
                    return True
            except (subprocess.SubprocessError, ValueError, KeyError):
                pass
            time.sleep(1)
        return False

    def _is_whole(self) -> bool:
        nodes, pods = self.get("nodes")["items"], self.get("pods", "--all-namespaces")["items"]
        workloads = self.get("deployments,statefulsets,daemonsets", "--all-namespaces")["items"]
        return (
            all(_condition(each, "Ready") for each in (*nodes, *pods) if _counts(each))
            and all(_whole(each) for each in workloads)
            and not [pod for pod in pods if "deletionTimestamp" in pod["metadata"]]
        )


def _counts(found: dict[str, t.Any]) -> bool:
    return found["status"].get("phase") != "Succeeded"


def _condition(found: dict[str, t.Any], kind: str) -> bool:
    conditions = found["status"].get("conditions") or []
    return any(each["type"] == kind and each["status"] == "True" for each in conditions)


def _whole(workload: dict[str, t.Any]) -> bool:
    status = workload["status"]
    wanted = workload["spec"].get("replicas", status.get("desiredNumberScheduled", 0))
    ready = status.get("readyReplicas", status.get("numberReady", 0))
    return bool(ready == wanted)
