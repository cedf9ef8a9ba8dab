"""Keys, rates, sizes and origins; and that nothing of what a user said is in the log."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from harvis_fake_broker import FakeBroker
from harvis_fake_http import FakeHttp
from harvis_running_app import Backend, running_backend
from python_back_end.access import RateLimit, read_keys
from python_back_end.settings import Settings, SettingsError

KEY, OTHER = "the-first-key-of-all", "the-other-key-of-all"
OPEN = ["/health", "/ready", "/", "/page.js", "/openapi.json"]
CLOSED = [
    ("GET", "/api/models"),
    ("GET", "/api/diagnostics"),
    ("POST", "/api/chat"),
    ("POST", "/api/speak"),
    ("POST", "/api/voices"),
    ("POST", "/api/memories"),
    ("POST", "/api/recall"),
    ("POST", "/api/models/pull"),
    ("GET", "/api/no-such-path"),
]


@contextmanager
def running(ollama: FakeHttp, store: FakeHttp, **settings: Any) -> Iterator[Backend]:
    with running_backend(ollama_url=ollama.url, qdrant_url=store.url, broker=FakeBroker(), **settings) as backend:
        yield backend


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_without_keys_none_is_asked_for(backend: Backend) -> None:
    assert backend.http.get("/api/models").status_code != 401


def test_with_keys_the_api_is_closed_and_probes_and_page_are_open(ollama: FakeHttp, store: FakeHttp) -> None:
    with running(ollama, store, api_keys=f"{KEY},{OTHER}") as backend:
        for method, path in CLOSED:
            for headers in (
                {},
                bearer("the-first-key-of-al"),
                {"Authorization": f"Basic {KEY}"},
                {"Authorization": "Bearer"},
            ):
                refused = backend.http.request(method, path, headers=headers)
                assert (refused.status_code, refused.json()["code"]) == (401, "key_missing"), (path, headers)
                assert refused.headers["www-authenticate"] == "Bearer"
        for path in OPEN:
            assert backend.http.get(path).status_code == 200, path
        for key in (KEY, OTHER):
            assert backend.http.get("/api/diagnostics", headers=bearer(key)).status_code == 200


def test_keys_come_from_a_file_too(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY}\n\n{OTHER}\n")
    keys = read_keys(Settings(api_keys_file=str(file)))
    assert keys.wanted
    assert keys.named_by(OTHER) == keys.named_by(OTHER) is not None
    assert keys.named_by(KEY) not in (None, keys.named_by(OTHER))
    assert keys.named_by("") is keys.named_by(f"{KEY}\n{OTHER}") is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [("", "holds no key"), ("changeme", "holds a key of fewer than 16 characters"), (None, "cannot be read")],
)
def test_a_file_without_a_key_leaves_the_api_closed(tmp_path: Path, content: str | None, reason: str) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match=f"BACKEND_API_KEYS_FILE: {reason}"):
        read_keys(Settings(api_keys_file=str(file)))


def test_a_placeholder_for_a_key_ends_the_server_with_78_unseen() -> None:
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1]), "BACKEND_API_KEYS": "hunter2"}
    argv = [sys.executable, "-m", "uvicorn", "python_back_end.main:app", "--port", "0"]
    ended = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 78
    assert json.loads(ended.stderr.splitlines()[-1])["variable"] == "BACKEND_API_KEYS"
    assert "hunter2" not in ended.stdout + ended.stderr


def test_a_bucket_fills_evenly() -> None:
    now = [0.0]
    rate = RateLimit(60, clock=lambda: now[0])
    assert [rate.take("a") for _ in range(60)] == [0.0] * 60
    assert rate.take("a") == pytest.approx(1.0)
    assert rate.take("b") == 0.0
    now[0] = 2.0
    assert (rate.take("a"), rate.take("a"), rate.take("a")) == (0.0, 0.0, pytest.approx(1.0))


def test_clients_that_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("python_back_end.access._CLIENTS_REMEMBERED", 3)
    rate = RateLimit(1)
    assert [rate.take(client) for client in "abcda"] == [0.0] * 5
    assert rate.take("d") > 0


def test_who_asks_too_often_is_told_when_to_come_back(ollama: FakeHttp, store: FakeHttp) -> None:
    with running(ollama, store, rate_per_minute=3, api_keys=KEY) as backend:
        first = [backend.http.get("/api/diagnostics", headers=bearer(KEY)).status_code for _ in range(4)]
        assert first == [200, 200, 200, 429]
        # Guessing at keys is counted by address, and probes not at all.
        guesses = [backend.http.get("/api/models", headers=bearer("guess")) for _ in range(4)]
        assert [guess.status_code for guess in guesses] == [401, 401, 401, 429]
        assert (guesses[-1].json()["code"], guesses[-1].headers["retry-after"]) == ("rate_limited", "20")
        assert {backend.http.get("/health").status_code for _ in range(5)} == {200}


def test_a_body_that_is_too_large_is_not_read(backend: Backend) -> None:
    large = b'{"message": "' + b"x" * (3 * 1024 * 1024) + b'"}'
    claimed = backend.http.post("/api/chat", content=large, headers={"Content-Type": "application/json"})
    assert (claimed.status_code, claimed.json()["code"]) == (413, "too_large")

    def in_chunks() -> Iterator[bytes]:
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    try:
        unclaimed = backend.http.post("/api/chat", content=in_chunks(), headers={"Content-Type": "application/json"})
    except httpx.TransportError:
        pass  # the answer came, and the connection was closed, before all was sent
    else:
        assert (unclaimed.status_code, unclaimed.json()["code"]) == (413, "too_large")
    assert backend.http.get("/health").status_code == 200


def preflight(backend: Backend, origin: str) -> httpx.Response:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return backend.http.options("/api/chat", headers=headers)


def test_other_origins_are_closed_out_by_default(backend: Backend) -> None:
    assert "access-control-allow-origin" not in preflight(backend, "https://elsewhere.example").headers
    answer = backend.http.get("/api/diagnostics", headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_an_origin_that_is_named_may_ask_and_sees_refusals(ollama: FakeHttp, store: FakeHttp) -> None:
    ours = "https://ours.example"
    with running(ollama, store, cors_origins=f"{ours}, https://too.example", api_keys=KEY) as backend:
        assert preflight(backend, ours).headers["access-control-allow-origin"] == ours
        assert "access-control-allow-origin" not in preflight(backend, "https://elsewhere.example").headers
        refused = backend.http.get("/api/models", headers={"Origin": ours})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, ours)


def test_what_is_not_there_is_told_in_the_one_shape(backend: Backend) -> None:
    missing = backend.http.get("/api/no-such-path")
    assert (missing.status_code, missing.json()) == (404, {"code": "not_found", "cause": "Not Found"})
    wrong = backend.http.put("/api/chat")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")


SECRET = "Xylophon-im-Keller"


def test_no_word_of_a_user_is_in_the_log(
    ollama: FakeHttp,
    store: FakeHttp,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO)

    def fails(*_given: object) -> None:
        raise LookupError(SECRET)

    with running(ollama, store, api_keys=KEY) as backend:
        http = backend.http
        http.headers.update(bearer(KEY))
        ollama.answer("POST", "/api/chat", {"error": "model not found"}, status=404)
        for stream in (True, False):
            http.post("/api/chat", json={"message": SECRET, "model": SECRET, "session_id": SECRET, "stream": stream})
        http.post("/api/chat", json={SECRET: SECRET})
        http.post("/api/chat", content=f'{{"message": "{SECRET}'.encode(), headers={"Content-Type": "application/json"})
        http.post("/api/memories", json={"text": SECRET, "salience": SECRET})
        http.post("/api/speak", json={"text": SECRET})
        http.get(f"/api/{SECRET}")
        http.delete(f"/api/memories/{SECRET}")
        http.delete(f"/api/voices/{SECRET}")
        http.get("/api/models", headers=bearer(SECRET))
        monkeypatch.setattr(backend.services.conversations, "messages", fails)
        for stream in (True, False):
            failed = http.post("/api/chat", json={"message": "Hi", "stream": stream})
        assert (failed.status_code, failed.json()) == (500, {"code": "internal_error", "cause": "LookupError"})
    # The server's own log of requests is put out by ours: the test below.
    ours = [str(entry.msg) + entry.getMessage() for entry in caplog.records if entry.name != "uvicorn.access"]
    said = "".join(ours) + "".join(capfd.readouterr())
    assert SECRET not in said
    assert KEY not in said
    # And yet it is told what happened.
    for told in ("model_missing", "validation_failed", "key_missing", "internal_error", "LookupError", "/api/chat"):
        assert told in said, told


def test_libraries_that_log_what_passes_through_them_are_quiet() -> None:
    """The whole pipeline, in a process of its own: the root logger of this one is pytest's."""
    code = """
import logging
from python_back_end.logs import configure_logging
from python_back_end.settings import Settings
configure_logging(Settings(log_level="DEBUG"))
for name in ("sse_starlette.sse", "httpcore.http11", "httpx", "uvicorn.access"):
    logging.getLogger(name).info("what passes through")
logging.getLogger("python_back_end").debug("what is ours")
"""
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    assert "what is ours" in ended.stderr
    assert "what passes through" not in ended.stderr


def test_a_refusal_is_audited_with_route_code_and_client(
    ollama: FakeHttp, store: FakeHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An entry is written after its answer was sent: the server ends before what it says is no longer kept.
    with structlog.testing.capture_logs() as entries, running(ollama, store, api_keys=KEY) as backend:
        monkeypatch.setattr("python_back_end.request_log._log", structlog.get_logger())
        backend.http.delete("/api/memories/3f2b1c9e-0f6a-4d57-9f0e-6f3f0c1d2e3a")
        backend.http.get(f"/api/{SECRET}", headers=bearer(KEY))
    told = [{key: each.get(key) for key in ("method", "path", "status", "code", "client")} for each in entries]
    here = {"client": "127.0.0.1"}
    assert {
        "method": "DELETE",
        "path": "/api/memories/{anchor_id}",
        "status": 401,
        "code": "key_missing",
        **here,
    } in told
    assert {"method": "GET", "path": "(none of ours)", "status": 404, "code": "not_found", **here} in told
