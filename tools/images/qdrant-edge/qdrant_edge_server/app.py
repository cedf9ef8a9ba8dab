"""The ASGI application: routes, the API key, refusals in Qdrant's shape, and the store's life."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from . import TITLE, VERSION, replies
from .errors import ApiError
from .routes import collections, points, service
from .settings import Settings
from .store import FLUSH_INTERVAL_SECONDS, Store

log = logging.getLogger(__name__)

_OPEN_PATHS = frozenset({"/", "/healthz", "/livez", "/readyz"})
_LARGEST_BODY = 32 * 1024 * 1024  # Qdrant's own default
# Well-formed JSON with a value out of bounds is 422 at Qdrant, anything else that does not fit is 400.
_BOUNDS = frozenset({"greater_than_equal", "less_than_equal", "less_than", "too_short"})


def create_app(settings: Settings, store: Store) -> FastAPI:
    app = FastAPI(title=TITLE, version=VERSION, lifespan=_lifespan, openapi_url=None, max_body_size=_LARGEST_BODY)
    app.state.store = store
    for router in (service, collections, points):
        app.include_router(router)
    app.add_exception_handler(ApiError, _answer_api_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid_request)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(Exception, _answer_defect)
    if settings.api_key:
        app.middleware("http")(_require_key(settings.api_key))
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    store: Store = app.state.store
    await asyncio.to_thread(store.open)
    flusher = asyncio.create_task(_flush_regularly(store))
    try:
        yield
    finally:
        flusher.cancel()
        with suppress(asyncio.CancelledError):
            await flusher
        await asyncio.to_thread(store.close)


async def _flush_regularly(store: Store) -> None:
    while True:
        await asyncio.sleep(FLUSH_INTERVAL_SECONDS)
        try:
            await asyncio.to_thread(store.flush)
        except Exception:
            # A full disk must not end the task that would notice the disk being freed again.
            log.exception("flush failed; it is tried again in %s s", FLUSH_INTERVAL_SECONDS)


def _require_key(api_key: str) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    async def check(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        given = request.headers.get("api-key") or bearer
        if request.url.path in _OPEN_PATHS or hmac.compare_digest(given.encode(), api_key.encode()):
            return await call_next(request)
        return replies.refusal(401, "Must provide an API key or an Authorization bearer token")

    return check


async def _answer_api_error(_request: Request, exc: ApiError) -> Response:
    if exc.status_code >= 500:
        log.error("%s", exc, exc_info=exc)
    return replies.refusal(exc.status_code, exc.message)


async def _answer_invalid_request(_request: Request, exc: RequestValidationError) -> Response:
    problems = exc.errors()
    text = "; ".join(f"{'.'.join(str(part) for part in problem['loc'][1:])}: {problem['msg']}" for problem in problems)
    if all(problem["type"] in _BOUNDS for problem in problems):
        return replies.refusal(422, f"Validation error in JSON body: [{text}]")
    return replies.refusal(400, f"Format error in JSON body: {text}")


async def _answer_http_error(_request: Request, exc: HTTPException) -> Response:
    if exc.status_code == 404:
        return replies.refusal(404, f"{TITLE} does not answer this path")
    return replies.refusal(exc.status_code, exc.detail)


async def _answer_defect(_request: Request, _exc: Exception) -> Response:
    # The framework raises it again after this answer, and the server logs it.
    return replies.refusal(500, "Service internal error: see the server's log")
