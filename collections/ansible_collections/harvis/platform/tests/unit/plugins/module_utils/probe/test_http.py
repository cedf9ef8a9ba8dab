"""Checks of any endpoint: request, promise, judgement."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.probe.client import Client
from ansible_collections.harvis.platform.plugins.module_utils.probe.content import Promise
from ansible_collections.harvis.platform.plugins.module_utils.probe.http import HttpCheck
from ansible_collections.harvis.platform.plugins.module_utils.probe.suite import run_http

SCHEMA = {"type": "object", "required": ["title"]}
# (status, content type, body, expect) -> (passed, words of the evidence)
CASES: list[tuple[tuple[int, str | None, bytes], dict[str, t.Any], bool, str]] = [
    ((200, "text/plain", b"up 1"), {"content_type": "text/plain"}, True, "status 200, text/plain"),
    ((200, "text/plain; version=0.0.4", b"up 1"), {"content_type": "text/plain"}, True, "status 200, text/plain"),
    ((204, None, b""), {"status": [200, 204]}, True, "status 204, no content type"),
    ((500, "text/plain", b"boom"), {}, False, "status 500 instead of 200: boom"),
    ((500, None, b""), {"status": [200, 201]}, False, "status 500 instead of 200 or 201: no body"),
    ((302, None, b""), {}, False, "status 302 instead of 200"),
    ((200, "application/json", b'{"title": 1}'), {"schema": SCHEMA}, True, "JSON as the schema says"),
    ((200, "application/json", b"{}"), {"schema": SCHEMA}, False, "'title' is a required property ({})"),
    ((200, None, b"<html>"), {"content_type": "application/json"}, False, "answers no content type instead of"),
    ((200, "text/html", b"<html>"), {"schema": SCHEMA}, False, "the body is not JSON"),
]


@pytest.mark.parametrize(("answer", "expect", "passed", "words"), CASES)
def test_the_answer_is_judged_by_what_is_expected(
    backend: t.Any,
    client: Client,
    answer: tuple[int, str | None, bytes],
    expect: dict[str, t.Any],
    passed: bool,
    words: str,
) -> None:
    backend.broken[("GET", "/x")] = lambda _: backend.raw(*answer)
    params = {"url": f"{backend.url}/x", "method": "GET", "expect": expect}

    [proof] = run_http(client, [HttpCheck.from_params(params, limit=5)])

    assert (proof.row.check, proof.row.subject) == ("http", f"GET {backend.url}/x")
    assert proof.row.passed is passed
    assert words in proof.row.evidence


def test_the_request_is_sent_as_it_is_given(backend: t.Any, client: Client) -> None:
    backend.broken[("PUT", "/x")] = lambda body: backend.json(body, 201)
    check = HttpCheck("name", f"{backend.url}/x", Promise((201,), schema={"const": {"a": 1}}), "PUT", {"a": 1})

    [proof] = run_http(client, [check])

    assert (proof.row.passed, proof.row.subject) == (True, "name")
    assert backend.asked == [("PUT", "/x", {"a": 1})]


def test_a_schema_that_is_none_stops_the_module_with_its_reason(backend: t.Any, client: Client) -> None:
    backend.broken[("GET", "/x")] = lambda _: backend.json({})
    check = HttpCheck("name", f"{backend.url}/x", Promise(schema={"type": "nonsense"}))

    with pytest.raises(HarvisError, match="PLB-INPUT"):
        check.run(client)


@pytest.mark.parametrize("url", ["nonsense", "http://", "http://[::1", "ftp://x/"])
def test_an_address_that_is_none_is_a_failed_row(client: Client, url: str) -> None:
    [proof] = run_http(client, [HttpCheck("name", url, Promise())])

    assert [finding.code for finding in proof.findings] == ["PRB-UNREACHABLE"]


@pytest.mark.fault("F73", code="PRB-UNREACHABLE", when="after deploy", by="real")
def test_a_server_that_listens_on_its_own_loopback_only_is_not_reached(backend: t.Any, client: Client) -> None:
    port = backend.url.rpartition(":")[2]

    [proof] = run_http(client, [HttpCheck("name", f"http://127.0.0.2:{port}/ready", Promise())])

    assert backend.url == f"http://127.0.0.1:{port}"
    assert [finding.code for finding in proof.findings] == ["PRB-UNREACHABLE"]
    assert "refused" in proof.row.evidence
    assert "0.0.0.0" in proof.findings[0].fix


def test_an_answer_without_end_is_cut_off(backend: t.Any, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.harvis.platform.plugins.module_utils.probe import client as module

    monkeypatch.setattr(module, "MAX_BODY", 1024**2)
    backend.broken[("GET", "/x")] = lambda _: backend.raw(body=[bytes(2**16)] * 20)

    [proof] = run_http(client, [HttpCheck("name", f"{backend.url}/x", Promise(content_type=None))])

    assert proof.row.evidence == "the answer is larger than 1 MiB"


def test_a_key_is_shown_to_its_own_address_alone(backend: t.Any) -> None:
    elsewhere = backend.url.replace("127.0.0.1", "localhost")

    with Client(keys={backend.url: "a-key-of-the-backend"}) as client:
        for url in (backend.url, elsewhere):
            client.send("GET", f"{url}/ready", limit=5)

    assert backend.shown == ["Bearer a-key-of-the-backend", None]
