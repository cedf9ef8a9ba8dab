"""Nothing is lost when the indexer is killed: a real broker, a real store, and kill -9 at times drawn from a seed.

Runs only when asked, since it takes minutes: HARVIS_KILL_TEST=1, with HARVIS_KILL_ANCHORS (50000), HARVIS_KILL_SEED (1)
and HARVIS_KILL_WHAT, a list of what is killed: worker, broker, store (worker).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import UUID

import httpx
import pytest
import vhm_services as services
from confluent_kafka import Consumer, Producer, TopicPartition

pytestmark = pytest.mark.skipif(
    os.environ.get("HARVIS_KILL_TEST") != "1", reason="takes minutes and a broker: set HARVIS_KILL_TEST=1"
)

ROOT = Path(__file__).parents[1]
SOURCE, ANSWERS, DLQ = "anchors-write", "anchors-indexed", "anchors-write.dlq"
PARTITIONS = 3
ANCHORS = int(os.environ.get("HARVIS_KILL_ANCHORS", "50000"))
SEED = int(os.environ.get("HARVIS_KILL_SEED", "1"))
WHAT = os.environ.get("HARVIS_KILL_WHAT", "worker").split(",")
MOST_SECONDS = 1500.0
MOST_IDLE_SECONDS = 60.0
_POISON_EVERY = 997


class Victim(Protocol):
    """What can be killed and started again."""

    name: str

    def kill(self) -> None: ...

    def start(self) -> None: ...


@dataclass
class Worker:
    """An indexer that is started again whenever it ended."""

    bootstrap: str
    url: str
    log: Path
    process: subprocess.Popen[bytes] | None = None
    name: str = "worker"

    def start(self) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "common" / "utils")]),
            "KAFKA_BOOTSTRAP": self.bootstrap,
            "QDRANT_URL": self.url,
            "INDEXER_LOG_JSON": "true",
        }
        command = [sys.executable, "-m", "workers.vhm_indexer.main", "--health-port", str(services.free_port())]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(60)


@dataclass
class Tally:
    """What came out, read from the topics of answers and of dead letters by nobody's group."""

    answers: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    letters: Counter[bytes] = field(default_factory=Counter)
    reasons: Counter[bytes] = field(default_factory=Counter)
    seen: int = 0

    def read(self, consumer: Consumer) -> None:
        for message in consumer.consume(2000, 0.2):
            if message.error():
                continue
            self.seen += 1
            if message.topic() == DLQ:
                self.letters[message.value() or b""] += 1
                self.reasons[dict(message.headers())["reason"]] += 1
                continue
            answer = json.loads(message.value())
            (self.answers if answer["ok"] else self.refusals)[answer["anchor_id"]] += 1


def anchor(number: int) -> dict[str, object]:
    return {
        "anchor_id": str(UUID(int=number + 1)),
        "text": f"memory number {number} of the kill test",
        "stored_at": "2025-05-01T10:00:00Z",
    }


def values() -> list[bytes]:
    """Anchors, and now and then a message that is none."""
    found = []
    for number in range(ANCHORS):
        found.append(json.dumps(anchor(number)).encode())
        if number % _POISON_EVERY == 0:
            found.append(f"not an anchor: {number}".encode())
    return found


def publish(bootstrap: str, wanted: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 5})
    for number, value in enumerate(wanted):
        producer.produce(SOURCE, value=value, partition=number % PARTITIONS)
        if number % 1000 == 0:
            producer.poll(0)
    assert producer.flush(120) == 0


@contextmanager
def killing(targets: list[Victim], tally: Tally, dice: random.Random) -> Iterator[list[str]]:
    """Kills one target after another, mostly while work is under way, and starts it again after a moment."""
    killed: list[str] = []
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            seen, patience = tally.seen, time.monotonic() + MOST_IDLE_SECONDS
            # One in five dies while it starts or waits for its share of the topic; the others in the midst of a batch.
            is_patient = dice.random() > 0.2
            while is_patient and tally.seen == seen and time.monotonic() < patience and not over.wait(0.1):
                pass
            if over.wait(dice.uniform(0.0, 4.0)):
                return
            target = dice.choice(targets)
            target.kill()
            killed.append(target.name)
            over.wait(dice.uniform(0.0, 1.0))
            target.start()

    thread = threading.Thread(target=work, name="killer")
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def stored_ids(url: str) -> Counter[str]:
    found: Counter[str] = Counter()
    offset: object = None
    with httpx.Client(base_url=url, timeout=60) as client:
        while True:
            body = {"limit": 5000, "with_payload": False, "with_vector": False, "offset": offset}
            answer = client.post("/collections/anchors/points/scroll", json=body).raise_for_status().json()["result"]
            found.update(str(point["id"]) for point in answer["points"])
            offset = answer["next_page_offset"]
            if offset is None:
                return found


