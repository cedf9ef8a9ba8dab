"""The schemas refuse what Helm would let pass in silence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from chart_rendering import CHARTS, SCENARIOS, Helm, default_values

OPEN = {
    "harvis": {"definitions.env", "definitions.labels", "properties.variables"},
    "harvis-data": {"definitions.env", "definitions.labels", "properties.kafka.properties.config"},
}
"""Maps whose names are the user's."""


def _object_nodes(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if node.get("type") == "object":
            yield path, node
        for key, child in node.items():
            yield from _object_nodes(child, f"{path}.{key}".lstrip("."))


@pytest.mark.parametrize("chart", SCENARIOS)
def test_every_level_is_closed(chart: str) -> None:
    schema = json.loads((CHARTS / chart / "values.schema.json").read_text())
    open_nodes = {path for path, node in _object_nodes(schema) if node.get("additionalProperties") is not False}
    assert open_nodes == OPEN[chart]


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("harvis", {"mergedOllamaBackend": {"resource": {}}}, "resource"),
    ("harvis", {"mergedOllamaBackend": {"resources": {"limits": {"memmory": "1Gi"}}}}, "memmory"),
    ("harvis", {"mergedOllamaBackend": {"resources": {"limits": {"memory": "32 GB"}}}}, "memory"),
    ("harvis", {"mergedOllamaBackend": {"enabled": "no"}}, "enabled"),
    ("harvis", {"mergedOllamaBackend": {"gpuContainer": "none"}}, "gpuContainer"),
    ("harvis", {"mergedOllamaBackend": {"enabled": False}}, "ollamaUrl"),
    ("harvis", {"mergedOllamaBackend": {"service": {"nodePort": 8000}}}, "nodePort"),
    ("harvis", {"mergedOllamaBackend": {"ollama": {"model": {"testWeights": "/model.gguf"}}}}, "name"),
    ("harvis", {"workers": {"resonanse": {"replicas": 2}}}, "resonanse"),
    ("harvis", {"workers": {"indexer": {"replicas": "two"}}}, "replicas"),
    ("harvis", {"variables": {"RESONANCE_MAX_BEAT": {"value": 5}}}, "RESONANCE_MAX_BEAT"),
    ("harvis", {"variables": {"OLLAMA_MODEL": {"value": "other"}}}, "OLLAMA_MODEL"),
    ("harvis", {"variables": {"QDRANT_URL": {"readBy": ["resonanse"]}}}, "readBy"),
    ("harvis", {"backend": {"env": {"NOT-A-NAME": "x"}}}, "NOT-A-NAME"),
    ("harvis-data", {"kafka": {"external": {"enabled": True}}}, "host"),
    ("harvis-data", {"kafka": {"clusterId": "short"}}, "clusterId"),
    ("harvis-data", {"kafka": {"heap": "384Mi"}}, "heap"),
    ("harvis-data", {"kafka": {"persistence": {"hostPath": "relative"}}}, "hostPath"),
    ("harvis-data", {"qdrant": {"imagee": "x"}}, "imagee"),
]


@pytest.mark.parametrize(
    ("chart", "values", "named"), REFUSED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_slip_is_refused_by_name(helm: Helm, chart: str, values: dict[str, Any], named: str) -> None:
    result = helm.template(chart, values)
    assert result.returncode != 0
    assert "schema" in result.stderr
    assert named in result.stderr


USERS_VALUES = {
    "global": {"namespace": "ai-agents"},
    "mergedOllamaBackend": {
        "enabled": True,
        "ollama": {"image": "ollama/ollama:latest", "resources": {"limits": {"nvidia.com/gpu": "1"}}},
        "backend": {"image": "backend:1", "env": {"OLLAMA_URL": "http://localhost:11434"}},
        "resources": {
            "requests": {"cpu": "1000m", "memory": "8Gi", "nvidia.com/gpu": 1},
            "limits": {"cpu": "12000m", "memory": "32Gi", "nvidia.com/gpu": 1},
        },
    },
    "backend": {"env": {"OLLAMA_CLOUD_URL": "http://ollama:11434"}, "resources": {"limits": {"memory": 2147483648}}},
}


def test_values_of_existing_users_are_taken(helm: Helm) -> None:
    result = helm.template("harvis", USERS_VALUES)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("chart", SCENARIOS)
def test_the_defaults_name_an_image_with_a_fixed_tag(chart: str) -> None:
    images = [value for key, value in _items(default_values(chart)) if key == "image" and value]
    assert len(images) >= 2
    assert [image for image in images if ":" not in image or image.endswith(":latest")] == []


def _items(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from _items(value)
