"""The module: its own failure comes after all rows, and check mode writes no memory."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.harvis.platform.plugins.modules import endpoint_check


def run(capsys: pytest.CaptureFixture[str], **params: t.Any) -> tuple[int, dict[str, t.Any]]:
    with patch_module_args(params), pytest.raises(SystemExit) as end:
        endpoint_check.main()
    return int(end.value.code or 0), json.loads(capsys.readouterr().out)


def checks(result: t.Mapping[str, t.Any]) -> list[str]:
    return [row["check"] for row in result["rows"]]


ALL = ["ready", "models", "chat", "speak", "remember", "recall", "retell", "forget"]


def test_all_checks_pass(backend: t.Any, capsys: pytest.CaptureFixture[str]) -> None:
    rc, result = run(capsys, backend=backend.url)

    assert rc == 0
    assert (result["passed"], result["changed"], result["findings"]) == (True, False, [])
    assert checks(result) == ALL
    assert {key for row in result["rows"] for key in row} == {"check", "subject", "passed", "evidence", "seconds"}


def test_a_failed_check_fails_the_module_with_every_row(backend: t.Any, capsys: pytest.CaptureFixture[str]) -> None:
    backend.broken[("GET", "/ready")] = lambda _: backend.json({}, 500)

    rc, result = run(capsys, backend=backend.url)

    assert rc == 1
    assert checks(result) == ALL
    assert [finding["code"] for finding in result["findings"]] == ["PRB-CONTENT"]
    assert "status 500 instead of 200 or 503" in result["msg"]


def test_report_only_leaves_the_failure_to_the_caller(backend: t.Any, capsys: pytest.CaptureFixture[str]) -> None:
    backend.broken[("GET", "/ready")] = lambda _: backend.json({}, 500)

    rc, result = run(capsys, backend=backend.url, checks=["ready"], report_only=True)

    assert (rc, result["passed"], checks(result)) == (0, False, ["ready"])


def test_check_mode_writes_no_memory(backend: t.Any, capsys: pytest.CaptureFixture[str]) -> None:
    rc, result = run(capsys, backend=backend.url, _ansible_check_mode=True)

    assert (rc, checks(result)) == (0, ["ready", "models", "chat", "speak"])
    assert not [path for _, path, _ in backend.asked if path in ("/api/memories", "/api/recall")]


def test_recall_brings_the_memory_it_needs(backend: t.Any, capsys: pytest.CaptureFixture[str]) -> None:
    rc, result = run(capsys, backend=backend.url, checks=["recall"])

    assert (rc, checks(result)) == (0, ["remember", "recall", "forget"])


def test_other_endpoints_can_be_checked_alone(backend: t.Any, capsys: pytest.CaptureFixture[str]) -> None:
    rc, result = run(
        capsys, checks=[], http=[{"url": f"{backend.url}/ready", "expect": {"content_type": "application/json"}}]
    )

    assert (rc, checks(result)) == (0, ["http"])


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "'' is not an http(s) address"),
        ({"backend": "localhost:8000"}, "'localhost:8000' is not an http(s) address"),
        ({"backend": "http://x", "time_limits": {"chats": 3}}, "cannot be used: {'chats': 3}"),
        ({"backend": "http://x", "time_limits": {"chat": "long"}}, "cannot be used: {'chat': 'long'}"),
        ({"backend": "http://x", "time_limits": {"chat": 0}}, "cannot be used: {'chat': 0}"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    capsys: pytest.CaptureFixture[str], params: dict[str, t.Any], words: str
) -> None:
    rc, result = run(capsys, **params)

    assert (rc, [finding["code"] for finding in result["findings"]]) == (1, ["PLB-INPUT"])
    assert words in result["msg"]
