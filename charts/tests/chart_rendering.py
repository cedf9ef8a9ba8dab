"""Renders the charts with the real helm, and reads what comes out."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHARTS = Path(__file__).parents[1]
RELEASES = {"harvis": ("harvis-prod", "ai-agents"), "harvis-data": ("harvis-data", "vhm")}
Object = dict[str, Any]


def find_helm() -> str | None:
    own = CHARTS.parent / ".harvis/bin/helm"
    return os.environ.get("HELM_BIN") or (str(own) if own.exists() else shutil.which("helm"))


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a mapping that has a key twice, which YAML parsers silently let pass."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"keys given twice: {sorted(twice)}", node.start_mark)
        return super().construct_mapping(node, deep)


def load_all(text: str) -> list[Object]:
    return [document for document in yaml.load_all(text, _UniqueKeyLoader) if document]


@dataclass(frozen=True)
class Rendered:
    """The objects of one rendering, by kind and name."""

    objects: tuple[Object, ...]

    def __iter__(self) -> Iterator[Object]:
        return iter(self.objects)

    def get(self, kind: str, name: str) -> Object:
        found = [o for o in self.objects if (o["kind"], o["metadata"]["name"]) == (kind, name)]
        assert len(found) == 1, f"{kind} {name} is rendered {len(found)} times"
        return found[0]

    def names(self, kind: str) -> set[str]:
        return {o["metadata"]["name"] for o in self.objects if o["kind"] == kind}

    def pods(self) -> dict[str, Object]:
        """Pod metadata and spec of every Deployment, StatefulSet and test, by name."""
        templates = {
            o["metadata"]["name"]: o["spec"]["template"] for o in self.objects if "template" in o.get("spec", {})
        }
        tests = {o["metadata"]["name"]: o for o in self.objects if o["kind"] == "Pod"}
        return templates | tests

    def container(self, pod: str, name: str) -> Object:
        spec = self.pods()[pod]["spec"]
        return next(c for c in spec["containers"] + spec.get("initContainers", []) if c["name"] == name)

    def env(self, pod: str, name: str) -> dict[str, Any]:
        """A container's environment as its process sees it, references followed."""
        entries = self.container(pod, name).get("env", [])
        namespace = self._namespace(pod)
        return {entry["name"]: self._value(entry, namespace) for entry in entries}

    def _namespace(self, pod: str) -> str:
        owners = [o for o in self.objects if o["metadata"]["name"] == pod and o["kind"] not in ("Service", "ConfigMap")]
        return owners[0]["metadata"]["namespace"]

    def _value(self, entry: Object, namespace: str) -> Any:
        source = entry.get("valueFrom", {})
        for reference, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if reference in source:
                holder = self.get(kind, source[reference]["name"])
                assert holder["metadata"]["namespace"] == namespace
                return holder["data"][source[reference]["key"]]
        return entry.get("value", "")


@dataclass(frozen=True)
class Helm:
    """The helm program; one method a verb."""

    program: str

    def run(self, *arguments: str, values: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        given = yaml.safe_dump(dict(values or {}))
        argv = [self.program, *arguments, "--values", "-"]
        return subprocess.run(argv, input=given, capture_output=True, text=True, check=False)

    def template(self, chart: str, values: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        release, namespace = RELEASES[chart]
        return self.run("template", release, str(CHARTS / chart), "--namespace", namespace, values=values)

    def render(self, chart: str, values: Mapping[str, Any] | None = None) -> Rendered:
        result = self.template(chart, values)
        assert result.returncode == 0, result.stderr
        return Rendered(tuple(load_all(result.stdout)))


@functools.cache
def default_values(chart: str) -> dict[str, Any]:
    return load_all((CHARTS / chart / "values.yaml").read_text())[0]


# What the optional variables' `optional` does shows only once they have a value.
MAY_BE_EMPTY = (
    "PORTKEY_CONFIG_ID",
    "PORTKEY_MODEL",
    "PIPER_VOICE",
    "BACKEND_API_KEYS_FILE",
    "BACKEND_RATE_PER_MINUTE",
    "BACKEND_CORS_ORIGINS",
)
SCENARIOS: dict[str, list[dict[str, Any]]] = {
    # Between them, these switch every part of a chart on and off.
    "harvis": [
        {},
        {
            "global": {"imagePullSecrets": [{"name": "login"}]},
            "mergedOllamaBackend": {
                "runtimeClassName": "nvidia",
                "service": {"type": "LoadBalancer", "loadBalancerIP": "192.0.2.10"},
                "ollama": {
                    "model": {"name": "harvis-random-test", "testWeights": "/usr/share/harvis/random-test/model.gguf"},
                    "persistence": {"hostPath": "/srv/models"},
                    "resources": {"limits": {"nvidia.com/gpu": 1}},
                    "service": {"type": "LoadBalancer", "nodePort": 31434},
                },
                "resources": {"limits": {"nvidia.com/gpu": 1}},
            },
            "variables": {name: {"value": "given"} for name in MAY_BE_EMPTY},
        },
        {"mergedOllamaBackend": {"enabled": False}, "backend": {"ollamaUrl": "http://ollama.example:11434"}},
        {"existingSecret": "keys-of-mine"},
    ],
    "harvis-data": [
        {},
        {
            "global": {"imagePullSecrets": [{"name": "login"}]},
            "kafka": {
                "external": {"enabled": True, "host": "192.0.2.1"},
                "persistence": {"hostPath": "/srv/kafka"},
            },
            "qdrant": {"persistence": {"hostPath": "/srv/qdrant"}},
        },
    ],
}
"""Values under which each chart is rendered in full."""
