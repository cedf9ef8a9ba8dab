"""The values files: every path is read, every leaf has an effect, and the schema lets no slip pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from chart_rendering import CHARTS, SCENARIOS, Helm, default_values

Path = tuple[str, ...]


@pytest.mark.parametrize("chart", SCENARIOS)
def test_lint_is_strict_and_silent(helm: Helm, chart: str) -> None:
    result = helm.run("lint", "--strict", str(CHARTS / chart))
    assert result.returncode == 0, result.stdout
    assert "[WARNING]" not in result.stdout


def _value_at(values: Any, path: Path) -> Any:
    for key in path:
        values = values[key]
    return values


def _paths_read(chart: str) -> set[Path]:
    templates = "\n".join(file.read_text() for file in (CHARTS / chart / "templates").rglob("*.*"))
    return {tuple(found.split(".")) for found in re.findall(r"\.Values\.([A-Za-z0-9_.]*[A-Za-z0-9_])", templates)}


@pytest.mark.parametrize("chart", SCENARIOS)
def test_every_path_that_templates_read_is_in_the_values_file(chart: str) -> None:
    paths = _paths_read(chart)
    assert len(paths) > 5
    for path in paths:
        _value_at(default_values(chart), path)


def _leaves(node: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from _leaves(value, (*path, key))
    elif path[-1] != "readBy":
        yield path


OTHER_TEXTS = {
    "imagePullPolicy": "Always",
    "gpuContainer": "ollama",
    "type": "NodePort",
    "namespace": "elsewhere",
    "workersNamespace": "elsewhere",
    "clusterId": "AAAAAAAAAAAAAAAAAAAAAA",
    "heap": "512m",
    "cpu": "77m",
    "memory": "77Mi",
    "size": "77Gi",
    "hostPath": "/elsewhere",
    "testWeights": "/elsewhere",
    "ollamaUrl": "http://elsewhere:1",
    "name": "harvis-random-test:other",
    "module": "elsewhere",
}
OTHER_COLLECTIONS: dict[str, Any] = {
    "imagePullSecrets": [{"name": "other"}],
    "tolerations": [{"key": "other", "operator": "Exists"}],
}


def _another(path: Path, value: Any) -> Any:
    """A valid value that differs from this one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return 31999 if path[-1] == "nodePort" else value + 1
    if isinstance(value, dict | list):
        return OTHER_COLLECTIONS.get(path[-1], {"OTHER": "other"})
    return OTHER_TEXTS.get(path[-1], "other")


def _overlay(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """Helm's own rule: maps are merged, everything else is replaced."""
    merged = dict(base)
    for key, value in top.items():
        both_maps = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = _overlay(base[key], value) if both_maps else value
    return merged


def _with(path: Path, value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return value


def _has_effect(helm: Helm, chart: str, path: Path, outputs: list[str]) -> bool:
    """Whether the leaf changes what is rendered in at least one scenario."""
    for scenario, output in zip(SCENARIOS[chart], outputs, strict=True):
        current = _value_at(_overlay(default_values(chart), scenario), path)
        result = helm.template(chart, _overlay(scenario, _with(path, _another(path, current))))
        if result.returncode == 0 and result.stdout != output:
            return True
    return False


@pytest.mark.parametrize("chart", SCENARIOS)
def test_every_leaf_has_an_effect(helm: Helm, chart: str) -> None:
    outputs = [helm.template(chart, scenario).stdout for scenario in SCENARIOS[chart]]
    leaves = list(_leaves(default_values(chart)))
    assert len(leaves) > 20
    assert [".".join(path) for path in leaves if not _has_effect(helm, chart, path, outputs)] == []


@pytest.mark.parametrize("chart", SCENARIOS)
def test_rendering_is_repeatable(helm: Helm, chart: str) -> None:
    assert helm.template(chart).stdout == helm.template(chart).stdout


@pytest.mark.parametrize("helpers", ["_common.tpl", "_test.tpl"])
def test_both_charts_have_the_same_helpers(helpers: str) -> None:
    first, second = (CHARTS / chart / "templates" / helpers for chart in SCENARIOS)
    assert first.read_text() == second.read_text()
