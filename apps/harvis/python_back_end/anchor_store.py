"""Deleting a memory from the vector store, and asking whether the store is there."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from python_back_end.addresses import shown
from python_back_end.errors import ApiError
from python_back_end.http_transport import make_transport


class AnchorStore:
    def __init__(self, url: str, collection: str, *, timeout: float) -> None:
        self._shown = shown(url)
        self._collection = collection
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout, transport=make_transport(url))

    async def close(self) -> None:
        await self._http.aclose()

    async def check(self, *, timeout: float) -> None:
        """Raises ApiError with the cause when the store does not answer as a store."""
        await self._ask("GET", "/collections", timeout=timeout)

    async def delete(self, anchor_id: UUID) -> None:
        """A memory that is not there is as good as deleted; a collection that is not there is an error."""
        path = f"/collections/{quote(self._collection, safe='')}/points/delete"
        await self._ask("POST", path, {"points": [str(anchor_id)]}, params={"wait": "true"})

    async def _ask(self, method: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        try:
            response = await self._http.request(method, path, json=body, **options)
        except httpx.TimeoutException as error:
            raise ApiError(
                504, "store_timed_out", f"the vector store at {self._shown} did not answer in time"
            ) from error
        except httpx.TransportError as error:
            cause = f"no vector store at {self._shown}: {error or type(error).__name__}"
            raise ApiError(503, "store_unreachable", cause) from error
        answer = self._parse(response)
        if response.is_success:
            return answer
        said = (answer.get("status") or {}).get("error") if isinstance(answer.get("status"), dict) else None
        cause = f"the vector store at {self._shown} answered {response.status_code}: {said or response.text[:200]}"
        raise ApiError(502, "store_error", cause)

    def _parse(self, response: httpx.Response) -> dict[str, Any]:
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if isinstance(answer, dict):
            return answer
        cause = f"{self._shown} answered status {response.status_code} without the vector store's JSON"
        raise ApiError(502, "store_not_json", cause)
