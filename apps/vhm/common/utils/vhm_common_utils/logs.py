"""Structured logs on standard output: one JSON object a line, or readable lines for a terminal."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

_STAMP = structlog.processors.TimeStamper(fmt="iso", utc=True)


def configure_logs(*, worker: str, level: str, as_json: bool = True) -> None:
    """Send structlog and the standard library's loggers through one formatter, with the worker's name on each line."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _with_worker(worker),
        _STAMP,
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_renderers(as_json)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # One line for each call to the store or a model would bury the worker's own events.
    for chatty in ("httpx", "httpcore", "uvicorn"):
        logging.getLogger(chatty).setLevel(max(root.level, logging.WARNING))


def _with_worker(worker: str) -> Any:
    def add(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
        event.setdefault("worker", worker)
        return event

    return add


def _renderers(as_json: bool) -> list[Any]:
    clean = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if as_json:
        return [clean, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    return [clean, structlog.dev.ConsoleRenderer(colors=False)]
