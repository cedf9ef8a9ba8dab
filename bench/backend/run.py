"""What the back end adds to a chat: time to the first token, and many streams at once, beside Ollama itself.

Ollama's place is taken by a stand-in that says tokens at a fixed rate and computes nothing
(`apps/harvis/tests/support/harvis_fake_ollama.py`): what is measured is what comes on top. Back end, stand-in and
client run on loopback, each in a process of its own. *first token* is one chat after another, in turn to the stand-in
and through the back end; *together* are so many streams at once, each of which has to come to its end. The processor
time of a token is the back end's own, and tells something also on a machine that does other work.

    python bench/backend/run.py [--chats 50] [--streams 200] [--tokens 40] [--seconds-between 0.1] [--runs 3]

Ends with 1 where the back end adds more than 5 ms to the first token, or where a stream fails.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
import typing as t
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
APPLICATION = ROOT / "apps" / "harvis"
STAND_IN = APPLICATION / "tests" / "support" / "harvis_fake_ollama.py"
MOST_ADDED_MS = 5.0
START_SECONDS = 60.0
# Nobody listens there: the memory API is no part of this.
NOWHERE = "127.0.0.1:1"


@dataclass(frozen=True)
class Side:
    """Who is asked, and what a token looks like in its answer."""

    name: str
    port: int
    body: bytes
    token: bytes
    pid: int

    @property
    def request(self) -> bytes:
        lines = ("POST /api/chat HTTP/1.1", "Host: localhost", "Content-Type: application/json")
        head = "\r\n".join((*lines, f"Content-Length: {len(self.body)}", "Connection: close", "", ""))
        return head.encode() + self.body


@dataclass(frozen=True)
class Stream:
    first_ms: float
    tokens: int


@dataclass(frozen=True)
class Together:
    first_ms: float
    worst_ms: float
    failed: int
    seconds: float
    cpu_ms: float


@contextmanager
def process(*arguments: str, environ: t.Mapping[str, str] | None = None) -> t.Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [sys.executable, *arguments], env={**os.environ, **(environ or {})}, stdout=subprocess.PIPE, text=True
    )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(30)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def sides(arguments: argparse.Namespace) -> t.Iterator[tuple[Side, Side, float]]:
    """The stand-in, the back end in front of it, and how long the back end took to answer."""
    pace = ("--tokens", str(arguments.tokens), "--seconds-between", str(arguments.seconds_between))
    with process(str(STAND_IN), *pace) as ollama:
        assert ollama.stdout is not None
        ollama_port, port = int(ollama.stdout.readline()), free_port()
        environ = {
            "PYTHONPATH": str(APPLICATION),
            "OLLAMA_URL": f"http://127.0.0.1:{ollama_port}",
            "KAFKA_BOOTSTRAP": NOWHERE,
            "QDRANT_URL": f"http://{NOWHERE}",
            "BACKEND_LOG_LEVEL": "ERROR",
            "CHAT_STREAMS": str(max(256, arguments.streams)),
        }
        began = time.perf_counter()
        server = ("-m", "uvicorn", "python_back_end.main:app", "--port", str(port))
        with process(*server, environ=environ) as backend:
            wait_for(port)
            started = time.perf_counter() - began
            asked = b'{"model": "llama3", "stream": true}'
            direct = Side("Ollama itself", ollama_port, asked, b'"done": false', ollama.pid)
            ours = Side("through the back end", port, b'{"message": "Hi"}', b"event: token", backend.pid)
            yield direct, ours, started


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far; its name may hold spaces, and ends with a bracket."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_for(port: int) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health", timeout=1, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    sys.exit(f"the back end did not answer within {START_SECONDS:.0f} s")


async def chat(side: Side, tokens: int) -> Stream:
    """A client as light as can be: it shares the cores with what is measured."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", side.port)
    writer.write(side.request)
    first, said = 0.0, 0
    try:
        while said < tokens and (line := await reader.readline()):
            if side.token in line:
                first = first or time.perf_counter()
                said += 1
    finally:
        writer.close()
    return Stream((first - began) * 1000 if first else float("inf"), said)


async def first_tokens(one: Side, other: Side, number: int) -> tuple[float, float]:
    """Medians; in turn, so that whatever else the machine does falls on both alike."""
    found: dict[str, list[float]] = {one.name: [], other.name: []}
    for side in (one, other):
        await chat(side, 1)
    for _ in range(number):
        for side in (one, other):
            found[side.name].append((await chat(side, 1)).first_ms)
    return statistics.median(found[one.name]), statistics.median(found[other.name])


async def together(side: Side, number: int, tokens: int) -> Together:
    began, busy = time.perf_counter(), cpu_seconds(side.pid)
    streams = await asyncio.gather(*(chat(side, tokens) for _ in range(number)), return_exceptions=True)
    complete = [each for each in streams if isinstance(each, Stream) and each.tokens == tokens]
    firsts = [each.first_ms for each in complete] or [float("inf")]
    seconds = time.perf_counter() - began
    cpu = (cpu_seconds(side.pid) - busy) * 1000 / (number * tokens)
    return Together(statistics.median(firsts), max(firsts), number - len(complete), seconds, cpu)


def run(arguments: argparse.Namespace) -> int:
    added, firsts, starts = [], [], []
    many: dict[str, list[Together]] = {}
    for number in range(arguments.runs):
        with sides(arguments) as (direct, ours, started):
            starts.append(started)
            firsts.append(asyncio.run(first_tokens(direct, ours, arguments.chats)))
            added.append(firsts[-1][1] - firsts[-1][0])
            for side in (direct, ours):
                many.setdefault(side.name, []).append(asyncio.run(together(side, arguments.streams, arguments.tokens)))
        print(f"run {number}: {firsts[-1]} {[each[-1] for each in many.values()]}", file=sys.stderr, flush=True)
    report(arguments, many, firsts)
    failed = sum(each.failed for each in many["through the back end"])
    print(f"\n{statistics.median(added):.1f} ms are added to the first token (limit {MOST_ADDED_MS:g} ms); ", end="")
    print(f"{failed} of {arguments.runs * arguments.streams} streams failed; ", end="")
    print(f"from start to the first answer {statistics.median(starts):.1f} s.")
    return 0 if statistics.median(added) <= MOST_ADDED_MS and not failed else 1


def report(arguments: argparse.Namespace, many: dict[str, list[Together]], firsts: list[tuple[float, float]]) -> None:
    paced = (arguments.tokens - 1) * arguments.seconds_between
    print(f"Stand-in for Ollama, {arguments.tokens} tokens, {paced:.1f} s of pace; medians of {arguments.runs} runs.\n")
    many_first = f"{arguments.streams} together: first, ms"
    print(f"| who | first token, ms | {many_first} | worst, ms | whole, s | CPU a token, ms | failed |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for column, (name, found) in enumerate(many.items()):
        alone = statistics.median(each[column] for each in firsts)
        keys = ("first_ms", "worst_ms", "seconds", "cpu_ms")
        first, worst, whole, cpu = (statistics.median(getattr(one, key) for one in found) for key in keys)
        failed = sum(each.failed for each in found)
        print(f"| {name} | {alone:.1f} | {first:.0f} | {worst:.0f} | {whole:.1f} | {cpu:.2f} | {failed} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chats", type=int, default=50, help="chats one after another, for the first token")
    parser.add_argument("--streams", type=int, default=200, help="streams at once")
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--seconds-between", type=float, default=0.1, help="the stand-in's pause between two tokens")
    parser.add_argument("--runs", type=int, default=3)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
