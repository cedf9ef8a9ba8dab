"""The list of variables: who gets what, what it becomes, and which pods a change restarts."""

from __future__ import annotations

import base64
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from chart_rendering import CHARTS, Helm, Object, Rendered, default_values

READERS = {"indexer": "indexer", "resonance": "resonance", "reteller": "reteller", "harvis-backend": "backend"}
OWN = {"WORKER_MODULE", "HOME"}
DERIVED = {"KAFKA_BOOTSTRAP", "QDRANT_URL", "OLLAMA_BASE_URL", "OLLAMA_URL", "OLLAMA_MODEL"}


def _container_of(pod: str) -> str:
    return "backend" if pod == "harvis-backend" else pod


def _listed(reader: str) -> set[str]:
    variables = default_values("harvis")["variables"]
    return {name for name, variable in variables.items() if reader in variable["readBy"]}


def _templates(rendered: Rendered) -> dict[str, Object]:
    return {name: pod for name, pod in rendered.pods().items() if pod.get("kind") != "Pod"}


@pytest.fixture(scope="module")
def rendered(helm: Helm) -> Rendered:
    return helm.render("harvis")


@pytest.mark.parametrize(("pod", "reader"), READERS.items())
def test_a_reader_gets_its_variables_and_no_other(rendered: Rendered, pod: str, reader: str) -> None:
    assert rendered.env(pod, _container_of(pod)).keys() - OWN == _listed(reader)


def test_every_plain_variable_of_the_workers_is_in_the_config_map(rendered: Rendered) -> None:
    variables = default_values("harvis")["variables"]
    plain = {
        name
        for name, variable in variables.items()
        if not variable.get("secret") and set(variable["readBy"]) - {"backend"}
    }
    assert rendered.get("ConfigMap", "vhm-config")["data"].keys() == plain


def test_secret_variables_are_in_the_secret_alone(rendered: Rendered) -> None:
    assert rendered.get("Secret", "vhm-secrets")["data"] == {"OPENAI_API_KEY": "", "PORTKEY_API_KEY": ""}


def test_a_secret_reaches_no_config_map_and_no_pod(helm: Helm) -> None:
    result = helm.template("harvis", {"variables": {"OPENAI_API_KEY": {"value": "a-secret-key"}}})
    assert "a-secret-key" not in result.stdout
    assert base64.b64encode(b"a-secret-key").decode() in result.stdout


ADDRESSES = [
    ("KAFKA_BOOTSTRAP", "kafka.memories.svc.cluster.local:9092"),
    ("QDRANT_URL", "http://qdrant.memories.svc.cluster.local:6333"),
    ("OLLAMA_BASE_URL", "http://harvis-ollama.agents.svc.cluster.local:11434"),
]


@pytest.mark.parametrize(("name", "address"), ADDRESSES)
def test_addresses_follow_the_namespaces(helm: Helm, name: str, address: str) -> None:
    moved = helm.render("harvis", {"global": {"namespace": "agents", "workersNamespace": "memories"}})
    assert moved.env("indexer", "indexer")[name] == address


def test_a_given_address_wins(helm: Helm) -> None:
    rendered = helm.render("harvis", {"variables": {"KAFKA_BOOTSTRAP": {"value": "broker.example:9092"}}})
    values = {rendered.env(pod, _container_of(pod))["KAFKA_BOOTSTRAP"] for pod in READERS}
    assert values == {"broker.example:9092"}


def test_the_model_has_one_home(helm: Helm) -> None:
    rendered = helm.render("harvis", {"mergedOllamaBackend": {"ollama": {"model": {"name": "qwen3:8b"}}}})
    assert rendered.env("reteller", "reteller")["OLLAMA_MODEL"] == "qwen3:8b"
    assert rendered.env("harvis-backend", "backend")["OLLAMA_MODEL"] == "qwen3:8b"
    assert rendered.env("harvis-backend", "model")["MODEL"] == "qwen3:8b"


TEXTS = [(3, "3"), (1800000, "1800000"), (0, "0"), (0.85, "0.85"), (False, "false"), ("3", "3")]


@pytest.mark.parametrize(("value", "text"), TEXTS)
def test_a_value_becomes_the_text_that_was_meant(helm: Helm, value: Any, text: str) -> None:
    rendered = helm.render("harvis", {"variables": {"INDEXER_KAFKA_RETRIES": {"value": value}}})
    assert rendered.env("indexer", "indexer")["INDEXER_KAFKA_RETRIES"] == text


CHANGES = [
    ("RESONANCE_MAX_BEATS", 5, {"resonance"}),
    ("INDEXER_LOG_LEVEL", "DEBUG", {"indexer"}),
    ("RETELLER_LOG_LEVEL", "DEBUG", {"reteller"}),
    ("EMBEDDING_MODEL", "ollama:bge-m3", {"indexer", "resonance"}),
    ("QDRANT_COLLECTION", "others", {"indexer", "resonance", "harvis-backend"}),
    ("OPENAI_API_KEY", "a-secret-key", {"indexer", "resonance", "reteller"}),
    ("CHAT_MAX_TOKENS", 64, {"harvis-backend"}),
]


@pytest.mark.parametrize(("name", "value", "restarted"), CHANGES)
def test_a_change_restarts_the_readers_alone(
    helm: Helm, rendered: Rendered, name: str, value: Any, restarted: set[str]
) -> None:
    before = _templates(rendered)
    after = _templates(helm.render("harvis", {"variables": {name: {"value": value}}}))
    assert {pod for pod in before if before[pod] != after[pod]} == restarted


def test_an_empty_value_is_refused_unless_optional(helm: Helm) -> None:
    result = helm.template("harvis", {"variables": {"EMBEDDING_MODEL": {"value": ""}}})
    assert result.returncode != 0
    assert "variables.EMBEDDING_MODEL.value is empty, and the variable is not optional" in result.stderr


def test_an_existing_secret_takes_the_place_of_the_charts(helm: Helm) -> None:
    rendered = helm.render("harvis", {"existingSecret": "keys-of-mine"})
    assert rendered.names("Secret") == set()
    references = {
        (entry["valueFrom"]["secretKeyRef"]["name"], entry["valueFrom"]["secretKeyRef"]["optional"])
        for entry in rendered.container("reteller", "reteller")["env"]
        if "secretKeyRef" in entry.get("valueFrom", {})
    }
    assert references == {("keys-of-mine", True)}


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"chart_test_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _tables() -> dict[str, dict[str, Any]]:
    """Both applications' tables as one: default, secret, optional and readers by name."""
    apps = CHARTS.parent / "apps"
    workers = _load(apps / "vhm/common/utils/vhm_common_utils/config.py").VARIABLES
    backend = _load(apps / "harvis/python_back_end/settings.py").VARIABLES
    table = {v.name: _row(v, list(v.read_by)) for v in workers}
    for variable in backend:
        table.setdefault(variable.name, _row(variable, []))["readBy"].append("backend")
    return table


def _row(variable: Any, readers: list[str]) -> dict[str, Any]:
    default = True if variable.name.endswith("_LOG_JSON") else variable.default
    row = {"value": "" if default is None or variable.name in DERIVED else default, "readBy": readers}
    flags = {flag: True for flag in ("secret", "optional") if getattr(variable, flag)}
    return row | flags


def test_the_list_is_that_of_the_applications() -> None:
    listed = {name: {"value": ""} | variable for name, variable in default_values("harvis")["variables"].items()}
    assert listed == _tables()
