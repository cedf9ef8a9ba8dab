"""Addresses as they may be shown: without user name and password."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def shown(address: str) -> str:
    parts = urlsplit(address)
    if parts.username is None and parts.password is None:
        return address
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
