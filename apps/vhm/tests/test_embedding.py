"""Embeddings: the deterministic space, the providers' requests, and failures that stay failures."""

from __future__ import annotations

import json
import math
import random
import struct
import time
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vhm_common_utils import deterministic
from vhm_common_utils.deterministic import deterministic_embed_many
from vhm_common_utils.embedding import (
    Embedder,
    EmbeddingSettings,
    deterministic_embed,
    get_embedding,
    get_embedding_dim,
    human_age,
    known_dimension,
)
from vhm_common_utils.errors import PermanentError, ProcessingError, TransientError
from vhm_common_utils.remote import post_json
from vhm_common_utils.version import get_version


def cosine(one: str, other: str) -> float:
    return sum(a * b for a, b in zip(deterministic_embed(one, 384), deterministic_embed(other, 384), strict=True))


@pytest.mark.parametrize("text", ["tea", "Grüße aus Köln", "🌲", "a b" * 4000, "...", "日本語のテキスト", "\ud800"])
@pytest.mark.parametrize("dim", [1, 2, 384, 1024])
def test_deterministic_vector_is_a_unit_vector(text: str, dim: int) -> None:
    vector = deterministic_embed(text, dim)
    assert len(vector) == dim
    assert math.sqrt(sum(value * value for value in vector)) == pytest.approx(1.0)


def test_deterministic_vector_is_the_same_on_every_machine() -> None:
    # Recorded: a change of these numbers would make every stored memory unfindable.
    assert [round(value, 6) for value in deterministic_embed("Green tea", 8)] == [
        -0.396059,
        0.693103,
        0.0,
        0.19803,
        -0.19803,
        0.0,
        -0.495074,
        0.19803,
    ]


def test_deterministic_vector_ignores_case_spacing_and_punctuation() -> None:
    assert deterministic_embed("Green tea!", 384) == deterministic_embed("  green\nTEA ", 384)


def test_shared_words_bring_texts_closer() -> None:
    tea = "green tea in the garden"
    assert cosine(tea, "we drank green tea") > cosine(tea, "a train to Berlin") + 0.2
    assert cosine("gardens", "gardening") > cosine("gardens", "train")


def test_dimension_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one dimension"):
        deterministic_embed("tea", 0)
    with pytest.raises(ValueError, match="at least one dimension"):
        deterministic_embed_many(["tea"], 0)


def bits(vectors: list[list[float]]) -> list[bytes]:
    return [struct.pack(f"{len(vector)}d", *vector) for vector in vectors]


@pytest.mark.parametrize("dim", [1, 2, 384, 1024])
def test_many_are_the_same_as_one_by_one_bit_by_bit(dim: int) -> None:
    dice = random.Random(dim)
    signs = "abcdefghijk äöß日本 \t\n.,!?🌲\ud800ﬁ①İ"
    texts = ["".join(dice.choices(signs, k=dice.randint(1, 400))) for _ in range(200)]
    texts += ["tea", "Tea!", "...", "🌲", " ", "", "tea " * 3000]
    assert bits(deterministic_embed_many(texts, dim)) == bits([deterministic_embed(text, dim) for text in texts])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=60), max_size=8))
def test_any_texts_are_the_same_as_one_by_one(texts: list[str]) -> None:
    assert bits(deterministic_embed_many(texts, 8)) == bits([deterministic_embed(text, 8) for text in texts])


def test_no_texts_are_no_vectors() -> None:
    assert deterministic_embed_many([], 8) == []


def test_features_that_are_forgotten_are_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deterministic, "_REMEMBERED", 3)
    deterministic._vocabulary_of.cache_clear()
    for text in ("a few words too many", "other words", "tea"):
        assert deterministic_embed_many([text, text], 16) == [deterministic_embed(text, 16)] * 2
    assert len(deterministic._vocabulary_of(16)) == len(set(deterministic._names("tea")))