def count_until_done(bootstrap: str, wanted: int, tally: Tally) -> None:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "tally", "enable.auto.commit": False})
    parts = [TopicPartition(ANSWERS, part, 0) for part in range(PARTITIONS)]
    consumer.assign([*parts, TopicPartition(DLQ, 0, 0)])
    ends = time.monotonic() + MOST_SECONDS
    while len(tally.answers) + len(tally.letters) < wanted and time.monotonic() < ends:
        tally.read(consumer)
    # What still comes out after the last was seen, such as the answers of a batch that is done twice.
    quiet = time.monotonic() + 3.0
    while time.monotonic() < quiet:
        tally.read(consumer)
    consumer.close()


@contextmanager
def servers(folder: Path) -> Iterator[tuple[Worker, list[Victim]]]:
    """A broker and a store with nothing in them, and a worker that is not started yet."""
    try:
        with (
            services.broker(folder / "broker") as (bootstrap, broker),
            services.store(folder / "store") as (url, store),
        ):
            services.make_topics(bootstrap, SOURCE, ANSWERS, partitions=PARTITIONS)
            services.make_topics(bootstrap, DLQ)
            worker = Worker(bootstrap, url, folder / "worker.log")
            yield worker, [one for one in (worker, broker, store) if one.name in WHAT]
    except services.Unavailable as missing:
        pytest.skip(str(missing))


def test_every_anchor_is_indexed_or_a_dead_letter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sent, tally = values(), Tally()
    with servers(tmp_path) as (worker, targets):
        publish(worker.bootstrap, sent)
        worker.start()
        try:
            with killing(targets, tally, random.Random(SEED)) as killed:
                count_until_done(worker.bootstrap, len(sent), tally)
        finally:
            worker.stop()
        stored = stored_ids(worker.url)
    with capsys.disabled():
        print(
            f"\nseed {SEED}: {len(stored)} stored, {len(tally.letters)} dead letters {dict(tally.reasons)}, "
            f"{sum(tally.answers.values()) - len(tally.answers)} answers twice, kills {dict(Counter(killed))}"
        )
    in_letters = {json.loads(value)["anchor_id"] for value in tally.letters if value.startswith(b"{")}
    poison = {value for value in sent if not value.startswith(b"{")}
    wanted = {str(anchor(number)["anchor_id"]) for number in range(ANCHORS)}
    assert killed
    assert wanted - stored.keys() - in_letters == set()
    assert wanted - tally.answers.keys() - in_letters == set()
    assert stored.keys() <= wanted
    assert max(stored.values()) == 1
    assert tally.refusals == {}
    assert poison <= tally.letters.keys()
    if WHAT == ["worker"]:
        # With the broker and the store up all the time, nothing else has a reason to be a dead letter.
        assert tally.letters.keys() == poison


def test_replay_brings_letters_back(tmp_path: Path) -> None:
    """The command itself, on a real broker: letters go back marked, and the next run finds none."""
    with servers(tmp_path) as (worker, _):
        producer = Producer({"bootstrap.servers": worker.bootstrap})
        for number in range(5):
            headers = [("source-topic", SOURCE), ("trace", f"t{number}")]
            producer.produce(DLQ, value=f"letter {number}".encode(), headers=headers)
        assert producer.flush(30) == 0
        assert [len(replayed(worker, *arguments)) for arguments in (["--dry-run"], ["--limit", "2"], [], [])] == [
            5,
            2,
            3,
            0,
        ]
        consumer = Consumer({"bootstrap.servers": worker.bootstrap, "group.id": "tally", "enable.auto.commit": False})
        consumer.assign([TopicPartition(SOURCE, part, 0) for part in range(PARTITIONS)])
        found = consumer.consume(5, 20)
        consumer.close()
    assert sorted((one.value(), one.headers()) for one in found) == [
        (f"letter {number}".encode(), [("trace", f"t{number}".encode()), ("replays", b"1")]) for number in range(5)
    ]


def replayed(worker: Worker, *arguments: str) -> list[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "common" / "utils")]),
        "KAFKA_BOOTSTRAP": worker.bootstrap,
    }
    command = [sys.executable, "-m", "vhm_common_utils.replay", "--topic", DLQ, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()
