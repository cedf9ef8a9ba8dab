"""Work that is of no use once the client has gone."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

T = TypeVar("T")


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What the work gives; it is cancelled, and ClientGone raised, when the client closes the connection."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientGone
    finally:
        for task in (working, watching):
            task.cancel()
        # What the work holds open is closed before anything else is done.
        await asyncio.gather(working, watching, return_exceptions=True)


async def _gone(request: Request) -> None:
    # The body has been read: what is left to come is the end of the connection.
    while (await request.receive())["type"] != "http.disconnect":
        pass
