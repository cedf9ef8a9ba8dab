"""Health over HTTP: `/health` says that the process lives, `/ready` whether it can work and what is missing.

`/metrics` holds the process's figures for Prometheus.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
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


def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def create_app(checks: Readiness) -> FastAPI:
    application = FastAPI(title="VHM worker health", docs_url=None, redoc_url=None, openapi_url=None)
    application.add_api_route("/health", health_check, methods=["GET"])

    def ready() -> JSONResponse:
        report = checks.report()
        return JSONResponse(report.to_json(), status_code=200 if report.is_ready else 503)

    application.add_api_route("/ready", ready, methods=["GET"])
    application.add_api_route("/metrics", metrics, methods=["GET"])
    return application


readiness = Readiness()
app = create_app(readiness)


def _server(port: int, host: str, application: FastAPI) -> uvicorn.Server:
    # log_config=None leaves logging to the worker's own formatter.
    return uvicorn.Server(uvicorn.Config(application, host=host, port=port, access_log=False, log_config=None))


def run_health_check_server(port: int = PORT, host: str = "0.0.0.0", application: FastAPI | None = None) -> None:
    """Serve until the process ends; it blocks, so a worker runs it in a thread (`HealthServer`)."""
    _server(port, host, application or app).run()


class HealthServer:
    """The health server in a thread of its own, beside the consumer loop."""

    def __init__(self, checks: Readiness, port: int = PORT, host: str = "0.0.0.0") -> None:
        self._server = _server(port, host, create_app(checks))
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
