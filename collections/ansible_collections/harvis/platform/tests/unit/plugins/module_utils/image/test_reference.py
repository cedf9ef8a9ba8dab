from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference, Upstream, check_name

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("harvis.local/debian:dev", Reference("harvis.local/debian", "dev")),
        ("localhost:5000/a/b:1.0", Reference("localhost:5000/a/b", "1.0")),
        ("python:3.13", Reference("python", "3.13")),
    ],
)
def test_a_reference_survives_parsing(text: str, expected: Reference) -> None:
    assert Reference.parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize("text", ["debian", "localhost:5000/debian", f"debian@sha256:{HEX}", "debian:", ":tag", ""])
def test_a_reference_without_a_tag_is_refused(text: str) -> None:
    with pytest.raises(ImageError, match="not an image reference with a tag"):
        Reference.parse(text)


def test_the_tag_is_the_first_sixteen_digits() -> None:
    reference = Reference.of_content("harvis.local", "vhm-indexer", HEX)
    assert str(reference) == "harvis.local/vhm-indexer:sha256-0123456789abcdef"
    assert reference.archive(Path("/cache")) == Path("/cache/images/vhm-indexer-0123456789abcdef.tar")


@pytest.mark.parametrize("registry", ["localhost:5000", "localhost:5000/"])
def test_a_registry_replaces_all_but_the_last_part(registry: str) -> None:
    reference = Reference.parse("harvis.local/team/kafka:sha256-01").on_registry(registry)
    assert str(reference) == "localhost:5000/kafka:sha256-01"


@pytest.mark.parametrize(
    ("text", "repository", "registry"),
    [
        (f"docker.io/ollama/ollama@sha256:{HEX}", "docker.io/ollama/ollama", "docker.io"),
        (f"docker.io/ollama/ollama:0.17@sha256:{HEX}", "docker.io/ollama/ollama", "docker.io"),
        (f"debian@sha256:{HEX}", "debian", "docker.io"),
        (f"apache/kafka@sha256:{HEX}", "apache/kafka", "docker.io"),
        (f"localhost:5000/kafka@sha256:{HEX}", "localhost:5000/kafka", "localhost:5000"),
    ],
)
def test_an_upstream_knows_its_registry(text: str, repository: str, registry: str) -> None:
    upstream = Upstream.parse(text)
    assert (upstream.repository, upstream.registry, upstream.digest) == (repository, registry, HEX)


@pytest.mark.parametrize("text", ["ollama/ollama:latest", "ollama@sha256:123", "", f"sha256:{HEX}"])
def test_an_upstream_that_is_not_pinned_is_refused(text: str) -> None:
    with pytest.raises(ImageError, match="pinned by digest"):
        Upstream.parse(text)


@pytest.mark.parametrize("name", ["Kafka", "a/b", "", "a b", "../x", "a..b", "-a"])
def test_a_name_that_is_no_file_and_no_repository_is_refused(name: str) -> None:
    with pytest.raises(ImageError, match="not a valid image name"):
        check_name(name)
