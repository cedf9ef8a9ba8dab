"""Every environment variable the back end reads, in one table, and the typed settings made from it.

The fields of `Settings` are the table: `VARIABLES` is derived from them, so name, type and default have one home.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any
from urllib.parse import urlsplit

EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h
_TRUE = frozenset({"1", "true", "yes", "on"})
# Entry points of this group are speech engines that other packages bring.
SPEECH_PLUGINS = "harvis.speech"
_FALSE = frozenset({"0", "false", "no", "off"})


class SettingsError(ValueError):
    """A variable has a value that does not fit its type; never shows the value, an address may hold a password."""

    def __init__(self, variable: str, reason: str) -> None:
        super().__init__(f"{variable}: {reason}")
        self.variable = variable
        self.reason = reason


@dataclass(frozen=True)
class Variable:
    name: str
    type: str
    default: Any
    description: str
    aliases: tuple[str, ...] = ()
    secret: bool = False
    optional: bool = False
    choices: tuple[str, ...] = ()
    # Names of entry points of this group are choices too.
    plugins: str = ""
    attribute: str = ""

    def read(self, environ: Mapping[str, str]) -> Any:
        """The first name that is set and not empty wins; without one, the default."""
        for name in (self.name, *self.aliases):
            text = environ.get(name, "").strip()
            if text:
                return self._parse(name, text)
        return self.default

    def _parse(self, name: str, text: str) -> Any:
        try:
            return _PARSERS[self.type](self, text)
        except ValueError as error:
            raise SettingsError(name, str(error)) from None


def _parse_text(variable: Variable, text: str) -> str:
    if not variable.choices:
        return text
    for choice in variable.choices:
        if choice.lower() == text.lower():
            return choice
    named = _plugins(variable)
    for choice in named:
        if choice.lower() == text.lower():
            return choice
    raise ValueError(f"is not one of {', '.join((*variable.choices, *named))}")


def _plugins(variable: Variable) -> list[str]:
    return sorted(entry_points(group=variable.plugins).names) if variable.plugins else []


def _parse_url(_variable: Variable, text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not an http:// or https:// address")
    return text.rstrip("/")


def _parse_int(_variable: Variable, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise ValueError("is not a whole number") from None
    if number < 1:
        raise ValueError("must be 1 or more")
    return number


def _parse_float(_variable: Variable, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError("is not a number") from None
    if not 0 < number < float("inf"):
        raise ValueError("must be a finite number above 0")
    return number


def _parse_bool(_variable: Variable, text: str) -> bool:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise ValueError("is neither true nor false")


_PARSERS: dict[str, Callable[[Variable, str], Any]] = {
    "str": _parse_text,
    "url": _parse_url,
    "int": _parse_int,
    "float": _parse_float,
    "bool": _parse_bool,
}


def _variable(name: str, kind: str, default: Any, description: str, **more: Any) -> Any:
    record = Variable(name=name, type=kind, default=default, description=description, **more)
    return dataclasses.field(default=default, repr=not record.secret, metadata={"variable": record})


@dataclass(frozen=True)
class Settings:
    """What the back end runs with; each field states the variable it is read from."""

    ollama_url: str = _variable(
        "OLLAMA_URL", "url", "http://localhost:11434", "Where Ollama answers; in the merged pod, the same network."
    )
    ollama_model: str = _variable("OLLAMA_MODEL", "str", "llama3", "Model that chats when a request names none.")
    ollama_connect_timeout: float = _variable(
        "OLLAMA_CONNECT_TIMEOUT_SECONDS", "float", 5.0, "Time limit for connecting to Ollama."
    )
    ollama_timeout: float = _variable(
        "OLLAMA_TIMEOUT_SECONDS", "float", 300.0, "Longest silence of Ollama, loading a model included."
    )
    chat_max_tokens: int = _variable("CHAT_MAX_TOKENS", "int", 512, "Most tokens of one answer (num_predict).")
    chat_streams: int = _variable("CHAT_STREAMS", "int", 256, "Most answers under way at once.")
    chat_queue: int = _variable(
        "CHAT_QUEUE", "int", 256, "Most chats that wait for one of those to end; the next is refused with 503."
    )
    chat_session_turns: int = _variable(
        "CHAT_SESSION_TURNS", "int", 8, "Turns of a session that are sent along with its next message."
    )
    chat_sessions: int = _variable(
        "CHAT_SESSIONS", "int", 256, "Sessions kept in memory; the one unused longest goes first."
    )
    kafka_bootstrap: str = _variable(
        "KAFKA_BOOTSTRAP",
        "str",
        "kafka:9092",
        "Kafka's bootstrap servers.",
        aliases=("KAFKA_BOOTSTRAP_SERVERS",),
    )
    memory_timeout: float = _variable(
        "MEMORY_TIMEOUT_SECONDS", "float", 20.0, "Time limit for the answer to a memory written."
    )
    recall_timeout: float = _variable("RECALL_TIMEOUT_SECONDS", "float", 20.0, "Time limit for the answer to a recall.")
    retell_timeout: float = _variable(
        "RETELL_TIMEOUT_SECONDS", "float", 90.0, "Time limit for a retelling, counted from the recall request."
    )
    qdrant_url: str = _variable("QDRANT_URL", "url", "http://qdrant:6333", "Where the vector store answers.")
    qdrant_collection: str = _variable("QDRANT_COLLECTION", "str", "anchors", "Collection that holds the memories.")
    qdrant_timeout: float = _variable("QDRANT_TIMEOUT_SECONDS", "float", 10.0, "Time limit for the vector store.")
    ready_timeout: float = _variable("READY_TIMEOUT_SECONDS", "float", 2.0, "Time limit for each readiness check.")
    speech_engine: str = _variable(
        "SPEECH_ENGINE",
        "str",
        "auto",
        "auto tries Chatterbox on CUDA, Piper on the CPU, then plug-ins; a name allows that engine alone.",
        choices=("auto", "chatterbox", "piper", "none"),
        plugins=SPEECH_PLUGINS,
    )
    speech_load_timeout: float = _variable(
        "SPEECH_LOAD_TIMEOUT_SECONDS", "float", 120.0, "Time limit for loading a speech engine."
    )
    speech_timeout: float = _variable("SPEECH_TIMEOUT_SECONDS", "float", 60.0, "Time limit for speaking one sentence.")
    speech_retry: float = _variable(
        "SPEECH_RETRY_SECONDS", "float", 300.0, "How long an engine that crashed or hung is left aside."
    )
    speech_idle: float = _variable(
        "SPEECH_IDLE_SECONDS", "float", 600.0, "Idle time after which an engine's memory is given back."
    )
    piper_voice: str | None = _variable(
        "PIPER_VOICE", "str", None, "Path of a Piper voice (.onnx); unset, the packaged voice.", optional=True
    )
    cuda_diagnostics_timeout: float = _variable(
        "CUDA_DIAGNOSTICS_TIMEOUT_SECONDS", "float", 60.0, "Time limit for the CUDA diagnostics."
    )
    api_keys: str | None = _variable(
        "BACKEND_API_KEYS",
        "str",
        None,
        "Keys of which a client of the API has to give one, parted by commas; without any, none is asked for.",
        secret=True,
        optional=True,
    )
    api_keys_file: str | None = _variable(
        "BACKEND_API_KEYS_FILE", "str", None, "Path of a file with such keys, one a line.", optional=True
    )
    rate_per_minute: int | None = _variable(
        "BACKEND_RATE_PER_MINUTE",
        "int",
        None,
        "Most requests a minute of one key or address; unset, as many as come.",
        optional=True,
    )
    cors_origins: str | None = _variable(
        "BACKEND_CORS_ORIGINS",
        "str",
        None,
        "Origins whose pages may use the API, parted by commas; unset, none but our own.",
        optional=True,
    )
    log_level: str = _variable(
        "BACKEND_LOG_LEVEL",
        "str",
        "INFO",
        "Least severe log entries written.",
        choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    )
    log_json: bool = _variable("BACKEND_LOG_JSON", "bool", False, "Log entries as JSON, one a line.")


VARIABLES: tuple[Variable, ...] = tuple(
    dataclasses.replace(field.metadata["variable"], attribute=field.name) for field in dataclasses.fields(Settings)
)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from an environment; raises SettingsError for the first value that does not fit."""
    return Settings(**{variable.attribute: variable.read(environ) for variable in VARIABLES})
