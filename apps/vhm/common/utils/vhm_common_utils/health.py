"""Health over HTTP: `/health` says that the process lives, `/ready` whether it can work and what is missing.

`/metrics` holds the process's figures for Prometheus.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

PORT = 8080

Check = Callable[[], str | None]
"""The cause of what is missing, or None when nothing is."""


@dataclass(frozen=True)
class Report:
    """What every check said; the cause is None where nothing is missing."""

    causes: dict[str, str | None]

    @property
    def is_ready(self) -> bool:
        return bool(self.causes) and not any(self.causes.values())

    def to_json(self) -> dict[str, Any]:
        checks = self.causes or {"startup": "the worker has not started its checks yet"}
        return {
            "ready": self.is_ready,
            "checks": {
                name: {"ok": True} if not cause else {"ok": False, "cause": cause} for name, cause in checks.items()
            },
        }


class Readiness:
    """The checks of one process. They run when `/ready` is asked, so no answer is older than its question."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        self._checks[name] = check

    def report(self) -> Report:
        return Report({name: _cause(check) for name, check in self._checks.items()})


def _cause(check: Check) -> str | None:
    try:
        return check()
    except Exception as error:
        # Readiness must answer with a cause, whatever a client library raises.
        return f"{type(error).__name__}: {error}"


def health_check() -> dict[str, str]:
    return {"status": "ok"}


@dataclass(frozen=True)
class Page:
    """What is served on one path."""

    status: int
    kind: str
    body: bytes

    @classmethod
    def of_json(cls, content: Mapping[str, Any], status: int = 200) -> Page:
        return cls(status, "application/json", json.dumps(content, ensure_ascii=False).encode(errors="replace"))


class HealthApp:
    """Three paths as an ASGI application; a framework for them would take a quarter of a worker's start."""

    def __init__(self, checks: Readiness) -> None:
        self._checks = checks
        self.pages: dict[str, Callable[[], Page]] = {
            "/health": lambda: Page.of_json(health_check()),
            "/ready": self._ready,
            "/metrics": lambda: Page(200, CONTENT_TYPE_LATEST, generate_latest()),
        }

    async def __call__(
        self,
        scope: Mapping[str, Any],
        _receive: Callable[[], Awaitable[Mapping[str, Any]]],
        send: Callable[[Mapping[str, Any]], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"there is nothing to say to {scope['type']}")
        page = await self._page(scope["method"], scope["path"])
        headers = [(b"content-type", page.kind.encode()), (b"content-length", str(len(page.body)).encode())]
        await send({"type": "http.response.start", "status": page.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else page.body
        await send({"type": "http.response.body", "body": body})

    async def _page(self, method: str, path: str) -> Page:
        if path not in self.pages:
            return Page.of_json({"detail": "Not Found"}, 404)
        if method not in ("GET", "HEAD"):
            return Page.of_json({"detail": "Method Not Allowed"}, 405)
        # A check may wait for the broker, and `/health` must answer meanwhile.
        return await asyncio.to_thread(self.pages[path])

    def _ready(self) -> Page:
        report = self._checks.report()
        return Page.of_json(report.to_json(), 200 if report.is_ready else 503)


readiness = Readiness()
app = HealthApp(readiness)


def _server(port: int, host: str, application: Any) -> uvicorn.Server:
    settings = uvicorn.Config(
        application,
        host=host,
        port=port,
        access_log=False,
        # Leaves logging to the worker's own formatter.
        log_config=None,
        # Named, so that nothing is imported to find out what there is.
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
    )
    return uvicorn.Server(settings)


def run_health_check_server(port: int = PORT, host: str = "0.0.0.0", application: Any = None) -> None:
    """Serve until the process ends; it blocks, so a worker runs it in a thread (`HealthServer`)."""
    _server(port, host, application or app).run()


class HealthServer:
    """The health server in a thread of its own, beside the consumer loop."""

    def __init__(self, checks: Readiness, port: int = PORT, host: str = "0.0.0.0") -> None:
        self._server = _server(port, host, HealthApp(checks))
        self._address = host, port
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Return once the port is ours; raise `OSError` where it can't be had."""
        try:
            # Bound here: uvicorn would end its own thread over a port in use, and nobody would hear of it.
            listener = socket.create_server(self._address)
        except OSError as error:
            host, port = self._address
            raise OSError(f"the health server can't listen on {host}:{port}: {error.strerror}") from error
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="health", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout)
