"""A backend on loopback that does what the platform promises, and can be told to break one promise."""

from __future__ import annotations

import functools
import io
import json
import math
import threading
import time
import typing as t
import wave
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.probe.client import Client

MODEL = "harvis-random-test"
Route = tuple[str, str]


@dataclass(frozen=True)
class Reply:
    """``pause`` is waited between the body's parts, so that an answer can trickle."""

    status: int = 200
    content_type: str | None = "application/json"
    body: bytes | list[bytes] = b""
    headers: t.Mapping[str, str] = field(default_factory=dict)
    pause: float = 0


def as_json(value: t.Any, status: int = 200) -> Reply:
    return Reply(status, body=json.dumps(value).encode())


def as_events(*events: tuple[str, t.Any]) -> Reply:
    text = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
    return Reply(content_type="text/event-stream; charset=utf-8", body=text.encode())


@functools.cache
def make_wav(seconds: float = 2.0, rate: int = 22050, amplitude: float = 0.4, width: int = 2) -> bytes:
    full = 2 ** (8 * width - 1) - 1
    shift, signed = (128, False) if width == 1 else (0, True)
    samples = (round(amplitude * full * math.sin(2 * math.pi * 220 * n / rate)) for n in range(int(seconds * rate)))
    out = io.BytesIO()
    with wave.open(out, "wb") as sink:
        sink.setnchannels(1)
        sink.setsampwidth(width)
        sink.setframerate(rate)
        sink.writeframes(b"".join((value + shift).to_bytes(width, "little", signed=signed) for value in samples))
    return out.getvalue()


class Backend:
    """``broken`` replaces the answer of a route; ``asked`` is every request that came."""

    raw, json, events, wav, model = Reply, staticmethod(as_json), staticmethod(as_events), staticmethod(make_wav), MODEL

    def __init__(self) -> None:
        self.memories: dict[str, dict[str, t.Any]] = {}
        self.asked: list[tuple[str, str, t.Any]] = []
        self.shown: list[str | None] = []
        self.broken: dict[Route, t.Callable[[t.Any], Reply | None]] = {}
        self.url = ""
        self.client: Client | None = None

    def answer(self, method: str, path: str, body: t.Any) -> Reply:
        self.asked.append((method, path, body))
        route = path.rpartition("/")[0] + "/{id}" if path.startswith("/api/memories/") else path
        broken = self.broken.get((method, route))
        replaced = broken(body) if broken else None
        if replaced is not None:
            return replaced
        handler = {
            ("GET", "/ready"): lambda: as_json(
                {"ready": True, "checks": {"ollama": {"ok": True}, "kafka": {"ok": True}}}
            ),
            ("GET", "/api/models"): lambda: as_json(
                {"models": [{"name": f"{MODEL}:latest", "size": 1, "weights": "Harvis random test weights"}]}
            ),
            ("POST", "/api/chat"): lambda: self._chat(body),
            ("POST", "/api/speak"): lambda: Reply(
                content_type="audio/wav", body=make_wav(), headers={"X-Speech-Engine": "piper"}
            ),
            ("POST", "/api/memories"): lambda: as_json({"anchor_id": self.store(body)}, 201),
            ("POST", "/api/recall"): lambda: self._recall(body),
            ("DELETE", "/api/memories/{id}"): lambda: self._delete(path),
        }.get((method, route))
        return handler() if handler else as_json({"detail": "Not Found"}, 404)

    def store(self, body: t.Mapping[str, t.Any]) -> str:
        anchor_id = f"anchor-{len(self.memories) + 1}"
        self.memories[anchor_id] = dict(body)
        return anchor_id

    def recalled(self, **changes: t.Any) -> dict[str, t.Any]:
        beats = [
            {"anchor_id": anchor, "text": found["text"], "perceived_age": "yesterday", "activation": 2.5}
            for anchor, found in self.memories.items()
        ]
        return {"request_id": "r-1", "beats": beats, **changes}

    def _chat(self, body: t.Mapping[str, t.Any]) -> Reply:
        if not body["stream"]:
            return as_json({"reply": "hello", "model": f"{MODEL}:latest", "tokens": 2})
        done = {"model": f"{MODEL}:latest", "tokens": 2}
        return as_events(("token", {"text": "hel"}), ("token", {"text": "lo"}), ("done", done))

    def _recall(self, body: t.Mapping[str, t.Any]) -> Reply:
        told = {"retelling": "A ferry once stayed ashore.", "provider": "ollama", "degraded": None}
        return as_json(self.recalled(**(told if body.get("retell") else {})))

    def _delete(self, path: str) -> Reply:
        if self.memories.pop(path.rpartition("/")[2], None) is None:
            return as_json({"detail": "no such memory"}, 404)
        return Reply(204, content_type=None)

    def deleted(self) -> list[str]:
        return [path for method, path, _ in self.asked if method == "DELETE"]


class _Handler(BaseHTTPRequestHandler):
    backend: Backend

    def _serve(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        self.backend.shown.append(self.headers.get("authorization"))
        reply = self.backend.answer(self.command, self.path, body)
        parts = reply.body if isinstance(reply.body, list) else [reply.body]
        self.send_response(reply.status)
        if reply.content_type:
            self.send_header("content-type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("content-length", str(sum(map(len, parts))))
        self.end_headers()
        for part in parts:
            try:
                self.wfile.write(part)
                self.wfile.flush()
            except OSError:  # the client has had enough
                return
            time.sleep(reply.pause)

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def backend(client: Client) -> t.Iterator[Backend]:
    served = Backend()
    served.client = client
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"backend": served}))
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def client() -> t.Iterator[Client]:
    """One for all tests: making its TLS context takes longer than a whole verification."""
    with Client() as opened:
        yield opened
