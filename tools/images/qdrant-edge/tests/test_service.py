"""The key, the settings and how the process ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from qdrant_client.http.exceptions import UnexpectedResponse

SERVER_SOURCE = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def locked_server(new_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("locked") / "storage"
    locked = new_server(folder, QDRANT__SERVICE__API_KEY="a-key-for-this-test").start()
    yield locked
    locked.kill()


def test_with_a_key_set_others_are_turned_away(locked_server) -> None:
    for options in ({}, {"api-key": "wrong"}, {"authorization": "Bearer wrong"}):
        answer = httpx.get(f"{locked_server.url}/collections", headers=options)
        assert answer.status_code == httpx.codes.UNAUTHORIZED
        assert set(answer.json()) == {"status", "time"}


def test_the_key_opens_and_stays_out_of_the_log(locked_server) -> None:
    for headers in ({"api-key": "a-key-for-this-test"}, {"authorization": "Bearer a-key-for-this-test"}):
        assert httpx.get(f"{locked_server.url}/collections", headers=headers).status_code == httpx.codes.OK
    assert "a-key-for-this-test" not in locked_server.log_text()


def test_health_needs_no_key(locked_server) -> None:
    assert httpx.get(f"{locked_server.url}/healthz").status_code == httpx.codes.OK


def test_a_client_without_the_key_is_told(locked_server) -> None:
    with pytest.raises(UnexpectedResponse) as exc:
        locked_server.client().get_collections()
    assert exc.value.status_code == 401


def run_server(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "qdrant_edge_server"],
        env={"PYTHONPATH": str(SERVER_SOURCE), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QDRANT__SERVICE__HTTP_PORT", "http"),
        ("QDRANT__SERVICE__HTTP_PORT", "70000"),
        ("QDRANT__LOG_LEVEL", "loud"),
    ],
)
def test_a_bad_setting_ends_the_process_and_is_named(name: str, value: str) -> None:
    ended = run_server({name: value})
    assert ended.returncode == 78
    assert name in ended.stderr
    assert value in ended.stderr


def test_a_volume_that_cannot_be_written_ends_the_process(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder", encoding="utf-8")
    ended = run_server({"QDRANT__STORAGE__STORAGE_PATH": str(in_the_way), "QDRANT__SERVICE__HOST": "127.0.0.1"})
    assert ended.returncode not in (0, None)
    assert str(in_the_way) in ended.stdout + ended.stderr


def test_a_body_that_is_too_large_is_refused(shared_server) -> None:
    answer = httpx.put(f"{shared_server.url}/collections/any/points", content=b" " * (33 * 1024 * 1024))
    assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