DIMENSIONS = [
    ("deterministic", 384),
    ("nomic-embed-text", 768),
    ("ollama:nomic-embed-text", 768),
    ("ollama:nomic-embed-text:v1.5", 768),
    ("ollama:mxbai-embed-large", 1024),
    ("bge-m3:latest", 1024),
    ("portkey:@cohere/cohere-embed-v3", 1024),
    ("cohere:cohere-embed-v3", 1024),
    ("ollama:unheard-of", None),
]


@pytest.mark.parametrize(("model", "dimension"), DIMENSIONS)
def test_known_dimension(model: str, dimension: int | None) -> None:
    assert known_dimension(model) == dimension


def test_the_configured_default() -> None:
    assert get_embedding_dim() == 384
    assert get_embedding("green tea") == deterministic_embed("green tea", 384)


class Provider:
    """A provider's HTTP API that records requests and gives prepared answers."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def embedder(model: str, provider: Provider) -> Embedder:
    settings = EmbeddingSettings(
        model=model,
        ollama_base_url="http://ollama:11434/",
        openai_api_key="openai-key",
        portkey_base_url="http://portkey/v1",
        portkey_api_key="portkey-key",
        openai_base_url="http://openai/v1",
    )
    return Embedder(settings, httpx.Client(transport=httpx.MockTransport(provider)))


def ollama_answer(vector: list[float]) -> httpx.Response:
    return httpx.Response(200, json={"embeddings": [vector]})


def openai_answer(vector: list[float]) -> httpx.Response:
    return httpx.Response(200, json={"data": [{"embedding": vector}]})


REQUESTS = [
    ("ollama:small", ollama_answer, "http://ollama:11434/api/embed", {}),
    ("openai:small", openai_answer, "http://openai/v1/embeddings", {"authorization": "Bearer openai-key"}),
    ("portkey:@a/small", openai_answer, "http://portkey/v1/embeddings", {"x-portkey-api-key": "portkey-key"}),
]


@pytest.mark.parametrize(("model", "answer", "url", "headers"), REQUESTS, ids=[row[0] for row in REQUESTS])
def test_provider_request(model: str, answer, url: str, headers: dict[str, str]) -> None:
    provider = Provider(answer([3.0, 4.0]), answer([0.0, 1.0]))
    assert embedder(model, provider).embed("tea") == [0.0, 1.0]
    asked = provider.requests[1]
    assert str(asked.url) == url
    assert json.loads(asked.content) == {"model": model.partition(":")[2], "input": "tea"}
    assert asked.headers.items() >= headers.items()


@pytest.mark.parametrize("model", ["ollama:nomic-embed-text", "openai:nomic-embed-text", "portkey:nomic-embed-text"])
def test_many_texts_are_one_request(model: str) -> None:
    vectors = [[float(number)] * 768 for number in (1, 2, 3)]
    answers = {
        "ollama": {"embeddings": vectors},
        # OpenAI numbers its answers, and promises no order.
        "openai": {"data": [{"index": number, "embedding": vectors[number]} for number in (2, 0, 1)]},
        "portkey": {"data": [{"embedding": vector} for vector in vectors]},
    }
    provider = Provider(httpx.Response(200, json=answers[model.partition(":")[0]]))
    assert embedder(model, provider).embed_many(["a", "b", "c"]) == vectors
    (asked,) = provider.requests
    assert json.loads(asked.content) == {"model": "nomic-embed-text", "input": ["a", "b", "c"]}


def test_no_text_is_no_request() -> None:
    assert embedder("ollama:nomic-embed-text", Provider()).embed_many([]) == []


def test_answer_for_fewer_texts_is_refused() -> None:
    provider = Provider(ollama_answer([1.0] * 768))
    with pytest.raises(PermanentError, match="1 vectors for 2 texts"):
        embedder("ollama:nomic-embed-text", provider).embed_many(["a", "b"])


def test_unknown_dimension_is_measured_once() -> None:
    provider = Provider(*[ollama_answer([1.0] * 64)] * 3)
    measured = embedder("ollama:small", provider)
    assert (measured.dimension(), measured.dimension(), len(provider.requests)) == (64, 64, 1)


def test_vector_of_another_length_is_refused() -> None:
    with pytest.raises(PermanentError, match="gave 2 numbers, expected 768"):
        embedder("ollama:nomic-embed-text", Provider(ollama_answer([1.0, 0.0]))).embed("tea")


FAILURES = [
    ("away", httpx.ConnectError("refused"), TransientError, "ConnectError: refused"),
    ("slow", httpx.ReadTimeout("slow"), TransientError, "ReadTimeout"),
    ("busy", httpx.Response(429, text="later"), TransientError, "answered 429: later"),
    ("broken", httpx.Response(500, text="oops"), TransientError, "answered 500: oops"),
    ("no model", httpx.Response(404, text="model not found"), PermanentError, "answered 404: model not found"),
    ("page", httpx.Response(200, html="<html>"), PermanentError, "text/html.*not JSON"),
    ("shape", httpx.Response(200, json={"embedding": []}), PermanentError, "unknown shape"),
    ("words", httpx.Response(200, json={"embeddings": [["a"]]}), PermanentError, "unknown shape"),
    ("empty", ollama_answer([]), PermanentError, "without a direction"),
    ("zero", ollama_answer([0.0] * 768), PermanentError, "without a direction"),
]


@pytest.mark.parametrize(("_", "answer", "kind", "text"), FAILURES, ids=[row[0] for row in FAILURES])
def test_failure_is_an_error_and_never_another_space(_: str, answer, kind: type[ProcessingError], text: str) -> None:
    with pytest.raises(kind, match=text) as caught:
        embedder("ollama:nomic-embed-text", Provider(answer)).embed("tea")
    assert caught.value.reason == "embedding_generation_failed"


def test_key_that_no_header_may_hold_is_not_quoted() -> None:
    settings = EmbeddingSettings("openai:small", "", "secret-\u2026", "", None, openai_base_url="http://openai/v1")
    with pytest.raises(PermanentError, match="no HTTP header may hold") as caught:
        Embedder(settings, httpx.Client(transport=httpx.MockTransport(Provider()))).embed("tea")
    assert "secret" not in str(caught.value)


def test_answer_that_never_ends_is_given_up() -> None:
    def drip() -> Iterator[bytes]:
        while True:
            time.sleep(0.02)
            yield b" "

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=drip())

    client = httpx.Client(transport=httpx.MockTransport(answer), timeout=0.1)
    with pytest.raises(TransientError, match=r"was not whole after 0\.1 s"):
        post_json(client, "http://ollama/api/embed", {}, reason="embedding_generation_failed")


UNUSABLE = [
    ("nomic-embed-text", "EMBEDDING_MODEL"),
    ("ollama:", "EMBEDDING_MODEL"),
    ("openai:small", "OPENAI_API_KEY"),
    ("portkey:small", "PORTKEY_API_KEY"),
    ("ollama:small", None),
    ("deterministic", None),
]


@pytest.mark.parametrize(("model", "variable"), UNUSABLE)
def test_unusable_provider_names_the_variable(model: str, variable: str | None) -> None:
    fault = EmbeddingSettings(model, "http://ollama", None, "http://portkey", None).fault()
    assert (fault and fault[0]) == variable


AGES = [
    (timedelta(seconds=-5), "yesterday"),
    (timedelta(hours=23, minutes=59), "yesterday"),
    (timedelta(days=1), "1 days ago"),
    (timedelta(days=6, hours=23), "6 days ago"),
    (timedelta(days=7), "1 weeks ago"),
    (timedelta(days=29), "4 weeks ago"),
    (timedelta(days=30), "1 months ago"),
    (timedelta(days=364), "12 months ago"),
    (timedelta(days=365), "1 years ago"),
    (timedelta(days=800), "2 years ago"),
]


@pytest.mark.parametrize(("age", "words"), AGES, ids=[str(age) for age, _ in AGES])
def test_human_age(age: timedelta, words: str) -> None:
    assert human_age(age) == words


def test_version_has_three_numbers() -> None:
    assert [part.isdecimal() for part in get_version().split(".")] == [True] * 3
