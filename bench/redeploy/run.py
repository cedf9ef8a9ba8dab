"""How long a redeploy takes beside two other ways to the same end, on the platform that runs on this machine.

The other ways are the same images, charts and topics described with `kubernetes.core` and `community.docker`, and a
script of the commands that people keep in a note; both lie in `bench/peers/redeploy`. Each way has namespaces, ports,
volumes and copies of the sources of its own on the one cluster. Rounds are interleaved, so that a noisy machine is
noisy for all. Raw figures are kept in a file as they come, and a run that was stopped goes on from there.

    make bench-redeploy         # or: python bench/redeploy/run.py [--runs 5] [--cases nothing,code,…] [--out FOLDER]

What is made for it is removed at the end; `--keep` leaves it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import caveats
import floors
import report
from report import Figure
from setting import CONTAINERD, DATA_DIR, PROJECT, VALUE, Cluster, Setting
from watching import ReadyWatch
from ways import CheatSheet, Ours, Peers, Run, Way, build_programs

NAMES = {
    "nothing": "nothing changed, the whole platform",
    "code": "one line of a worker's code, until its new pod is Ready",
    "value": "one value, until the pod that has it is Ready",
    "ten": "nothing changed, ten releases in ten namespaces",
}
SITE = "nothing changed, `make up` (host, cluster and third-party images as well)"
CASES = (*NAMES, "site", "floors", "caveats")


@dataclass
class Bench:
    """Rounds of cases, with the figures so far."""

    ways: list[Way]
    cluster: Cluster
    out: Path
    figures: list[Figure]

    def add(self, figure: Figure) -> None:
        self.figures.append(figure)
        report.save(self.out / "redeploy.json", self.figures, machine())
        ready = "" if figure.ready is None else f", ready after {figure.ready:.1f} s"
        print(f"{figure.case} | {figure.way} | {figure.command:.1f} s{ready} {figure.note}", flush=True)

    def has(self, case: str, way: Way, number: int) -> bool:
        return any((f.case, f.way, f.round) == (case, way.title, number) for f in self.figures)

    def round(self, key: str, number: int) -> None:
        for way in self.ways:
            if not self.has(NAMES[key], way, number):
                self.settle(way.setting)
                self.add(self.measure(key, way, number))

    def measure(self, key: str, way: Way, number: int) -> Figure:
        if key == "ten":
            return self.figure(key, way, number, way.deploy_ten("hello"))
        if key == "nothing":
            return self.figure(key, way, number, way.deploy())
        mark, beats = uuid.uuid4().hex, 3 + int(time.time()) % 997
        if key == "code":
            way.setting.change_code(mark)
        with ReadyWatch(self.cluster.kubeconfig, way.setting.workers_namespace, "resonance") as watch:
            began = time.monotonic()
            done = way.deploy(beats if key == "value" else None)
            ready = watch.wait(30)
        if key == "code":
            proven = caveats.code_runs(way.setting, self.cluster, mark)
        else:
            proven = caveats.value_is(way.setting, self.cluster, VALUE, beats)
        return self.figure(key, way, number, done, ready and ready - began, proven=proven)

    def figure(
        self, key: str, way: Way, number: int, done: Run, ready: float | None = None, *, proven: bool = True
    ) -> Figure:
        if done.code:
            (self.out / f"failed-{key}-{way.setting.name}-{number}.log").write_text(done.output, encoding="utf-8")
        ended = done.code == 0
        note = "" if ended and proven else "FAILED" if not ended else "NOT EFFECTIVE"
        return Figure(NAMES[key], way.title, number, done.seconds, ready, ended and proven, note)

    def settle(self, setting: Setting) -> None:
        """Wait until nothing of an earlier run is still starting or ending."""
        for _attempt in range(60):
            text = self.cluster.run(self.cluster.kubectl, "get", "pods", "-A", "-o", "json")
            if not any(_unsettled(pod) for pod in json.loads(text)["items"]):
                return
            time.sleep(1)
        print(f"still unsettled before {setting.name}", flush=True)

    def converge(self) -> None:
        """Each way twice before anything is measured: to have its platform, and to be at rest."""
        for way in self.ways:
            for deploy in (way.deploy, way.deploy, lambda way=way: way.deploy_ten("hello")):
                done = deploy()
                print(f"prepared | {way.title} | {done.seconds:.1f} s | {done.code}", flush=True)
                if done.code:
                    sys.exit(done.output[-6000:])

    def clean(self) -> None:
        """Whatever the bench made in the cluster and on the host; the platform's own redeploy puts its code back."""
        names = self.cluster.run(self.cluster.kubectl, "get", "namespaces", "-o", "name").split()
        spaces = [way.setting.workers_namespace for way in self.ways[1:]]
        spaces += [way.setting.app_namespace for way in self.ways[1:]]
        mine = [n for n in names if n.removeprefix("namespace/") in spaces or n.startswith("namespace/ten-")]
        if mine:
            self.cluster.run(self.cluster.kubectl, "delete", *mine)
        for way in self.ways:
            shutil.rmtree(way.setting.folder, ignore_errors=True)
        shutil.rmtree(DATA_DIR / "bench", ignore_errors=True)
        for name in _images():
            os.spawnlp(os.P_WAIT, "ctr", "ctr", "--address", CONTAINERD, "--namespace", "k8s.io", "images", "rm", name)

    def table(self) -> str:
        titles = [way.title for way in self.ways]
        head = ["seconds, median (least to most)", *titles, *(f"of {title}" for title in titles[1:]), "runs"]
        body = report.rows([f for f in self.figures if f.way in titles], titles)
        floor = [f for f in self.figures if f.way == "floor"]
        cases = list(dict.fromkeys(f.case for f in floor))
        floor_rows = [[case, report.spread([f.seconds for f in floor if f.case == case])] for case in cases]
        text = [report.markdown(head, body), report.markdown(["floor", "seconds"], floor_rows)]
        seen = self.out / "caveats.json"
        if seen.is_file():
            text.append(report.markdown(["seen and mended?", *titles], json.loads(seen.read_text(encoding="utf-8"))))
        print("\n" + report.plain(head, body) + "\n", flush=True)
        return "\n\n".join(text) + "\n"


