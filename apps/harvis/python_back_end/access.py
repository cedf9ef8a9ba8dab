"""Who may ask, how often, and how much may be sent at once: decided before anything is read or done."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from python_back_end.errors import ApiError
from python_back_end.request_log import told_apart
from python_back_end.settings import Settings, SettingsError
from python_back_end.voice_prompts import MOST_BYTES as MOST_BYTES_OF_A_VOICE

# A key that is shorter can be guessed, and is most likely a placeholder.
_SHORTEST_KEY = 16
_CLIENTS_REMEMBERED = 10_000
# The longest message there may be, with every character escaped.
_MOST_BYTES = 2 * 1024 * 1024
_LARGER_BODIES = {"/api/voices": MOST_BYTES_OF_A_VOICE}


class Keys:
    """Kept as digests: all are of one length, and none of them can be read out of memory or a log."""

    def __init__(self, keys: list[str]) -> None:
        self._digests = [_digest(key) for key in keys]

    @property
    def wanted(self) -> bool:
        return bool(self._digests)

    def named_by(self, given: str) -> bytes | None:
        """The digest of the key that was given; every key is compared, in constant time."""
        digest = _digest(given)
        right = [hmac.compare_digest(digest, each) for each in self._digests]
        return digest if any(right) else None


def read_keys(settings: Settings) -> Keys:
    keys = _parted("BACKEND_API_KEYS", settings.api_keys or "")
    if settings.api_keys_file is not None:
        try:
            content = Path(settings.api_keys_file).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError("BACKEND_API_KEYS_FILE", f"cannot be read: {type(error).__name__}") from None
        in_file = _parted("BACKEND_API_KEYS_FILE", content)
        if not in_file:
            raise SettingsError("BACKEND_API_KEYS_FILE", "holds no key")
        keys += in_file
    return Keys(keys)


class RateLimit:
    """So many requests a minute for each client, all at once if it likes; a bucket that fills evenly."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._clock = clock
        self._buckets: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def take(self, client: object) -> float:
        """Seconds to wait, or 0 when the request may pass."""
        now = self._clock()
        left, at = self._buckets.pop(client, (self._most, now))
        left = min(self._most, left + (now - at) * self._most / 60)
        passes = left >= 1
        self._buckets[client] = (left - 1 if passes else left, now)
        while len(self._buckets) > _CLIENTS_REMEMBERED:
            self._buckets.popitem(last=False)
        return 0.0 if passes else (1 - left) * 60 / self._most


class Guard:
    """Plain ASGI, as the request log is. The page, probes and the description of the API are open to all."""

    def __init__(self, app: ASGIApp, keys: Keys, rate: RateLimit | None) -> None:
        self._app = app
        self._keys = keys
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        try:
            self._admit(scope)
            limited = _limited(scope, receive)
        except ApiError as error:
            told_apart(scope, error.code)
            answer = JSONResponse(error.body(), status_code=error.status, headers=_headers(error))
            await answer(scope, receive, send)
            return
        await self._app(scope, limited, send)

    def _admit(self, scope: Scope) -> None:
        key = self._keys.named_by(_bearer(scope)) if self._keys.wanted else None
        client = key or (scope.get("client") or ("unknown",))[0]
        wait = self._rate.take(client) if self._rate is not None else 0.0
        if wait:
            raise ApiError(429, "rate_limited", "too many requests in the last minute", retry_after=wait)
        if self._keys.wanted and key is None:
            raise ApiError(401, "key_missing", "Authorization: Bearer KEY is needed, with a key that is known here")


def _limited(scope: Scope, receive: Receive) -> Receive:
    """The body as it comes, until it is too large; what it claims to be is refused at once."""
    most = _LARGER_BODIES.get(scope["path"], _MOST_BYTES)
    cause = f"the body has {most} bytes at most"
    claimed = Headers(scope=scope).get("content-length", "")
    if claimed.isascii() and claimed.isdigit() and int(claimed) > most:
        raise ApiError(413, "too_large", cause)
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(413, cause)
        return message

    return receive_limited


def _bearer(scope: Scope) -> str:
    kind, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else ""


def _headers(error: ApiError) -> dict[str, str]:
    return {**error.headers(), "WWW-Authenticate": "Bearer"} if error.status == 401 else error.headers()


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _parted(variable: str, text: str) -> list[str]:
    keys = [key for key in re.split(r"[\s,]+", text) if key]
    if any(len(key) < _SHORTEST_KEY for key in keys):
        raise SettingsError(variable, f"holds a key of fewer than {_SHORTEST_KEY} characters")
    return keys
