"""Runs that are killed, runs that meet, and messages in flight while workers die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import typing as t

import pytest
from confluent_kafka import Consumer, Producer
from faults import COMPONENT
from harness import Platform
from table import Entry, Table

# A harmless value, so that every run has something to release.
VALUE = {"release_app_values": {"variables": {"INDEXER_LOG_LEVEL": {"value": "DEBUG"}}}}
OTHER = {"release_app_values": {"variables": {"INDEXER_LOG_LEVEL": {"value": "WARNING"}}}}
# Where the run is when it is killed: the task that has begun, and seconds after that.
STAGES = {
    "while images are looked at": ("worker_images : Build the images of the workers", 1.0),
    "before the data services": ("release : Release the data services", 0.5),
    "before the topics": ("topics : Have the topics", 0.5),
    "while Helm upgrades": ("release : Release the application", 3.0),
    "while it proves": ("verify : Ask the platform for real work", 1.0),
}
MESSAGES = 10_000
PATIENCE = 420
KILLS = 12
# Seconds between two of them.
EVERY = 5


@pytest.mark.parametrize("stage", STAGES)
def test_playbook_killed(stage: str, platform: Platform, table: Table) -> None:
    task, seconds = STAGES[stage]
    name = f"playbook killed {stage}"
    table.drop(name)
    run = _started(platform, VALUE)
    for line in t.cast(t.IO[str], run.stdout):
        if task in line:
            break
    time.sleep(seconds)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()

    look = platform.playbook("verify")
    mended = platform.playbook("recover")

    assert mended.rc == 0, mended.said
    seen = next((word for word in ("REL-PENDING", "REL-LOCKED", "drift") if look.rc and word in look.said), "survived")
    assert (look.rc == 0) == (seen == "survived"), look.said
    detected = look.seconds if look.rc else None
    table.add(Entry(name, "survived or named", seen, detected, mended.seconds))


def test_two_playbooks_at_once(platform: Platform, table: Table) -> None:
    table.drop("two playbooks at once")
    runs = [_started(platform, values) for values in (VALUE, OTHER)]
    started = time.monotonic()
    said = [run.communicate(timeout=900)[0] for run in runs]
    seconds = time.monotonic() - started

    ended = [run.returncode for run in runs]
    refused = [text for text, rc in zip(said, ended, strict=True) if rc != 0]
    # One after the other, or one is refused by name; what it then proves may be the other's.
    assert 0 in ended, said
    assert all("REL-LOCKED" in text or "drift" in text or "harvis-prod" in text for text in refused), refused
    mended = platform.playbook("recover")
    assert mended.rc == 0, mended.said
    seen = "one waited for the other" if not refused else "one was refused"
    table.add(Entry("two playbooks at once", "one waits or is refused", seen, None, seconds))


def test_messages_in_flight_while_workers_die(platform: Platform, table: Table) -> None:
    """Each is answered at least once or lies in the dead-letter topic; duplicates are counted."""
    name = f"{MESSAGES} messages while the indexer is killed {KILLS} times"
    table.drop(name)
    address = platform.broker
    consumer = _at_the_end(address, ["anchors-indexed", "anchors-write.dlq"])
    started = time.monotonic()
    names = _names()
    every = set(names)
    waiting, answered, killed = set(names), 0, 0
    while waiting and time.monotonic() - started < PATIENCE:
        if killed < KILLS and time.monotonic() - started > EVERY * killed:
            # Some are always on their way when the worker dies, however fast it is.
            _produce(address, names[killed::KILLS])
            platform.kubectl("delete", "pod", "-n", "vhm", "-l", f"{COMPONENT}=indexer", "--force", "--wait=false")
            killed += 1
        mine = [found for found in _answers(consumer) if found in every]
        answered += len(mine)
        waiting -= set(mine)
    consumer.close()
    seconds = time.monotonic() - started

    assert killed == KILLS
    assert not waiting, f"{len(waiting)} of {len(names)} were lost"
    seen = f"{len(names)} of {len(names)} answered, {answered - len(names)} answers too many"
    assert platform.settle(120)
    table.add(Entry(name, "none is lost", seen, None, seconds))


def _started(platform: Platform, values: dict[str, t.Any]) -> subprocess.Popen[str]:
    argv = platform.argv("site", "-e", json.dumps(values))
    return subprocess.Popen(
        argv,
        cwd=platform.project,
        env=platform.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _at_the_end(address: str, topics: list[str]) -> Consumer:
    group = f"chaos-{time.time_ns()}"
    consumer = Consumer({"bootstrap.servers": address, "group.id": group, "auto.offset.reset": "latest"})
    consumer.subscribe(topics)
    deadline = time.monotonic() + 60
    while not consumer.assignment():
        assert time.monotonic() < deadline, "no assignment"
        consumer.poll(0.5)
    # A position that is known is one that later messages cannot slip past.
    for partition in consumer.assignment():
        low, high = consumer.get_watermark_offsets(partition, timeout=20)
        partition.offset = max(low, high)
        consumer.seek(partition)
    return consumer


def _names() -> list[str]:
    run = time.time_ns() % 0xFFFFFFFFFFFF
    return [f"00000000-0000-4000-8{n // 0x1000:03x}-{(run + n) % 0xFFFFFFFFFFFF:012x}" for n in range(MESSAGES)]


def _produce(address: str, names: list[str]) -> None:
    producer = Producer({"bootstrap.servers": address, "acks": "all", "linger.ms": 20})
    for number, name in enumerate(names):
        anchor = {"anchor_id": name, "text": f"message {number}", "stored_at": "2026-01-01T00:00:00Z"}
        producer.produce("anchors-write", json.dumps(anchor).encode(), key=name)
        producer.poll(0)
    assert producer.flush(120) == 0


def _answers(consumer: Consumer) -> list[str]:
    """Ids of what was answered, and of what was put aside with its original bytes."""
    found = []
    for message in consumer.consume(1000, timeout=1.0):
        if message.error() is None:
            text = message.value().decode(errors="replace")
            found.append(json.loads(text).get("anchor_id") or message.key().decode())
    return found
