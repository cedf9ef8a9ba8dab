"""A real HTTP server on loopback whose answers a test sets, and which records what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Answer:
    """`lines` are sent one by one; `stalls` holds the connection open and silent, `cut` closes it half-way."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    lines: tuple[bytes, ...] = ()
    stalls: bool = False
    cut: bool = False


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    body: Any


class FakeHttp:
    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: dict[tuple[str, str], Answer] = {}
        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @classmethod
    @contextmanager
    def serving(cls) -> Iterator[Self]:
        server = cls()
        thread = threading.Thread(target=server._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server._released.set()
            server._server.shutdown()
            server._server.server_close()
            thread.join()

    def answer(self, method: str, path: str, body: Any, *, status: int = 200) -> None:
        self._answers[(method, path)] = Answer(json.dumps(body).encode(), status)

    def answer_raw(self, method: str, path: str, answer: Answer) -> None:
        self._answers[(method, path)] = answer

    def stream(self, method: str, path: str, *parts: Any, cut: bool = False) -> None:
        lines = tuple(json.dumps(part).encode() + b"\n" for part in parts)
        self._answers[(method, path)] = Answer(content_type="application/x-ndjson", lines=lines, cut=cut)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet: pytest shows what matters."""

            def _serve(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                content = self.rfile.read(length)
                fake.asked.append(Asked(self.command, self.path, json.loads(content) if content else None))
                missing = Answer(b'{"error": "no such path"}', 404)
                _send(self, fake._answers.get((self.command, self.path.partition("?")[0]), missing), fake._released)

            do_GET = do_POST = do_DELETE = _serve

        return Handler


def _send(handler: BaseHTTPRequestHandler, answer: Answer, released: threading.Event) -> None:
    if answer.stalls:
        released.wait()
        return
    handler.send_response(answer.status)
    handler.send_header("Content-Type", answer.content_type)
    if not answer.lines:
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)
        return
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for line in answer.lines:
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        handler.wfile.flush()
    if not answer.cut:
        handler.wfile.write(b"0\r\n\r\n")
    handler.close_connection = True
