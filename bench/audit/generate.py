"""Charts of any size, made the same way every time: what real charts do with values, in the shares in which they do
it."""

from __future__ import annotations

import random
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import yaml

SUBCHARTS = 3
TEMPLATES = 40
SWITCHES = 0.1
SMALLEST = 35


@dataclass
class _Component:
    """One template and the values that it reads."""

    name: str
    values: dict[str, t.Any] = field(default_factory=dict)
    environment: list[str] = field(default_factory=list)
    leaves: int = 0

    def add(self, path: str, value: t.Any) -> None:
        place = self.values
        *parents, last = path.split(".")
        for part in parents:
            place = place.setdefault(part, {})
        place[last] = value
        self.leaves += 1


def write_chart(folder: Path, leaves: int, *, seed: int = 7) -> None:
    """A chart with ``leaves`` leaves, every tenth a switch: 40 templates (fewer in a small one) and 3 subcharts."""
    chance = random.Random(seed)
    templates = min(TEMPLATES, leaves // SMALLEST)
    names = [f"component{number:02}" for number in range(templates)]
    share = [names[start :: SUBCHARTS + 1] for start in range(SUBCHARTS + 1)]
    each = leaves / templates
    values = _write(folder, "generated", share[0], each, chance)
    for number, below in enumerate(share[1:]):
        _write(folder / "charts" / f"sub{number}", f"sub{number}", below, each, chance)
    values["global"] = {"region": "north"}
    (folder / "values.yaml").write_text(yaml.safe_dump(values, sort_keys=False))


def _write(folder: Path, name: str, components: list[str], each: float, chance: random.Random) -> dict[str, t.Any]:
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": name, "version": "1.0.0"}))
    (folder / "templates" / "_helpers.tpl").write_text(_HELPERS)
    values: dict[str, t.Any] = {}
    for component in components:
        made = _component(component, round(each), chance)
        values[component] = made.values
        (folder / "templates" / f"{component}.yaml").write_text(_template(made))
    (folder / "values.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    return values


def _component(name: str, leaves: int, chance: random.Random) -> _Component:
    made = _Component(name)
    for path, value in _FIXED.items():
        made.add(path, value)
    made.leaves += 1  # the list of arguments has two
    switches = max(0, round(leaves * SWITCHES) - _FIXED_SWITCHES)
    for number in range(switches):
        made.add(f"features.feature{number}", chance.random() < 0.5)
    number = 0
    while made.leaves < leaves:
        kind = chance.choice(("text", "text", "text", "number", "quantity"))
        value = {
            "text": f"value-{number}",
            "number": chance.randint(1, 60_000),
            "quantity": f"{chance.randint(1, 900)}m",
        }
        made.add(f"settings.setting{number}", value[kind])
        number += 1
    return made


# The usual block of a component; four of these are switches.
_FIXED: dict[str, t.Any] = {
    "enabled": True,
    "mode": "standalone",
    "image.repository": "registry.example/app",
    "image.tag": "1.2.3",
    "replicas": 2,
    "connections": 100,
    "password": "correct horse",
    "greeting": "hello from {{ .Release.Name }}",
    "service.type": "ClusterIP",
    "service.port": 8080,
    "metrics.enabled": True,
    "metrics.port": 9090,
    "metrics.interval": "30s",
    "ingress.enabled": False,
    "ingress.host": "app.example",
    "ingress.path": "/app",
    "resources.requests.cpu": "100m",
    "resources.requests.memory": "128Mi",
    "resources.limits.memory": "256Mi",
    "nodeSelector": {},
    "args": ["--verbose", "--color=never"],
    "unused": "nobody reads this",
}
_FIXED_SWITCHES = 4

_HELPERS = """{{- define "labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
region: {{ .root.Values.global.region }}
{{- end }}
"""


def _template(made: _Component) -> str:
    features, settings = list(made.values.get("features", {})), list(made.values.get("settings", {}))
    share: dict[str, list[str]] = {feature: [] for feature in features}
    plain = []
    for number, setting in enumerate(settings):
        # Every fourth setting is printed only when a feature is on, the others always.
        if features and number % 4 == 0:
            share[features[number // 4 % len(features)]].append(setting)
        else:
            plain.append(setting)
    lines = [f"  {key}: {{{{ $c.settings.{key} | quote }}}}" for key in plain]
    for feature, guarded in share.items():
        lines.append(f"  {{{{- if $c.features.{feature} }}}}")
        lines.append(f"  {feature}: on")
        lines += [f"  {key}: {{{{ $c.settings.{key} | quote }}}}" for key in guarded]
        lines.append("  {{- end }}")
    return _TEMPLATE.replace("COMPONENT", made.name).replace("SETTINGS", "\n".join(lines))


_TEMPLATE = """{{- $c := .Values.COMPONENT }}
{{- if $c.enabled }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-COMPONENT
  labels:
    {{- include "labels" (dict "root" $ "name" "COMPONENT") | nindent 4 }}
data:
  component: COMPONENT
  mode: {{ if eq $c.mode "standalone" }}alone{{ else }}together{{ end }}
  connections: {{ mul $c.connections 2 | quote }}
  greeting: {{ tpl $c.greeting $ | quote }}
SETTINGS
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}-COMPONENT
data:
  password: {{ $c.password | b64enc }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-COMPONENT
  labels:
    {{- include "labels" (dict "root" $ "name" "COMPONENT") | nindent 4 }}
spec:
  replicas: {{ $c.replicas }}
  selector:
    matchLabels:
      app: COMPONENT
  template:
    metadata:
      labels:
        app: COMPONENT
      annotations:
        checksum/settings: {{ toJson (dict "settings" $c.settings "mode" $c.mode) | sha256sum }}
    spec:
      containers:
      - name: app
        image: "{{ $c.image.repository }}:{{ $c.image.tag }}"
        resources:
          {{- toYaml $c.resources | nindent 10 }}
        args:
          {{- toYaml $c.args | nindent 10 }}
        ports:
        - name: http
          containerPort: {{ $c.service.port }}
        {{- if $c.metrics.enabled }}
        - name: metrics
          containerPort: {{ $c.metrics.port }}
        {{- end }}
      {{- with $c.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}-COMPONENT
spec:
  type: {{ $c.service.type }}
  selector:
    app: COMPONENT
  ports:
  - port: {{ $c.service.port }}
{{- if $c.metrics.enabled }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ .Release.Name }}-COMPONENT
spec:
  endpoints:
  - port: metrics
    interval: {{ $c.metrics.interval }}
{{- end }}
{{- if $c.ingress.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ .Release.Name }}-COMPONENT
spec:
  rules:
  - host: {{ $c.ingress.host }}
    http:
      paths:
      - path: {{ $c.ingress.path }}
{{- end }}
{{- end }}
"""
