"""A stand-in for Ollama that says tokens at a fixed rate over plain sockets, and knows who hung up on it.

It computes nothing. Tests run it in a thread, the bench as a process of its own:

    python harvis_fake_ollama.py --port 11434 --tokens 40 --seconds-between 0.1
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

MODEL = "llama3"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
_WAIT_SECONDS = 10.0


@dataclass(frozen=True)
class Pace:
    """What an answer is made of, and how long Ollama thinks before the first token and between two."""

    tokens: int = 5
    between: float = 0.0
    first: float = 0.0


@dataclass
class Seen:
    """Requests by path, answers that are being sent now, and those whose client hung up."""

    asked: list[tuple[str, Any]] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    hung_up: int = 0


class FakeOllama:
    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.seen = Seen()
        self.pull_steps: list[dict[str, Any]] = [{"status": "pulling manifest"}, {"status": "success"}]
        self.loaded: list[dict[str, Any]] = []
        # No answer says anything before so many have been open at once.
        self.hold_until = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @classmethod
    @contextlib.contextmanager
    def serving(cls, pace: Pace) -> Iterator[Self]:
        fake = cls(pace)
        loop = asyncio.new_event_loop()
        started = threading.Event()
        stopping = asyncio.Event()

        async def serve() -> None:
            server = await asyncio.start_server(fake.connection, "127.0.0.1", 0)
            fake.port = server.sockets[0].getsockname()[1]
            started.set()
            await stopping.wait()
            server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
        thread.start()
        assert started.wait(_WAIT_SECONDS)
        try:
            yield fake
        finally:
            loop.call_soon_threadsafe(stopping.set)
            thread.join(_WAIT_SECONDS)
            loop.close()

    def until(self, claim: str, number: int) -> None:
        """Waits for a figure of `seen` to become so much."""
        ends = time.monotonic() + _WAIT_SECONDS
        while getattr(self.seen, claim) != number:
            assert time.monotonic() < ends, f"{claim} is {getattr(self.seen, claim)}, not {number}"
            time.sleep(0.01)

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._serve(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1]
        sizes = [int(line.partition(":")[2]) for line in head if line.lower().startswith("content-length:")]
        body = json.loads(await reader.readexactly(sizes[0])) if sizes and sizes[0] else None
        self.seen.asked.append((path, body))
        lines = {"/api/chat": self._chat, "/api/pull": self._pull}.get(path)
        if lines is None:
            writer.write(_whole(self._fixed(path)))
            await writer.drain()
            return True
        return await self._stream(lines(), reader, writer)

    async def _stream(
        self, lines: AsyncIterator[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        self.seen.open += 1
        self.seen.most_open = max(self.seen.most_open, self.seen.open)
        # Nothing is to come but the end of the connection.
        hung_up = asyncio.ensure_future(reader.read(1))
        try:
            writer.write(_HEAD)
            async for line in lines:
                if hung_up.done():
                    self.seen.hung_up += 1
                    return False
                writer.write(b"%x\r\n%s\r\n" % (len(line), line))
                await writer.drain()
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        except ConnectionError:
            self.seen.hung_up += 1
            return False
        finally:
            self.seen.open -= 1
            hung_up.cancel()
        return not await _byte_of(hung_up)

    async def _chat(self) -> AsyncIterator[bytes]:
        await asyncio.sleep(self.pace.first)
        while self.seen.most_open < self.hold_until:
            await asyncio.sleep(0.01)
        token = _line({"model": MODEL, "message": {"role": "assistant", "content": "word "}, "done": False})
        for number in range(self.pace.tokens):
            if number and self.pace.between:
                await asyncio.sleep(self.pace.between)
            yield token
        end = {"model": MODEL, "message": {"role": "assistant", "content": ""}, "done": True}
        yield _line({**end, "eval_count": self.pace.tokens})

    async def _pull(self) -> AsyncIterator[bytes]:
        for step in self.pull_steps:
            await asyncio.sleep(self.pace.between)
            yield _line(step)

    def _fixed(self, path: str) -> dict[str, Any]:
        if path == "/api/tags":
            return {"models": [{"name": f"{MODEL}:latest", "size": 1}]}
        if path == "/api/ps":
            return {"models": self.loaded}
        return {"model_info": {"general.name": "stand-in that computes nothing"}}


async def _byte_of(task: asyncio.Future[bytes]) -> bool:
    try:
        return bool(await task)
    except asyncio.CancelledError:
        return False


def _line(part: dict[str, Any]) -> bytes:
    return json.dumps(part).encode() + b"\n"


def _whole(answer: dict[str, Any]) -> bytes:
    body = json.dumps(answer).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def _serve_alone(port: int, pace: Pace) -> None:
    server = await asyncio.start_server(FakeOllama(pace).connection, "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--seconds-between", type=float, default=0.1)
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve_alone(arguments.port, Pace(arguments.tokens, arguments.seconds_between)))
