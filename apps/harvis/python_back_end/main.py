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

from python_back_end import routes_chat, routes_memory, routes_models, routes_speech, routes_system
from python_back_end.errors import ApiError
from python_back_end.logs import configure_logging
from python_back_end.model_manager import safe_generate_speech_optimized
from python_back_end.request_log import RequestLog
from python_back_end.services import Services, make_services
from python_back_end.settings import EXIT_CONFIG, Settings, SettingsError, read_settings

__all__ = ["app", "create_app", "safe_generate_speech_optimized"]
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
    for routes in (routes_system, routes_chat, routes_models, routes_speech, routes_memory):
        app.include_router(routes.router)
    app.add_exception_handler(ApiError, _answer_api_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid_request)
    app.add_exception_handler(Exception, _answer_unexpected)
    app.add_middleware(RequestLog)
    return app


async def _answer_api_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    _log.warning("request failed", status=error.status, code=error.code, cause=error.cause)
    return JSONResponse(error.body(), status_code=error.status, headers=error.headers())


async def _answer_invalid_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # Place and complaint only: the input itself may be private and has no business in an answer or a log.
    problems = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
    invalid = ApiError(422, "validation_failed", "; ".join(problems), reason="validation_failed")
    return JSONResponse(invalid.body(), status_code=invalid.status)


async def _answer_unexpected(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"code": "internal_error", "cause": type(error).__name__}, status_code=500)


def _app_of_the_environment() -> FastAPI:
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        record = {"level": "critical", "event": "configuration_invalid"}
        print(json.dumps({**record, "variable": error.variable, "reason": error.reason}), file=sys.stderr)
        raise SystemExit(EXIT_CONFIG) from None
    configure_logging(settings)
    return create_app(settings)


app = _app_of_the_environment()
