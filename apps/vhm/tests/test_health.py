"""Health over a real port."""

from __future__ import annotations

import socket

import httpx
import pytest
from vhm_common_utils.health import HealthServer, Readiness, app, health_check


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def answers(checks: Readiness) -> dict[str, tuple[int, object]]:
    port = free_port()
    server = HealthServer(checks, port, "127.0.0.1")
    server.start()
    try:
        found = {path: httpx.get(f"http://127.0.0.1:{port}/{path}") for path in ("health", "ready")}
    finally:
        server.stop()
    return {path: (response.status_code, response.json()) for path, response in found.items()}


def readiness(**causes: str | None) -> Readiness:
    checks = Readiness()
    for name, cause in causes.items():
        checks.add(name, lambda cause=cause: cause)
    return checks


def test_health_check_is_static() -> None:
    assert health_check() == {"status": "ok"}


def test_ready_when_nothing_is_missing() -> None:
    assert answers(readiness(broker=None, store=None)) == {
        "health": (200, {"status": "ok"}),
        "ready": (200, {"ready": True, "checks": {"broker": {"ok": True}, "store": {"ok": True}}}),
    }


def test_not_ready_with_the_cause_of_what_is_missing() -> None:
    assert answers(readiness(broker="no answer", store=None)) == {
        "health": (200, {"status": "ok"}),
        "ready": (
            503,
            {"ready": False, "checks": {"broker": {"ok": False, "cause": "no answer"}, "store": {"ok": True}}},
        ),
    }


def test_check_that_raises_is_a_cause() -> None:
    def broken() -> str | None:
        raise RuntimeError("closed")

    checks = Readiness()
    checks.add("broker", broken)
    assert answers(checks)["ready"] == (
        503,
        {"ready": False, "checks": {"broker": {"ok": False, "cause": "RuntimeError: closed"}}},
    )


def test_worker_without_checks_yet_is_not_ready() -> None:
    status, body = answers(Readiness())["ready"]
    assert (status, body["ready"]) == (503, False)  # type: ignore[index]


def test_port_in_use_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        with pytest.raises(OSError, match=f"can't listen on 127.0.0.1:{port}"):
            HealthServer(Readiness(), port, "127.0.0.1").start()


def test_app_serves_its_paths() -> None:
    assert {route.path for route in app.routes} == {"/health", "/ready", "/metrics"}  # type: ignore[attr-defined]


def test_figures_are_served_for_prometheus() -> None:
    port = free_port()
    server = HealthServer(Readiness(), port, "127.0.0.1")
    server.start()
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
    finally:
        server.stop()
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "process_resident_memory_bytes " in answer.text
