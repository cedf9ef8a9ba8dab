"""How long each worker takes from its start to ready, and how much of a core that costs.

A real broker and a real store run on loopback. Each worker is started as in its image, without writing bytecode, and
asked on `/ready` until it says yes. Each figure is the median of the runs.

    python bench/workers/start.py [--runs 5] [--python PATH]

Ends with 1 where a worker takes longer than two seconds.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import run as bench
import vhm_services as services

MOST_SECONDS = 2.0
GIVE_UP_SECONDS = 120.0
WORKERS = ("indexer", "resonance", "reteller")
TOPICS = ("anchors-write", "anchors-indexed", "recall-request", "recall-response", "retell-response")


@dataclass(frozen=True)
class Start:
    """One start: seconds on the clock, seconds of a core, and memory once it is ready."""

    wall: float
    core: float
    memory_mib: float


def is_ready(port: int) -> bool:
    # A connection of its own and no library: what asks must not take the core that is measured.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


def start(name: str, python: str, bootstrap: str, url: str, log: Path) -> Start:
    port = services.free_port()
    settings = {"KAFKA_BOOTSTRAP": bootstrap, "QDRANT_URL": url, "PYTHONDONTWRITEBYTECODE": "1"}
    environment = bench.environment() | settings
    command = [python, "-m", f"workers.vhm_{name}.main", "--health-port", str(port)]
    began = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        while not is_ready(port):
            if process.poll() is not None or time.perf_counter() - began > GIVE_UP_SECONDS:
                sys.exit(f"the {name} does not become ready: {log.read_text()[-2000:]}")
            time.sleep(0.02)
        return Start(time.perf_counter() - began, bench.core_seconds(process.pid), bench.peak_mib(process.pid))
    finally:
        process.terminate()
        process.wait(60)


def run(runs: int, python: str) -> int:
    worst = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with services.broker(folder / "broker") as (bootstrap, _), services.store(folder / "store") as (url, _):
            services.make_topics(bootstrap, *TOPICS, *(f"{topic}.dlq" for topic in TOPICS))
            # As the image does it; the first start makes the collection as well, and is not counted.
            subprocess.run([python, "-m", "compileall", "-q", *bench.PATHS], check=True)
            print("| worker | start to ready, s | seconds of a core | memory, MiB |\n| --- | ---: | ---: | ---: |")
            for worker in WORKERS:
                found = [start(worker, python, bootstrap, url, folder / "log") for _ in range(runs + 1)][1:]
                wall, core, memory = (
                    statistics.median(getattr(one, what) for one in found) for what in ("wall", "core", "memory_mib")
                )
                print(f"| {worker} | {wall:.2f} | {core:.2f} | {memory:.0f} |", flush=True)
                worst = max(worst, wall)
    return 0 if worst <= MOST_SECONDS else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--python", default=sys.executable, help="the interpreter, with the workers' libraries")
    arguments = parser.parse_args()
    try:
        return run(arguments.runs, arguments.python)
    except services.Unavailable as error:
        print(f"there is no broker to measure with: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
