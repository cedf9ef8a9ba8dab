"""Every environment variable of the memory workers: name, aliases, type, default and who reads it.

`VARIABLES` is the only home of these facts. The constants below are read from it, and so is the chart's list of
variables. `importlib.reload` reads the environment again. The module imports the standard library alone, so that a
chart tool can read the table without the workers' dependencies.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar, cast

T = TypeVar("T")

EXIT_CONFIGURATION = 78
"""EX_CONFIG of sysexits.h: restarting the process does not help, somebody must correct a value."""

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})

_INDEXER = ("indexer",)
_RESONANCE = ("resonance",)
_RETELLER = ("reteller",)
_STORE_USERS = ("indexer", "resonance")
_ALL = ("indexer", "resonance", "reteller")


@dataclass(frozen=True)
class Variable:
    """One variable of the environment; `read_by` names the workers that need it."""

    name: str
    aliases: tuple[str, ...]
    type: type
    default: Any
    secret: bool
    read_by: tuple[str, ...]
    optional: bool
    minimum: float | None = None
    choices: tuple[str, ...] = ()

    def parse(self, text: str) -> Any:
        """The typed value of `text`; raises `ValueError` with a reason that a user can act on."""
        value = _PARSERS[self.type](text)
        if self.minimum is not None and value < self.minimum:
            raise ValueError(f"is below {self.minimum:g}")
        if not self.choices:
            return value
        if value.upper() not in self.choices:
            raise ValueError(f"is none of {', '.join(self.choices)}")
        return value.upper()


def _variable(
    name: str,
    read_by: tuple[str, ...],
    default: Any,
    *,
    aliases: tuple[str, ...] = (),
    secret: bool = False,
    minimum: float | None = None,
    choices: tuple[str, ...] = (),
) -> Variable:
    kind = str if default is None else type(default)
    return Variable(name, aliases, kind, default, secret, read_by, default is None, minimum, choices)


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("is not a whole number") from None


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("is not a number") from None
    if not math.isfinite(value):
        raise ValueError("is not a finite number")
    return value


def _boolean(text: str) -> bool:
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("is neither true nor false")
    return word in _TRUE


_PARSERS: dict[type, Callable[[str], Any]] = {str: str, int: _integer, float: _number, bool: _boolean}


VARIABLES: tuple[Variable, ...] = (
    _variable("KAFKA_BOOTSTRAP", _ALL, "kafka:9092", aliases=("KAFKA_BOOTSTRAP_SERVERS",)),
    _variable("QDRANT_URL", _STORE_USERS, "http://qdrant:6333"),
    _variable("QDRANT_COLLECTION", _STORE_USERS, "anchors"),
    _variable("EMBEDDING_MODEL", _STORE_USERS, "deterministic"),
    _variable("OLLAMA_BASE_URL", _ALL, "http://host.docker.internal:11434"),
    _variable("OLLAMA_MODEL", _RETELLER, "llama3"),
    _variable("OPENAI_API_KEY", _ALL, None, secret=True),
    _variable("OPENAI_MODEL", _RETELLER, "gpt-4o-mini"),
    _variable("PORTKEY_API_KEY", _ALL, None, secret=True),
    _variable("PORTKEY_BASE_URL", _ALL, "https://api.portkey.ai/v1"),
    _variable("PORTKEY_CONFIG_ID", _RETELLER, None),
    _variable("PORTKEY_MODEL", _RETELLER, None),
    _variable("RESONANCE_MAX_BEATS", _RESONANCE, 3, minimum=1),
    _variable("RESONANCE_DIVERSITY_THRESHOLD", _RESONANCE, 0.85),
    _variable("RESONANCE_LOG_LEVEL", _RESONANCE, "INFO", choices=_LOG_LEVELS),
    _variable("INDEXER_QDRANT_RETRIES", _INDEXER, 3, minimum=0),
    _variable("INDEXER_QDRANT_RETRY_BACKOFF_SECONDS", _INDEXER, 0.25, minimum=0),
    _variable("INDEXER_KAFKA_RETRIES", _INDEXER, 3, minimum=0),
    _variable("INDEXER_KAFKA_RETRY_BACKOFF_SECONDS", _INDEXER, 0.5, minimum=0),
    _variable("INDEXER_SHUTDOWN_TIMEOUT_SECONDS", _INDEXER, 10.0, minimum=0),
    _variable("INDEXER_LOG_LEVEL", _INDEXER, "INFO", choices=_LOG_LEVELS),
    _variable("INDEXER_LOG_JSON", _INDEXER, False),
    _variable("RETELLER_KAFKA_RETRIES", _RETELLER, 3, minimum=0),
    _variable("RETELLER_KAFKA_RETRY_BACKOFF_SECONDS", _RETELLER, 0.5, minimum=0),
    _variable("RETELLER_LOG_LEVEL", _RETELLER, "INFO", choices=_LOG_LEVELS),
    _variable("RETELLER_POLL_TIMEOUT_SECONDS", _RETELLER, 1.0, minimum=0.01),
    _variable("RETELLER_PRODUCER_FLUSH_TIMEOUT_SECONDS", _RETELLER, 5.0, minimum=0.01),
)

_BY_NAME = {variable.name: variable for variable in VARIABLES}


def stop_for(variable: str, reason: str) -> NoReturn:
    """End the process over one bad variable: its name and the reason, never its value."""
    record = {"level": "critical", "event": "configuration_invalid", "variable": variable, "reason": reason}
    print(json.dumps(record), file=sys.stderr, flush=True)
    raise SystemExit(EXIT_CONFIGURATION)


def _set_value(*names: str) -> tuple[str, str] | None:
    """The first of `names` that holds more than white space: a mounted value often ends in a line break."""
    for name in names:
        text = os.environ.get(name, "").strip()
        if text:
            return name, text
    return None


def _read_env(*names: str, transform: Callable[[str], T], default: T) -> T:
    """The first non-empty variable of `names`, transformed; `default` when none is set."""
    found = _set_value(*names)
    if found is None:
        return default
    name, text = found
    try:
        return transform(text)
    except ValueError as error:
        stop_for(name, str(error))


def is_set(name: str) -> bool:
    """Whether the environment gives this variable a value, by its name or an alias."""
    return _set_value(name, *_BY_NAME[name].aliases) is not None


def _value(name: str) -> Any:
    variable = _BY_NAME[name]
    return _read_env(name, *variable.aliases, transform=variable.parse, default=cast(Any, variable.default))


KAFKA_BOOTSTRAP: str = _value("KAFKA_BOOTSTRAP")
QDRANT_URL: str = _value("QDRANT_URL")
QDRANT_COLLECTION: str = _value("QDRANT_COLLECTION")
EMBEDDING_MODEL: str = _value("EMBEDDING_MODEL")
OLLAMA_BASE_URL: str = _value("OLLAMA_BASE_URL")
OLLAMA_MODEL: str = _value("OLLAMA_MODEL")
OPENAI_API_KEY: str | None = _value("OPENAI_API_KEY")
OPENAI_MODEL: str = _value("OPENAI_MODEL")
PORTKEY_API_KEY: str | None = _value("PORTKEY_API_KEY")
PORTKEY_BASE_URL: str = _value("PORTKEY_BASE_URL")
PORTKEY_CONFIG_ID: str | None = _value("PORTKEY_CONFIG_ID")
PORTKEY_MODEL: str | None = _value("PORTKEY_MODEL")
RESONANCE_MAX_BEATS: int = _value("RESONANCE_MAX_BEATS")
RESONANCE_DIVERSITY_THRESHOLD: float = _value("RESONANCE_DIVERSITY_THRESHOLD")
RESONANCE_LOG_LEVEL: str = _value("RESONANCE_LOG_LEVEL")
INDEXER_QDRANT_RETRIES: int = _value("INDEXER_QDRANT_RETRIES")
INDEXER_QDRANT_RETRY_BACKOFF_SECONDS: float = _value("INDEXER_QDRANT_RETRY_BACKOFF_SECONDS")
INDEXER_KAFKA_RETRIES: int = _value("INDEXER_KAFKA_RETRIES")
INDEXER_KAFKA_RETRY_BACKOFF_SECONDS: float = _value("INDEXER_KAFKA_RETRY_BACKOFF_SECONDS")
INDEXER_SHUTDOWN_TIMEOUT_SECONDS: float = _value("INDEXER_SHUTDOWN_TIMEOUT_SECONDS")
INDEXER_LOG_LEVEL: str = _value("INDEXER_LOG_LEVEL")
INDEXER_LOG_JSON: bool = _value("INDEXER_LOG_JSON")
RETELLER_KAFKA_RETRIES: int = _value("RETELLER_KAFKA_RETRIES")
RETELLER_KAFKA_RETRY_BACKOFF_SECONDS: float = _value("RETELLER_KAFKA_RETRY_BACKOFF_SECONDS")
RETELLER_LOG_LEVEL: str = _value("RETELLER_LOG_LEVEL")
RETELLER_POLL_TIMEOUT_SECONDS: float = _value("RETELLER_POLL_TIMEOUT_SECONDS")
RETELLER_PRODUCER_FLUSH_TIMEOUT_SECONDS: float = _value("RETELLER_PRODUCER_FLUSH_TIMEOUT_SECONDS")
