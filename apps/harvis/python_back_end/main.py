"""The HTTP application: `create_app(settings)`, and `app` made from the environment for uvicorn."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from python_back_end import routes_chat, routes_memory, routes_models, routes_page, routes_speech, routes_system
from python_back_end.access import Guard, RateLimit, read_keys
from python_back_end.errors import ApiError
from python_back_end.logs import configure_logging
from python_back_end.model_manager import safe_generate_speech_optimized
from python_back_end.request_log import RequestLog, told_apart
from python_back_end.services import Services, make_services
from python_back_end.settings import EXIT_CONFIG, Settings, SettingsError, read_settings

__all__ = ["app", "create_app", "safe_generate_speech_optimized"]
_ROUTERS = tuple(
    routes.router for routes in (routes_system, routes_chat, routes_models, routes_speech, routes_memory, routes_page)
)
_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
_log = structlog.stdlib.get_logger("python_back_end.main")


def create_app(settings: Settings, services: Services | None = None) -> FastAPI:
    """`services` are made from the settings when the application starts, unless they are given."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = services or make_services(settings)
        app.state.services.gateway.start()
        try:
            yield
        finally:
            await app.state.services.close()

    app = FastAPI(title="Harvis back end", lifespan=lifespan)
    for router in _ROUTERS:
        app.include_router(router)
    app.add_exception_handler(ApiError, _answer_api_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid_request)
    app.add_exception_handler(HTTPException, _answer_http)
    _guard(app, settings)
    return app


def _guard(app: FastAPI, settings: Settings) -> None:
    """What is added last is asked first: the log sees everything, and a refusal too tells another origin its kind."""
    rate = RateLimit(settings.rate_per_minute) if settings.rate_per_minute is not None else None
    app.add_middleware(Guard, keys=read_keys(settings), rate=rate)
    if settings.cors_origins is not None:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=[origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()],
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID", "X-Speech-Degraded", "X-Speech-Device", "X-Speech-Engine"],
        )
    declared = [route for router in _ROUTERS for route in router.routes if isinstance(route, Route)]
    app.add_middleware(RequestLog, routes=declared)


async def _answer_api_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    told_apart(request.scope, error.code)
    # A fault of the request is told to whoever made it; its words may be theirs, and have no business in a log.
    cause = {"cause": error.cause} if error.status >= 500 else {}
    _log.warning("request failed", status=error.status, code=error.code, **cause)
    return JSONResponse(error.body(), status_code=error.status, headers=error.headers())


async def _answer_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # Place and complaint only: the input itself may be private and has no business in an answer or a log.
    problems = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
    invalid = ApiError(422, "validation_failed", "; ".join(problems), reason="validation_failed")
    told_apart(request.scope, invalid.code)
    return JSONResponse(invalid.body(), status_code=invalid.status)


async def _answer_http(request: Request, error: Exception) -> JSONResponse:
    """What the framework refuses by itself, in the shape of all other errors."""
    assert isinstance(error, HTTPException)
    code = _HTTP_CODES.get(error.status_code, "bad_request")
    told_apart(request.scope, code)
    body = {"code": code, "cause": error.detail}
    return JSONResponse(body, status_code=error.status_code, headers=error.headers)


def _app_of_the_environment() -> FastAPI:
    """A file of keys that cannot be read is a fault of the settings too."""
    try:
        settings = read_settings(os.environ)
        app = create_app(settings)
    except SettingsError as error:
        record = {"level": "critical", "event": "configuration_invalid"}
        print(json.dumps({**record, "variable": error.variable, "reason": error.reason}), file=sys.stderr)
        raise SystemExit(EXIT_CONFIG) from None
    configure_logging(settings)
    return app


app = _app_of_the_environment()
