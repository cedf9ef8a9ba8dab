"""How long a recall takes with many anchors in the store, while so many come each second.

A real broker and a real store run on loopback, and the resonance worker in a process of its own. Requests are sent by
the clock, whether or not the earlier ones are answered, and each is timed from when it was due to when its answer is
read. *search alone* is what the store takes for one look at the nearest, with nothing else asked of it.

    python bench/workers/recall.py [--anchors 100000] [--rate 50] [--seconds 30]

Ends with 1 where one recall of a hundred takes longer than 50 ms.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from datetime import UTC, datetime, timedelta
from pathlib import Path

import run as bench
import vhm_services as services
from confluent_kafka import Producer
from vhm_common_utils.data_models import Anchor
from vhm_common_utils.deterministic import deterministic_embed_many
from vhm_common_utils.store import AnchorStore, Space, connect

MOST_P99_SECONDS = 0.05
DIMENSION = 384
NOW = datetime(2026, 5, 1, tzinfo=UTC)
WARM_UP_SECONDS = 3.0
GIVE_UP_SECONDS = 120.0


def fill(store: AnchorStore, number: int) -> list[str]:
    """Anchors of the last two years, one in ten of another salience than the usual; returns their texts."""
    dice = random.Random(1)
    values = [json.loads(value) for value in bench.anchors(number, seed=1)]
    for value in values:
        value["stored_at"] = (NOW - timedelta(days=dice.uniform(1, 730))).isoformat()
        value["salience"] = dice.uniform(0.3, 2.5) if dice.random() < 0.1 else 1.0
    for start in range(0, number, bench.BATCH):
        some = [Anchor.model_validate(value) for value in values[start : start + bench.BATCH]]
        store.insert_many(some, deterministic_embed_many([one.text for one in some], DIMENSION))
    return [value["text"] for value in values]


def questions(texts: t.Sequence[str], number: int) -> list[str]:
    """Some words of a text that is there, and some that are not."""
    dice = random.Random(2)
    return [" ".join([*dice.choice(texts).split()[:5], *dice.choices(bench.WORDS, k=3)]) for _ in range(number)]


def search_alone(store: AnchorStore, asked: t.Sequence[str]) -> float:
    taken = []
    for vector in deterministic_embed_many(asked, DIMENSION):
        began = time.perf_counter()
        store.search(vector, 64)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def load(bootstrap: str, asked: t.Sequence[str], rate: float) -> list[float]:
    """Seconds that each answer took."""
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 0})
    consumer = bench.reader(bootstrap, "recall-response")
    consumer.consume(1, 2.0)
    began = time.perf_counter() + 0.5
    due = {f"r{number}": began + number / rate for number in range(len(asked))}
    taken: dict[str, float] = {}
    sent, ends = 0, began + len(asked) / rate + GIVE_UP_SECONDS
    while len(taken) < len(asked) and time.perf_counter() < ends:
        while sent < len(asked) and due[f"r{sent}"] <= time.perf_counter():
            request = {"request_id": f"r{sent}", "query": asked[sent], "now": NOW.isoformat()}
            producer.produce("recall-request", value=json.dumps(request), key=request["request_id"])
            sent += 1
        producer.poll(0)
        for message in consumer.consume(100, 0.002):
            name = json.loads(message.value())["request_id"]
            taken.setdefault(name, time.perf_counter() - due[name])
    producer.flush(5)
    consumer.close()
    if len(taken) < len(asked):
        sys.exit(f"{len(taken)} of {len(asked)} recalls were answered")
    return [taken[name] for name in due]


def run(arguments: argparse.Namespace) -> int:
    space = Space("deterministic", "deterministic", DIMENSION)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with services.broker(folder / "broker") as (bootstrap, _), services.store(folder / "store") as (url, server):
            services.make_topics(bootstrap, "recall-request", "recall-request.dlq", "recall-response")
            store = AnchorStore(connect(url), "anchors", lambda: space)
            store.prepare()
            texts = fill(store, arguments.anchors)
            asked = questions(texts, int(arguments.rate * (arguments.seconds + WARM_UP_SECONDS)))
            alone = search_alone(store, asked[:100])
            port = services.free_port()
            command = [sys.executable, "-m", "workers.vhm_resonance.main", "--health-port", str(port)]
            wanted = {"KAFKA_BOOTSTRAP": bootstrap, "QDRANT_URL": url, "RESONANCE_LOG_LEVEL": "WARNING"}
            process = subprocess.Popen(command, env=bench.environment() | wanted)
            try:
                while not bench.is_ready(port):
                    time.sleep(0.05)
                pids = {"worker": process.pid, "store": server.pid}
                before = {name: bench.core_seconds(pid) for name, pid in pids.items()}
                taken = load(bootstrap, asked, arguments.rate)[int(arguments.rate * WARM_UP_SECONDS) :]
                core = {name: bench.core_seconds(pid) - before[name] for name, pid in pids.items()}
                memory = bench.peak_mib(process.pid)
            finally:
                process.terminate()
                process.wait(60)
    cuts = statistics.quantiles(taken, n=100)
    print(f"| {arguments.anchors:,} anchors, {arguments.rate:g} recalls/s | ms |\n| --- | ---: |")
    for what, figure in (
        ("search alone, median", alone),
        ("recall, median", cuts[49]),
        ("recall, p95", cuts[94]),
        ("recall, p99", cuts[98]),
        ("recall, longest", max(taken)),
    ):
        print(f"| {what} | {1000 * figure:.1f} |")
    for name, seconds in core.items():
        print(f"| a recall's part of a core, {name} | {1000 * seconds / len(asked):.1f} |")
    print(f"\n{len(taken)} recalls, all answered; the worker took {memory:.0f} MiB at most.")
    return 0 if cuts[98] <= MOST_P99_SECONDS else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--anchors", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=50.0, help="recalls each second")
    parser.add_argument("--seconds", type=float, default=30.0)
    try:
        return run(parser.parse_args())
    except services.Unavailable as error:
        print(f"there is no broker to measure with: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
