"""Health over a real port."""

from __future__ import annotations

import asyncio
import socket
import threading

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


def ask(method: str, path: str) -> httpx.Response:
    async def call() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://worker") as client:
            return await client.request(method, path)

    return asyncio.run(call())


PAGES = [
    ("GET", "/health", 200),
    ("HEAD", "/health", 200),
    ("GET", "/ready", 503),
    ("GET", "/metrics", 200),
    ("GET", "/", 404),
    ("GET", "/health/", 404),
    ("POST", "/health", 405),
]


@pytest.mark.parametrize(("method", "path", "status"), PAGES)
def test_app_serves_its_paths(method: str, path: str, status: int) -> None:
    answer = ask(method, path)
    assert answer.status_code == status
    assert int(answer.headers["content-length"]) == len(
        ask("GET", path).content if method == "HEAD" else answer.content
    )
    assert bool(answer.content) == (method != "HEAD")


def test_health_answers_while_a_check_waits() -> None:
    held = threading.Event()
    checks = Readiness()
    checks.add("broker", lambda: None if held.wait(20) else "late")
    port = free_port()
    server = HealthServer(checks, port, "127.0.0.1")
    server.start()
    statuses: list[int] = []
    asking = threading.Thread(
        target=lambda: statuses.append(httpx.get(f"http://127.0.0.1:{port}/ready", timeout=30).status_code)
    )
    try:
        asking.start()
        assert httpx.get(f"http://127.0.0.1:{port}/health", timeout=15).status_code == 200
        assert statuses == []
        held.set()
        asking.join()
    finally:
        held.set()
        server.stop()
    assert statuses == [200]


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
