"""The version of the memory workers."""

from __future__ import annotations

_VERSION = "0.1.0"


def get_version() -> str:
    return _VERSION
