"""One log entry a request, with an id that the answer carries too. It is the audit as well: who asked for what, how it
ended and under which code, and never a word of what was said."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Sequence

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from python_back_end.logs import where_it_failed

_log = structlog.stdlib.get_logger("python_back_end.request")
_PROBES = frozenset({"/health", "/ready"})
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CODE = "harvis.code"


def told_apart(scope: Scope, code: str) -> None:
    """Notes under which code a request was refused."""
    scope[_CODE] = code


class RequestLog:
    """Plain ASGI: a middleware that reads the answer as a whole would hold back streamed tokens."""

    def __init__(self, app: ASGIApp, routes: Sequence[Route] = ()) -> None:
        self._app = app
        self._routes = tuple(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get("x-request-id", ""))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(http_request_id=request_id)
        started = time.monotonic()
        status = None

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        except Exception as error:
            # Whoever is outside would log its words as well, and those may be the user's.
            told_apart(scope, "internal_error")
            _log.error("unexpected error", **where_it_failed(error))
            if status is None:
                body = {"code": "internal_error", "cause": type(error).__name__}
                await JSONResponse(body, status_code=500)(scope, receive, send_marked)
        finally:
            _write(scope, _path(scope, self._routes), status, time.monotonic() - started)


def _request_id(given: str) -> str:
    return given if _SAFE_ID.fullmatch(given) else uuid.uuid4().hex


def _write(scope: Scope, path: str, status: int | None, seconds: float) -> None:
    level = _log.debug if scope["path"] in _PROBES else _log.info
    code = {"code": scope[_CODE]} if _CODE in scope else {}
    client = (scope.get("client") or (None,))[0]
    level(
        "request",
        method=scope["method"],
        path=path,
        status=status,
        seconds=round(seconds, 3),
        client=client,
        **code,
    )


def _path(scope: Scope, routes: Sequence[Route]) -> str:
    """The path as it is declared, also where a request was refused before its route was looked for; what stands in a
    path that nobody declared may be anything."""
    declared = scope.get("route")
    if not isinstance(declared, Route):
        declared = next((route for route in routes if route.path_regex.match(scope["path"])), None)
    return declared.path if declared is not None else "(none of ours)"
