"""Settings, under the names that Qdrant itself reads, so that one manifest fits both servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_STORAGE_PATH = "QDRANT__STORAGE__STORAGE_PATH"
_HOST = "QDRANT__SERVICE__HOST"
_PORT = "QDRANT__SERVICE__HTTP_PORT"
_API_KEY = "QDRANT__SERVICE__API_KEY"
_LOG_LEVEL = "QDRANT__LOG_LEVEL"
_LOG_LEVELS = ("critical", "error", "warning", "info", "debug")


class SettingsError(ValueError):
    """A variable holds a value that cannot be used."""


@dataclass(frozen=True)
class Settings:
    storage_path: Path = Path("/qdrant/storage")
    host: str = "0.0.0.0"
    port: int = 6333
    api_key: str | None = field(default=None, repr=False)
    log_level: str = "info"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; an empty variable counts as not set."""
        given = {name: value for name, value in environment.items() if value}
        return cls(
            storage_path=Path(given.get(_STORAGE_PATH, str(cls.storage_path))),
            host=given.get(_HOST, cls.host),
            port=_port(given.get(_PORT, str(cls.port))),
            api_key=given.get(_API_KEY),
            log_level=_log_level(given.get(_LOG_LEVEL, cls.log_level)),
        )


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise SettingsError(f"{_PORT}: {text!r} is not a TCP port")
    return int(text)


def _log_level(text: str) -> str:
    # Qdrant writes WARN where Python says warning.
    level = {"warn": "warning", "trace": "debug"}.get(text.lower(), text.lower())
    if level not in _LOG_LEVELS:
        raise SettingsError(f"{_LOG_LEVEL}: {text!r} is none of {', '.join(_LOG_LEVELS)}")
    return level
