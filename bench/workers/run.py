"""How many anchors per second the indexer stores, beside a loop that takes one at a time and what the servers can do.

A real broker and a real store run on loopback, each in a process of its own. *one at a time* is
`bench/workers/one_at_a_time.py`, *indexer* the worker's own process. Both find the same anchors waiting in the topic,
and the clock runs from their first answer to their last, so that neither pays for its start. *broker* is the rate at
which the broker hands out the same messages and takes the same answers, and *store* at which the store takes the same
points in requests written beforehand: nothing that uses them can be faster. Each figure is the median of the runs.

    python bench/workers/run.py [--anchors 20000] [--baseline 500] [--runs 3]

KAFKA_HOME names a folder with Kafka's `libs`; without it they are taken out of the image that the platform keeps.
Ends with 1 where the indexer is not ten times the loop, or below half of the slower server.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

ROOT = Path(__file__).resolve().parents[2]
APPLICATION = ROOT / "apps" / "vhm"
PATHS = [str(APPLICATION), str(APPLICATION / "common" / "utils"), str(APPLICATION / "tests")]
sys.path[:0] = PATHS

import httpx  # noqa: E402
import vhm_services as services  # noqa: E402
from confluent_kafka import Consumer, Producer, TopicPartition  # noqa: E402
from vhm_common_utils.data_models import Anchor  # noqa: E402
from vhm_common_utils.deterministic import deterministic_embed_many  # noqa: E402
from vhm_common_utils.store import connect, to_payload  # noqa: E402
from workers.vhm_indexer.main import BATCH_DETERMINISTIC  # noqa: E402

TIMES_THE_LOOP = 10.0
OF_THE_SLOWER = 0.5
MOST_MEMORY_MIB = 200
MOST_START_SECONDS = 2.0
BATCH = BATCH_DETERMINISTIC.messages
TOPICS = ("anchors-write", "anchors-write.dlq", "anchors-indexed")
WORDS = [
    "".join(random.Random(number).choices("abcdefghijklmnopqrstuvwxyz", k=2 + number % 8)) for number in range(4000)
]


@dataclass(frozen=True)
class Place:
    """Where a run works: a broker of its own topics, and a store with an empty collection."""

    bootstrap: str
    url: str
    collection: str


@dataclass(frozen=True)
class Figures:
    """What one run of the indexer gave."""

    rate: float
    memory_mib: float
    start_seconds: float


def anchors(number: int, seed: int) -> list[bytes]:
    dice = random.Random(seed)
    return [
        json.dumps(
            {
                "anchor_id": str(UUID(int=dice.getrandbits(128), version=4)),
                "text": " ".join(dice.choices(WORDS, k=dice.randint(8, 32))),
                "stored_at": "2025-05-01T10:00:00Z",
                "meta": {"session": f"s{dice.randrange(100)}"},
            }
        ).encode()
        for _ in range(number)
    ]


def publish(bootstrap: str, topic: str, values: t.Sequence[bytes]) -> float:
    """Seconds for all of them to be acknowledged."""
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 5})
    began = time.perf_counter()
    for number, value in enumerate(values):
        producer.produce(topic, value=value, key=str(number))
        if number % 1000 == 0:
            producer.poll(0)
    producer.flush()
    return time.perf_counter() - began


def reader(bootstrap: str, topic: str) -> Consumer:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    return consumer


def drain(consumer: Consumer, number: int, *, until: float = 600.0) -> tuple[float, float]:
    """When the first and the last of so many messages arrived."""
    first, seen, ends = 0.0, 0, time.monotonic() + until
    while seen < number:
        if time.monotonic() > ends:
            sys.exit(f"{seen} of {number} answers came in {until:.0f} s")
        got = consumer.consume(5000, 0.02)
        if got and not first:
            first = time.perf_counter()
        seen += len(got)
    return first, time.perf_counter()


def broker_rate(place: Place, values: t.Sequence[bytes]) -> float:
    """Messages that are handed out and answered, as one number: both go through the same broker."""
    consumer = reader(place.bootstrap, "anchors-write")
    consumer.consume(1, 10.0)
    consumer.seek(TopicPartition("anchors-write", 0, 0))
    began = time.perf_counter()
    drain(consumer, len(values))
    handed = time.perf_counter() - began
    consumer.close()
    answers = [json.dumps({"anchor_id": json.loads(one)["anchor_id"], "ok": True}).encode() for one in values]
    return len(values) / (handed + publish(place.bootstrap, "anchors-indexed", answers))


def store_rate(place: Place, values: t.Sequence[bytes]) -> float:
    bodies = []
    for start in range(0, len(values), BATCH):
        some = [Anchor.model_validate_json(value) for value in values[start : start + BATCH]]
        vectors = deterministic_embed_many([anchor.text for anchor in some], 384)
        points = [
            {"id": str(anchor.anchor_id), "vector": vector, "payload": to_payload(anchor)}
            for anchor, vector in zip(some, vectors, strict=True)
        ]
        bodies.append(json.dumps({"points": points}).encode())
    address = f"{place.url}/collections/{place.collection}/points?wait=true"
    with httpx.Client(timeout=60, headers={"content-type": "application/json"}) as client:
        began = time.perf_counter()
        for body in bodies:
            client.put(address, content=body).raise_for_status()
        return len(values) / (time.perf_counter() - began)


def loop_rate(place: Place, values: t.Sequence[bytes]) -> float:
    script = str(Path(__file__).with_name("one_at_a_time.py"))
    command = [sys.executable, script, place.bootstrap, place.url, place.collection, str(len(values))]
    consumer = reader(place.bootstrap, "anchors-indexed")
    process = subprocess.Popen(command, env=environment())
    try:
        first, last = drain(consumer, len(values))
    finally:
        process.wait(60)
        consumer.close()
    return (len(values) - 1) / (last - first)


def indexer(place: Place, values: t.Sequence[bytes], log: Path) -> Figures:
    port = services.free_port()
    wanted = {
        "KAFKA_BOOTSTRAP": place.bootstrap,
        "QDRANT_URL": place.url,
        "QDRANT_COLLECTION": place.collection,
        "INDEXER_LOG_JSON": "true",
    }
    consumer = reader(place.bootstrap, "anchors-indexed")
    command = [sys.executable, "-m", "workers.vhm_indexer.main", "--health-port", str(port)]
    began = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment() | wanted, stdout=out, stderr=subprocess.STDOUT)
    try:
        while not is_ready(port):
            if process.poll() is not None:
                sys.exit(f"the indexer ended: {log.read_text()[-2000:]}")
            time.sleep(0.02)
        start = time.perf_counter() - began
        first, last = drain(consumer, len(values))
        memory = peak_mib(process.pid)
    finally:
        process.terminate()
        process.wait(60)
        consumer.close()
    # The first batch was under way before its first answer; its messages are not part of the time that is measured.
    return Figures((len(values) - BATCH) / (last - first), memory, start)


def peak_mib(pid: int) -> float:
    """The most memory that a process has had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def core_seconds(pid: int) -> float:
    """What a process took of all cores so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ready", timeout=5).is_success
    except httpx.TransportError:
        return False


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(PATHS)}


def in_a_place(measure: t.Callable[[Place, list[bytes]], t.Any], number: int, seed: int) -> t.Any:
    """A broker and a store with nothing else in them, and the anchors waiting in the topic."""
    values = anchors(number, seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with services.broker(folder / "broker") as (bootstrap, _), services.store(folder / "store") as (url, _):
            services.make_topics(bootstrap, *TOPICS)
            connect(url).put("/collections/anchors", {"vectors": {"size": 384, "distance": "Cosine"}})
            publish(bootstrap, "anchors-write", values)
            return measure(Place(bootstrap, url, "anchors"), values)


def run(arguments: argparse.Namespace) -> int:
    log = Path(tempfile.gettempdir()) / f"bench-indexer-{os.getpid()}.log"
    loop, ours, broker, store = [], [], [], []
    for seed in range(arguments.runs):
        loop.append(in_a_place(loop_rate, arguments.baseline, seed))
        ours.append(in_a_place(lambda place, values: indexer(place, values, log), arguments.anchors, seed))
        broker.append(in_a_place(broker_rate, arguments.anchors, seed))
        store.append(in_a_place(store_rate, arguments.anchors, seed))
        print(f"run {seed}: {loop[-1]:.0f} {ours[-1]} {broker[-1]:.0f} {store[-1]:.0f}", file=sys.stderr, flush=True)
    log.unlink(missing_ok=True)
    rate = statistics.median(one.rate for one in ours)
    memory = statistics.median(one.memory_mib for one in ours)
    start = statistics.median(one.start_seconds for one in ours)
    base, of_broker, of_store = (statistics.median(some) for some in (loop, broker, store))
    print("| what | anchors per second | beside the indexer |\n| --- | ---: | ---: |")
    for name, figure in (
        ("one at a time", base),
        ("indexer", rate),
        ("store, raw", of_store),
        ("broker, raw", of_broker),
    ):
        print(f"| {name} | {figure:,.0f} | {figure / rate:.2f} |")
    print(f"\n{rate / base:.1f} times the loop, {rate / min(of_broker, of_store):.2f} of the slower server.")
    print(f"Most memory {memory:.0f} MiB, from start to ready {start:.1f} s, {arguments.anchors} anchors a run.")
    print(f"Limits: memory {MOST_MEMORY_MIB} MiB, start {MOST_START_SECONDS:g} s.")
    return 0 if rate >= TIMES_THE_LOOP * base and rate >= OF_THE_SLOWER * min(of_broker, of_store) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--anchors", type=int, default=20_000, help="how many the indexer and the servers get")
    parser.add_argument("--baseline", type=int, default=500, help="how many the one-at-a-time loop gets")
    parser.add_argument("--runs", type=int, default=3)
    try:
        return run(parser.parse_args())
    except services.Unavailable as error:
        print(f"there is no broker to measure with: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
