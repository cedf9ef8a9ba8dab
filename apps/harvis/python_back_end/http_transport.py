"""How connections to the services behind us are made."""

from __future__ import annotations

import httpx

# How much runs at a time is decided before it comes here; a pool that is full would look like a service that is silent.
_POOL = httpx.Limits(max_connections=None, max_keepalive_connections=64)


def make_transport(url: str, *, retries: int = 0) -> httpx.AsyncHTTPTransport:
    """Certificates are read only for an address that needs them: it takes longer than all else at the start."""
    return httpx.AsyncHTTPTransport(verify=url.startswith("https:"), retries=retries, limits=_POOL)
