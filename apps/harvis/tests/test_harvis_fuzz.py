"""Every operation of the OpenAPI description, with requests drawn from it and with nonsense: never a 500.

HARVIS_FUZZ_EXAMPLES sets how many requests each operation gets, HARVIS_FUZZ_SEED draws others than those of every run.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from harvis_fake_broker import FakeBroker
from harvis_fake_http import FakeHttp
from harvis_fake_ollama import FakeOllama, Pace
from harvis_running_app import Backend, running_backend
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from python_back_end.main import create_app
from python_back_end.memory_gateway import TimeLimits
from python_back_end.settings import Settings

EXAMPLES = int(os.environ.get("HARVIS_FUZZ_EXAMPLES", "25"))
SEED = int(os.environ.get("HARVIS_FUZZ_SEED", "1"))
DESCRIPTION = create_app(Settings()).openapi()
OPERATIONS = [(method, path) for path, item in DESCRIPTION["paths"].items() for method in item]
# What another service behind us did, or did not do in time, is not ours; each has a code and a cause.
BEHIND_US = {502, 503, 504}

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


def drawn_from(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a schema, of the few kinds that our description uses."""
    if "$ref" in schema:
        return drawn_from(DESCRIPTION["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return st.one_of([drawn_from(each) for each in schema["anyOf"]])
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        return _objects(schema)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        "string": _strings(schema),
        "integer": st.integers(schema.get("minimum", -9), schema.get("maximum", 99)),
        "number": st.floats(schema.get("minimum", -9.0), schema.get("maximum", 9.0)),
        "boolean": st.booleans(),
        "null": st.none(),
        "object": st.dictionaries(st.text(max_size=8), ANYTHING, max_size=3),
    }
    return plain.get(kind, ANYTHING)


def _objects(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    required = set(schema.get("required", ()))
    fields = {name: drawn_from(each) for name, each in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: each for name, each in fields.items() if name in required},
        optional={name: each for name, each in fields.items() if name not in required},
    )


def _strings(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("format") == "uuid":
        return st.uuids().map(str)
    if schema.get("format") == "date-time":
        return st.datetimes().map(lambda when: when.isoformat())
    if "pattern" in schema:
        return st.from_regex(schema["pattern"])
    longest = min(schema.get("maxLength", 30), 30)
    return st.text(min_size=schema.get("minLength", 0), max_size=longest)


def bodies(method: str, path: str) -> st.SearchStrategy[bytes]:
    """As described, as described but for one field, any JSON, and no JSON at all."""
    content = DESCRIPTION["paths"][path][method].get("requestBody", {}).get("content", {})
    described = [drawn_from(each["schema"]) for kind, each in content.items() if kind == "application/json"]
    nonsense = ANYTHING.map(_dumped) | st.binary(max_size=60)
    if not described:
        return nonsense
    [fitting] = described
    bent = st.builds(lambda body, name, value: {**body, name: value}, fitting, st.text(max_size=9), ANYTHING)
    swapped = st.builds(_with_one_swapped, fitting, ANYTHING, st.integers(0, 9))
    return (fitting | bent | swapped).map(_dumped) | nonsense


def _with_one_swapped(body: dict[str, Any], value: Any, number: int) -> dict[str, Any]:
    name = sorted(body)[number % len(body)]
    return {**body, name: value}


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


PATHS = st.text(min_size=1, max_size=30) | st.uuids().map(str) | st.sampled_from(["%00", "..", "a/b", "\x00", "ü"])
TYPES = st.sampled_from(["application/json", "text/plain", "audio/wav", "", "application/json; charset=utf-16"])


@pytest.fixture(scope="module")
def open_server() -> Iterator[Backend]:
    broker = FakeBroker()
    broker.work("anchors-write", lambda sent: [("anchors-indexed", {"anchor_id": sent["anchor_id"], "ok": True})])
    broker.work("recall-request", lambda sent: [("recall-response", {"request_id": sent["request_id"], "beats": []})])
    limits = TimeLimits(index=2, recall=2, retell=0.05)
    with (
        FakeHttp.serving() as store,
        FakeOllama.serving(Pace(tokens=2)) as ollama,
        running_backend(ollama_url=ollama.url, qdrant_url=store.url, broker=broker, limits=limits) as backend,
    ):
        done = {"result": {"status": "completed"}, "status": "ok"}
        store.answer("POST", "/collections/anchors/points/delete", done)
        yield backend


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
def test_no_request_is_too_much_for_the_server(open_server: Backend, method: str, path: str) -> None:
    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(body=bodies(method, path), word=PATHS, kind=TYPES, query=st.dictionaries(st.text(), st.text(), max_size=2))
    def ask(body: bytes, word: str, kind: str, query: dict[str, str]) -> None:
        filled = re.sub(r"{\w+}", quote(word, safe=""), path)
        content = None if method == "get" else body
        answer = open_server.http.request(
            method.upper(), filled, content=content, headers={"Content-Type": kind}, params=query
        )
        _judge(answer)

    ask()
    assert open_server.http.get("/health").json() == {"status": "ok"}


def _judge(answer: httpx.Response) -> None:
    assert answer.status_code < 500 or answer.status_code in BEHIND_US, answer.text
    assert '"internal_error"' not in answer.text, answer.text
    is_readiness = "checks" in answer.text
    if answer.status_code >= 400 and not is_readiness:
        assert {"code", "cause"} <= answer.json().keys(), answer.text