def _unsettled(pod: dict[str, dict[str, object]]) -> bool:
    statuses = pod["status"].get("containerStatuses") or []
    waiting = not all(status["ready"] for status in statuses) if isinstance(statuses, list) else True
    return bool(pod["metadata"].get("deletionTimestamp")) or (pod["status"].get("phase") != "Succeeded" and waiting)


def _images() -> list[str]:
    with os.popen(f"ctr --address {CONTAINERD} --namespace k8s.io images ls -q") as listed:
        return [name for name in listed.read().split() if name.startswith(("peers.local/", "sheet.local/"))]


def machine() -> dict[str, object]:
    with Path("/proc/loadavg").open() as load:
        return {"processors": os.cpu_count(), "load": load.read().split()[0], "at": time.strftime("%Y-%m-%d %H:%M")}


def ways(cluster: Cluster, out: Path, docker_host: str, peers_helm: str) -> list[Way]:
    work = out / "work"
    ours = Setting("ours", work / "ours", "vhm", "ai-agents", 30800, 30092)
    peers = Setting("peers", work / "peers", "peers-vhm", "peers-ai", 30801, 30093)
    sheet = Setting("sheet", work / "sheet", "sheet-vhm", "sheet-ai", 30802, 30094)
    for setting in (ours, peers, sheet):
        if not setting.folder.exists():
            setting.prepare()
    base = json.loads((DATA_DIR / "base-images.json").read_text(encoding="utf-8"))["python"]
    return [
        Ours(ours, cluster),
        Peers(peers, cluster, peers_helm, base, docker_host),
        CheatSheet(sheet, cluster, base, docker_host),
    ]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--out", type=Path, default=PROJECT / ".harvis/bench/redeploy")
    parser.add_argument("--go", type=Path, help="Go toolchain for the peers' programs")
    helm = str(PROJECT / ".harvis/bench/bin/helm")
    parser.add_argument("--peers-helm", default=helm, help="the helm for kubernetes.core, which does not know Helm 4")
    parser.add_argument("--docker-host", default=os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    parser.add_argument("--converged", action="store_true", help="do not deploy anything before measuring")
    parser.add_argument("--keep", action="store_true", help="leave namespaces, volumes and copies as they are")
    return parser.parse_args()


def extras(bench: Bench, cases: list[str], runs: int) -> None:
    ours = bench.ways[0]
    assert isinstance(ours, Ours)
    if "site" in cases:
        for number in range(runs):
            done = Ours(ours.setting, ours.cluster, "site.yml").deploy()
            bench.add(Figure(SITE, ours.title, number, done.seconds, None, done.code == 0))
    if "floors" in cases:
        bench.settle(ours.setting)
        tasks = floors.tasks_of(ours.deploy().output)
        found = floors.empty_play(bench.out, tasks, runs)
        found += floors.pod_start(ours.setting, bench.cluster, runs)
        for figure in found + floors.worker_import(ours.setting, bench.cluster, runs):
            bench.add(figure)
    if "caveats" in cases:
        rows = caveats.caveats(bench.ways, bench.cluster)
        (bench.out / "caveats.json").write_text(json.dumps(rows), encoding="utf-8")


def main() -> None:
    args = options()
    cases = args.cases.split(",")
    args.out.mkdir(parents=True, exist_ok=True)
    go = args.go or next(iter(sorted(Path.home().glob(".cache/harvis/toolchains/go-*/go/bin/go"))), Path("go"))
    build_programs(go)
    cluster = Cluster(PROJECT / ".harvis")
    found = ways(cluster, args.out, args.docker_host, args.peers_helm)
    bench = Bench(found, cluster, args.out, report.load(args.out / "redeploy.json"))
    if args.converged:
        for way in found:
            if isinstance(way, CheatSheet):
                way.has_topics = True
    else:
        bench.converge()
    # A bench that is stopped early has as many rounds of each case.
    for number in range(args.runs):
        for key in (key for key in NAMES if key in cases):
            bench.round(key, number)
    extras(bench, cases, args.runs)
    (args.out / "redeploy.md").write_text(text := bench.table(), encoding="utf-8")
    print(text)
    if not args.keep:
        bench.clean()


if __name__ == "__main__":
    main()
