"""What nobody can be faster than: an empty play with as many tasks, and a pod that starts again with the same image."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

from report import Figure
from setting import PROJECT, Cluster, Setting
from watching import ReadyWatch
from ways import timed

_RECAP = re.compile(r"ok=(\d+).*?skipped=(\d+)")
IMPORT = "import time; b = time.perf_counter(); import workers.vhm_resonance.main; print(time.perf_counter() - b)"


def tasks_of(output: str) -> int:
    """How many tasks a run had, from its recap."""
    found = _RECAP.search(output)
    return int(found[1]) + int(found[2]) if found else 0


def empty_play(folder: Path, tasks: int, rounds: int) -> list[Figure]:
    task = "    - {name: Nothing, ansible.builtin.assert: {that: [true], quiet: true}}\n"
    play = f"- hosts: harvis\n  gather_facts: false\n  tasks:\n{task * tasks}"
    place = folder / "empty.yml"
    place.write_text(play, encoding="utf-8")
    program = str(PROJECT / ".harvis/venv/bin/ansible-playbook")
    name = f"floor: an empty play of {tasks} tasks"
    return [Figure(name, "floor", n, timed([program, str(place)], {}).seconds) for n in range(rounds)]


def pod_start(setting: Setting, cluster: Cluster, rounds: int) -> list[Figure]:
    """From the deletion of a worker's pod to Ready of the one that takes its place: kubelet, import, first probe."""
    figures = []
    for number in range(rounds):
        with ReadyWatch(cluster.kubeconfig, setting.workers_namespace, "resonance") as watch:
            pods = cluster.run(cluster.kubectl, "get", "pods", "-n", setting.workers_namespace, "-o", "name").split()
            mine = [name for name in pods if name.startswith("pod/resonance-")]
            began = time.monotonic()
            cluster.run(cluster.kubectl, "delete", *mine, "-n", setting.workers_namespace, "--wait=false")
            ready = watch.wait(120)
        figures.append(Figure("floor: a worker's pod starts again", "floor", number, (ready or 0) - began))
    return figures


def worker_import(setting: Setting, cluster: Cluster, rounds: int) -> list[Figure]:
    figures = []
    for number in range(rounds):
        where = (
            "exec",
            "-n",
            setting.workers_namespace,
            "deploy/resonance",
            "--",
            "/opt/venv/bin/python",
            "-c",
            IMPORT,
        )
        try:
            seconds = float(cluster.run(cluster.kubectl, *where).strip().splitlines()[-1])
        except (RuntimeError, ValueError, subprocess.TimeoutExpired):
            continue
        figures.append(Figure("floor: the worker's own imports", "floor", number, seconds))
    return figures
