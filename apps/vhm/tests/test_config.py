"""The environment: every name, alias and default that users rely on, and what a bad value does."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from vhm_common_utils import config

SHARED = Path(__file__).parents[1] / "common" / "utils"
ALL = ("indexer", "resonance", "reteller")
STORE = ("indexer", "resonance")
NAMES = [variable.name for variable in config.VARIABLES]

# name, aliases, type, default, secret, read by, optional
CONTRACT: list[tuple[str, tuple[str, ...], type, Any, bool, tuple[str, ...], bool]] = [
    ("KAFKA_BOOTSTRAP", ("KAFKA_BOOTSTRAP_SERVERS",), str, "kafka:9092", False, ALL, False),
    ("QDRANT_URL", (), str, "http://qdrant:6333", False, STORE, False),
    ("QDRANT_COLLECTION", (), str, "anchors", False, STORE, False),
    ("EMBEDDING_MODEL", (), str, "deterministic", False, STORE, False),
    ("OLLAMA_BASE_URL", (), str, "http://host.docker.internal:11434", False, ALL, False),
    ("OLLAMA_MODEL", (), str, "llama3", False, ("reteller",), False),
    ("OPENAI_API_KEY", (), str, None, True, ALL, True),
    ("OPENAI_MODEL", (), str, "gpt-4o-mini", False, ("reteller",), False),
    ("PORTKEY_API_KEY", (), str, None, True, ALL, True),
    ("PORTKEY_BASE_URL", (), str, "https://api.portkey.ai/v1", False, ALL, False),
    ("PORTKEY_CONFIG_ID", (), str, None, False, ("reteller",), True),
    ("PORTKEY_MODEL", (), str, None, False, ("reteller",), True),
    ("RESONANCE_MAX_BEATS", (), int, 3, False, ("resonance",), False),
    ("RESONANCE_DIVERSITY_THRESHOLD", (), float, 0.85, False, ("resonance",), False),
    ("RESONANCE_LOG_LEVEL", (), str, "INFO", False, ("resonance",), False),
    ("INDEXER_QDRANT_RETRIES", (), int, 3, False, ("indexer",), False),
    ("INDEXER_QDRANT_RETRY_BACKOFF_SECONDS", (), float, 0.25, False, ("indexer",), False),
    ("INDEXER_KAFKA_RETRIES", (), int, 3, False, ("indexer",), False),
    ("INDEXER_KAFKA_RETRY_BACKOFF_SECONDS", (), float, 0.5, False, ("indexer",), False),
    ("INDEXER_SHUTDOWN_TIMEOUT_SECONDS", (), float, 10.0, False, ("indexer",), False),
    ("INDEXER_LOG_LEVEL", (), str, "INFO", False, ("indexer",), False),
    ("INDEXER_LOG_JSON", (), bool, False, False, ("indexer",), False),
    ("RETELLER_KAFKA_RETRIES", (), int, 3, False, ("reteller",), False),
    ("RETELLER_KAFKA_RETRY_BACKOFF_SECONDS", (), float, 0.5, False, ("reteller",), False),
    ("RETELLER_LOG_LEVEL", (), str, "INFO", False, ("reteller",), False),
    ("RETELLER_POLL_TIMEOUT_SECONDS", (), float, 1.0, False, ("reteller",), False),
    ("RETELLER_PRODUCER_FLUSH_TIMEOUT_SECONDS", (), float, 5.0, False, ("reteller",), False),
]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch):
    for variable in config.VARIABLES:
        for name in (variable.name, *variable.aliases):
            monkeypatch.delenv(name, raising=False)
    yield
    monkeypatch.undo()
    importlib.reload(config)


def test_table_is_the_contract() -> None:
    table = [(v.name, v.aliases, v.type, v.default, v.secret, v.read_by, v.optional) for v in config.VARIABLES]
    assert table == CONTRACT


@pytest.mark.parametrize("variable", config.VARIABLES, ids=NAMES)
def test_constant_has_the_default_of_the_table(variable: config.Variable) -> None:
    importlib.reload(config)
    value = getattr(config, variable.name)
    assert value == variable.default
    assert value is None or type(value) is variable.type


@pytest.mark.parametrize("variable", config.VARIABLES, ids=NAMES)
def test_reload_reads_the_environment_again(variable: config.Variable, monkeypatch: pytest.MonkeyPatch) -> None:
    text, value = {str: ("debug", "debug"), int: ("7", 7), float: ("2.5", 2.5), bool: ("true", True)}[variable.type]
    monkeypatch.setenv(variable.name, text)
    importlib.reload(config)
    assert getattr(config, variable.name) == (value.upper() if variable.choices else value)


def test_name_wins_over_its_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "alias:1")
    importlib.reload(config)
    assert config.KAFKA_BOOTSTRAP == "alias:1"
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "name:1")
    importlib.reload(config)
    assert config.KAFKA_BOOTSTRAP == "name:1"


@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_empty_counts_as_not_set(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP", empty)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "alias:1")
    monkeypatch.setenv("OPENAI_API_KEY", empty)
    importlib.reload(config)
    assert (config.KAFKA_BOOTSTRAP, config.OPENAI_API_KEY) == ("alias:1", None)
    assert not config.is_set("OPENAI_API_KEY")


def test_line_break_at_the_end_is_not_part_of_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key\n")
    importlib.reload(config)
    assert config.OPENAI_API_KEY == "key"


def test_is_set_sees_the_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not config.is_set("KAFKA_BOOTSTRAP")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "alias:1")
    assert config.is_set("KAFKA_BOOTSTRAP")


def test_read_env_transforms_the_first_name_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECOND", "2")
    assert config._read_env("FIRST", "SECOND", transform=int, default=5) == 2
    assert config._read_env("FIRST", "THIRD", transform=int, default=5) == 5


BAD_VALUES = [
    ("RESONANCE_MAX_BEATS", "three", "is not a whole number"),
    ("RESONANCE_MAX_BEATS", "3.0", "is not a whole number"),
    ("RESONANCE_MAX_BEATS", "0", "is below 1"),
    ("INDEXER_QDRANT_RETRIES", "-1", "is below 0"),
    ("RESONANCE_DIVERSITY_THRESHOLD", "high", "is not a number"),
    ("RESONANCE_DIVERSITY_THRESHOLD", "nan", "is not a finite number"),
    ("INDEXER_LOG_JSON", "maybe", "is neither true nor false"),
    ("RETELLER_LOG_LEVEL", "LOUD", "is none of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
]


@pytest.mark.parametrize(("name", "text", "reason"), BAD_VALUES, ids=[f"{n}={t}" for n, t, _ in BAD_VALUES])
def test_bad_value_ends_the_process(name: str, text: str, reason: str) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SHARED), name: text}
    code = "import vhm_common_utils.config"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert json.loads(done.stderr) == {
        "level": "critical",
        "event": "configuration_invalid",
        "variable": name,
        "reason": reason,
    }


def test_table_can_be_read_without_the_workers_libraries() -> None:
    code = "import sys, vhm_common_utils.config; assert not {'pydantic', 'structlog'} & set(sys.modules)"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SHARED)}
    done = subprocess.run([sys.executable, "-S", "-c", code], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
