"""The back end's sources, the doubles of its tests, and the workers' message models are importable by name."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parent
_FOLDERS = (_HERE.parent, _HERE / "support", _HERE.parent.parent / "vhm" / "common" / "utils")
sys.path[:0] = [str(folder) for folder in _FOLDERS if str(folder) not in sys.path]

from harvis_fake_broker import FakeBroker  # noqa: E402
from harvis_fake_http import FakeHttp  # noqa: E402
from harvis_running_app import Backend, running_backend  # noqa: E402


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies of the machine have no part in talking to servers on loopback."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def no_log_of_an_ended_test() -> None:
    """Whichever test imports an application first has its log: written to a stream that is closed, it fails aloud."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, logging.StreamHandler) and getattr(handler.stream, "closed", False):
            root.removeHandler(handler)


@pytest.fixture
def ollama() -> Iterator[FakeHttp]:
    with FakeHttp.serving() as server:
        server.answer("GET", "/api/tags", {"models": [{"name": "llama3:latest", "size": 4_661_224_676}]})
        yield server


@pytest.fixture
def store() -> Iterator[FakeHttp]:
    with FakeHttp.serving() as server:
        server.answer("GET", "/collections", {"result": {"collections": [{"name": "anchors"}]}, "status": "ok"})
        yield server


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


@pytest.fixture
def backend(ollama: FakeHttp, store: FakeHttp, broker: FakeBroker) -> Iterator[Backend]:
    """The whole application, behind uvicorn, with doubles for what lies beyond its boundary."""
    with running_backend(ollama_url=ollama.url, qdrant_url=store.url, broker=broker) as running:
        yield running
