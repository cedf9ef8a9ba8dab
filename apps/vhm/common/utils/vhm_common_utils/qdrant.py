"""Qdrant's REST API, as far as the memory needs it.

Written out here, because importing `qdrant-client` takes more of a core than all else that a worker starts with: it
builds a model of every request and answer that the API has, and brings gRPC and protobuf with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx
from pydantic_core import from_json, to_json

from vhm_common_utils.errors import BusyError, PermanentError, ProcessingError, TransientError
from vhm_common_utils.remote import CONNECT_TIMEOUT_SECONDS, trust

STORAGE_FAILED = "qdrant_storage_failed"
TIMEOUT_SECONDS = 5.0
_NOT_FOUND = 404
_BUSY = frozenset({408, 425, 429, 503})
_EXCERPT = 200
_JSON = {"content-type": "application/json"}


class NotFoundError(TransientError):
    """The store answered 404."""


class Qdrant:
    """One server. Its answers are the `result` of Qdrant's envelope; its failures say whether to try again."""

    def __init__(self, url: str, client: httpx.Client | None = None) -> None:
        self._url = url.rstrip("/")
        limits = httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS)
        self._client = client or httpx.Client(timeout=limits, verify=trust(url))

    def get(self, path: str) -> Any:
        return self._call("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._call("POST", path, body)

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._call("PUT", path, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._call("PATCH", path, body)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        # A batch of vectors is a megabyte of numbers: pydantic's own writer and reader take a fifth of json's time.
        content = None if body is None else to_json(body)
        try:
            answer = self._client.request(method, f"{self._url}{path}", content=content, headers=_JSON)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise PermanentError(STORAGE_FAILED, f"{self._url} is not an address: {error}") from error
        except httpx.RequestError as error:
            raise TransientError(
                STORAGE_FAILED, f"the store does not answer: {error or type(error).__name__}"
            ) from error
        if not answer.is_success:
            raise _refusal(answer)
        try:
            return from_json(answer.content)["result"]
        except (ValueError, TypeError, KeyError) as error:
            # Something else answers on this address, such as a proxy's page: the store may be behind it again later.
            raise TransientError(
                STORAGE_FAILED, f"the store's answer is none of Qdrant's: {_excerpt(answer)}"
            ) from error


def collection_path(name: str) -> str:
    return f"/collections/{quote(name, safe='')}"


def _refusal(answer: httpx.Response) -> ProcessingError:
    detail = f"the store answered {answer.status_code}: {_excerpt(answer)}"
    if answer.status_code == _NOT_FOUND:
        return NotFoundError(STORAGE_FAILED, detail)
    if answer.status_code in _BUSY:
        return BusyError(STORAGE_FAILED, detail)
    if answer.status_code >= 500:
        return TransientError(STORAGE_FAILED, detail)
    return PermanentError(STORAGE_FAILED, detail)


def _excerpt(answer: httpx.Response) -> str:
    return answer.content[:_EXCERPT].decode(errors="replace")
