"""The workers as processes: up with nothing behind them, ready only with it, and gone on SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]
NAMES = ("indexer", "resonance", "reteller")
UP_SECONDS = 120.0


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def start(name: str, port: int, **environment: str) -> subprocess.Popen[str]:
    inherited = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", f"workers.vhm_{name}.main", "--health-port", str(port)],
        cwd=ROOT,
        env={
            **inherited,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'common' / 'utils'}",
            "KAFKA_BOOTSTRAP": "127.0.0.1:1",
            "QDRANT_URL": "http://127.0.0.1:1",
            "INDEXER_LOG_JSON": "true",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(url: str, process: subprocess.Popen[str]) -> httpx.Response:
    deadline = time.monotonic() + UP_SECONDS
    while True:
        try:
            return httpx.get(url, timeout=20)
        except httpx.TransportError:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.1)


@pytest.mark.parametrize("name", NAMES)
def test_worker_waits_for_what_is_missing_and_drains(name: str) -> None:
    port = free_port()
    process = start(name, port)
    try:
        assert wait_for(f"http://127.0.0.1:{port}/health", process).json() == {"status": "ok"}
        ready = httpx.get(f"http://127.0.0.1:{port}/ready", timeout=20)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=UP_SECONDS)
    finally:
        process.kill()
        process.wait()
    assert ready.status_code == 503
    assert "the broker does not answer" in ready.json()["checks"]["broker"]["cause"]
    assert set(ready.json()["checks"]) == {"broker", "assignment", "reading"} | (
        set() if name == "reteller" else {"store"}
    )
    lines = [json.loads(line) for line in output.splitlines()]
    assert {line["worker"] for line in lines} == {name}
    assert (process.returncode, lines[-1]["event"]) == (0, "drained")


@pytest.mark.parametrize(
    ("name", "environment", "variable"),
    [
        ("indexer", {"EMBEDDING_MODEL": "nomic-embed-text"}, "EMBEDDING_MODEL"),
        ("resonance", {"EMBEDDING_MODEL": "openai:text-embedding-3-small"}, "OPENAI_API_KEY"),
        ("reteller", {"RETELLER_POLL_TIMEOUT_SECONDS": "soon"}, "RETELLER_POLL_TIMEOUT_SECONDS"),
    ],
)
def test_unusable_configuration_ends_the_worker(name: str, environment: dict[str, str], variable: str) -> None:
    process = start(name, free_port(), **environment)
    output, _ = process.communicate(timeout=UP_SECONDS)
    assert process.returncode == 78
    assert json.loads(output.splitlines()[-1])["variable"] == variable
