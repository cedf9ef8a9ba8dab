"""The table of variables, and what a bad value does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from python_back_end.settings import VARIABLES, Settings, SettingsError, read_settings

SOURCES = Path(__file__).resolve().parent.parent / "python_back_end"

CONTRACT: dict[str, object] = {
    "OLLAMA_URL": "http://localhost:11434",
    "OLLAMA_MODEL": "llama3",
    "KAFKA_BOOTSTRAP": "kafka:9092",
    "QDRANT_URL": "http://qdrant:6333",
    "QDRANT_COLLECTION": "anchors",
    "CHAT_MAX_TOKENS": 512,
    "SPEECH_ENGINE": "auto",
}

BAD_VALUES: list[tuple[str, str, str]] = [
    ("CHAT_MAX_TOKENS", "many", "is not a whole number"),
    ("CHAT_MAX_TOKENS", "0", "must be 1 or more"),
    ("OLLAMA_TIMEOUT_SECONDS", "-1", "must be a finite number above 0"),
    ("OLLAMA_TIMEOUT_SECONDS", "nan", "must be a finite number above 0"),
    ("OLLAMA_TIMEOUT_SECONDS", "soon", "is not a number"),
    ("OLLAMA_URL", "localhost:11434", "is not an http:// or https:// address"),
    ("BACKEND_LOG_JSON", "maybe", "is neither true nor false"),
    ("SPEECH_ENGINE", "espeak", "is not one of auto, chatterbox, piper, none"),
]


def test_defaults_are_those_of_the_contract() -> None:
    defaults = {variable.name: variable.default for variable in VARIABLES}
    assert {name: defaults[name] for name in CONTRACT} == CONTRACT


def test_an_empty_environment_gives_the_defaults() -> None:
    assert read_settings({}) == Settings()


def test_an_empty_string_counts_as_not_set() -> None:
    assert read_settings({"OLLAMA_MODEL": "", "CHAT_MAX_TOKENS": "  "}) == Settings()


def test_values_get_their_types() -> None:
    environ = {"CHAT_MAX_TOKENS": "16", "READY_TIMEOUT_SECONDS": "0.5", "BACKEND_LOG_JSON": "True"}
    assert read_settings(environ) == Settings(chat_max_tokens=16, ready_timeout=0.5, log_json=True)


def test_the_first_name_that_is_not_empty_wins() -> None:
    both = {"KAFKA_BOOTSTRAP": "first:1", "KAFKA_BOOTSTRAP_SERVERS": "second:2"}
    assert read_settings(both).kafka_bootstrap == "first:1"
    assert read_settings({**both, "KAFKA_BOOTSTRAP": ""}).kafka_bootstrap == "second:2"


@pytest.mark.parametrize(("name", "value", "reason"), BAD_VALUES)
def test_a_bad_value_is_named_with_its_reason(name: str, value: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    assert (caught.value.variable, caught.value.reason) == (name, reason)


def test_an_alias_is_named_where_the_alias_is_wrong() -> None:
    urls = [variable for variable in VARIABLES if variable.aliases]
    assert [(variable.name, variable.aliases) for variable in urls] == [
        ("KAFKA_BOOTSTRAP", ("KAFKA_BOOTSTRAP_SERVERS",))
    ]


def test_the_server_ends_with_78_and_never_shows_the_value() -> None:
    environ = {**os.environ, "PYTHONPATH": str(SOURCES.parent), "OLLAMA_URL": "ftp://user:hunter2@host"}
    argv = [sys.executable, "-m", "uvicorn", "python_back_end.main:app", "--port", "0"]
    ended = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 78
    assert json.loads(ended.stderr.splitlines()[-1]) == {
        "level": "critical",
        "event": "configuration_invalid",
        "variable": "OLLAMA_URL",
        "reason": "is not an http:// or https:// address",
    }
    assert "hunter2" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_every_variable_is_used_and_described(variable: object) -> None:
    attribute = variable.attribute  # type: ignore[attr-defined]
    sources = "".join(path.read_text() for path in SOURCES.glob("*.py") if path.name != "settings.py")
    assert f"settings.{attribute}" in sources
    assert variable.description.endswith(".")  # type: ignore[attr-defined]


def test_a_key_is_not_shown_where_settings_are() -> None:
    settings = read_settings({"BACKEND_API_KEYS": "a-key-of-some-length"})
    assert settings.api_keys == "a-key-of-some-length"
    assert "a-key" not in repr(settings)


def test_nothing_else_reads_the_environment() -> None:
    readers = {
        path.name for path in SOURCES.glob("*.py") if "environ" in path.read_text() or "getenv" in path.read_text()
    }
    assert readers == {"settings.py", "main.py", "model_manager.py"}


def test_the_flat_names_of_the_modules_import_too() -> None:
    environ = {**os.environ, "PYTHONPATH": f"{SOURCES.parent}:{SOURCES}"}
    code = "import main, model_manager; print(main.app.title, model_manager.safe_generate_speech_optimized.__name__)"
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout.split() == ["Harvis", "back", "end", "safe_generate_speech_optimized"]
