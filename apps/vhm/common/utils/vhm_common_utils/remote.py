"""JSON calls to model providers, with failures sorted into transient and permanent ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from vhm_common_utils.errors import BusyError, PermanentError, TransientError

CONNECT_TIMEOUT_SECONDS = 3.0
_BUSY = frozenset({408, 425, 429, 503})
_EXCERPT = 200


def http_client(read_timeout: float) -> httpx.Client:
    return httpx.Client(timeout=httpx.Timeout(read_timeout, connect=CONNECT_TIMEOUT_SECONDS))


def post_json(
    client: httpx.Client,
    url: str,
    body: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    reason: str,
) -> Any:
    """The decoded answer of a POST. Error texts hold the address and the answer, never the request's headers."""
    try:
        response = client.post(url, json=dict(body), headers=dict(headers or {}))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise PermanentError(reason, f"{url} is not an address: {error}") from error
    except (httpx.LocalProtocolError, UnicodeEncodeError):
        # The error's text, and the chain to it, would quote the header, and with it the key.
        raise PermanentError(reason, f"{url}: the key holds a character that no HTTP header may hold") from None
    except httpx.RequestError as error:
        raise TransientError(reason, f"{url}: {type(error).__name__}: {error}") from error
    if response.status_code in _BUSY:
        raise BusyError(reason, _answer(url, response))
    if response.status_code >= 500:
        raise TransientError(reason, _answer(url, response))
    if not response.is_success:
        raise PermanentError(reason, _answer(url, response))
    try:
        return response.json()
    except ValueError as error:
        kind = response.headers.get("content-type", "no content type")
        raise PermanentError(reason, f"{url} answered {response.status_code} with {kind}, not JSON") from error


def _answer(url: str, response: httpx.Response) -> str:
    return f"{url} answered {response.status_code}: {response.text[:_EXCERPT]}"
