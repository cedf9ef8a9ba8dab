"""JSON calls to model providers, with failures sorted into transient and permanent ones."""

from __future__ import annotations

import json
import math
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpx

from vhm_common_utils.errors import BusyError, PermanentError, TransientError

OPENAI_BASE_URL = "https://api.openai.com/v1"
CONNECT_TIMEOUT_SECONDS = 3.0
_BUSY = frozenset({408, 425, 429, 503})
_EXCERPT = 200


@lru_cache(maxsize=1)
def _authorities() -> ssl.SSLContext:
    """Reading them takes longer than most modules do, so it is done once, and only for an address that needs them."""
    return httpx.create_ssl_context()


def trust(*urls: str | None) -> ssl.SSLContext:
    """Which certificates a client of these addresses accepts. No client here follows a redirection to another."""
    if all(url is None or url.startswith("http://") for url in urls):
        # Trusts nobody: a handshake that nobody foresaw fails.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return _authorities()


def http_client(read_timeout: float, *urls: str | None) -> httpx.Client:
    """A client of these addresses."""
    limits = httpx.Timeout(read_timeout, connect=CONNECT_TIMEOUT_SECONDS)
    return httpx.Client(timeout=limits, verify=trust(*urls))


def post_json(
    client: httpx.Client,
    url: str,
    body: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    reason: str,
    seconds: float | None = None,
) -> Any:
    """The decoded answer of a POST, whole within `seconds` or else the client's read time-out.

    Error texts hold the address and the answer, never the request's headers.
    """
    try:
        answer = _post(client, url, body, headers or {}, client.timeout.read if seconds is None else seconds)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise PermanentError(reason, f"{url} is not an address: {error}") from error
    except (httpx.LocalProtocolError, UnicodeEncodeError):
        # The error's text, and the chain to it, would quote the header, and with it the key.
        raise PermanentError(reason, f"{url}: the key holds a character that no HTTP header may hold") from None
    except (httpx.RequestError, TimeoutError) as error:
        raise TransientError(reason, f"{url}: {type(error).__name__}: {error}") from error
    if answer.status in _BUSY:
        raise BusyError(reason, answer.describe(url))
    if answer.status >= 500:
        raise TransientError(reason, answer.describe(url))
    if not 200 <= answer.status < 300:
        raise PermanentError(reason, answer.describe(url))
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise PermanentError(reason, f"{url} answered {answer.status} with {answer.kind}, not JSON") from error


@dataclass(frozen=True)
class _Answer:
    status: int
    kind: str
    content: bytes

    def describe(self, url: str) -> str:
        return f"{url} answered {self.status}: {self.content.decode(errors='replace')[:_EXCERPT]}"


def _post(
    client: httpx.Client, url: str, body: Mapping[str, Any], headers: Mapping[str, str], limit: float | None
) -> _Answer:
    """The whole answer within the limit, which as a read time-out alone would only bound the wait between two parts."""
    ends = time.monotonic() + (limit if limit is not None else math.inf)
    content = bytearray()
    ours = client.timeout
    timeout = httpx.Timeout(connect=ours.connect, read=limit, write=ours.write, pool=ours.pool)
    with client.stream("POST", url, json=dict(body), headers=dict(headers), timeout=timeout) as response:
        for part in response.iter_bytes():
            content += part
            if time.monotonic() > ends:
                raise TimeoutError(f"the answer was not whole after {limit:g} s")
    return _Answer(response.status_code, response.headers.get("content-type", "no content type"), bytes(content))
