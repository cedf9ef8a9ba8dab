"""The parts of an image's name as a manifest writes it."""

from __future__ import annotations


def repository(image: str) -> str:
    """Without tag and digest: ``docker.io/qdrant/qdrant:v1.15.4`` → ``docker.io/qdrant/qdrant``."""
    name = image.partition("@")[0]
    # A colon before the last slash belongs to a registry's port.
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]


def tag(image: str) -> str:
    """The tag, empty where none is written."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def path(image: str) -> str:
    """The repository without its registry: ``registry.example.com:5000/qdrant/qdrant`` → ``qdrant/qdrant``."""
    name = repository(image)
    host, slash, rest = name.partition("/")
    return rest if slash and ("." in host or ":" in host or host == "localhost") else name
