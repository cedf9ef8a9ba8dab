"""From a rendered field back to the template's line."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.chart.locate import TemplateIndex
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.parser import parse

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
  labels:
    {{- include "x.labels" . | nindent 4 }}
spec:
  {{- if .Values.replicas }}
  replicas: {{ .Values.replicas }}
  {{- end }}
  template:
    spec:
      containers:
        {{- range .Values.containers }}
        - name: {{ .name }}
          image: {{ .image }}
        {{- end }}
        - {{- include "x.sidecar" . | nindent 10 }}
      tolerations:
        {{- toYaml .Values.tolerations | nindent 8 }}
      name: last
"""
HELPERS = """\
{{- define "x.labels" -}}
app: {{ .Chart.Name }}
part-of: shop
{{- end }}
{{- define "x.sidecar" -}}
name: sidecar
image: sidecar:1
{{- end }}
"""
RENDERED = """\
# Source: x/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: r-web
  labels:
    app: x
    part-of: shop
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: one
          image: one:1
        - name: two
          image: two:1
        -
          name: sidecar
          image: sidecar:1
      tolerations:
        - effect: NoSchedule
          key: gpu
      name: last
"""
CONTAINERS = "/spec/template/spec/containers"
FIELDS: list[tuple[str, str, int]] = [
    ("", "templates/web.yaml", 1),
    ("/kind", "templates/web.yaml", 2),
    ("/metadata/name", "templates/web.yaml", 4),
    ("/metadata/labels/app", "templates/_x.tpl", 2),
    ("/metadata/labels/part-of", "templates/_x.tpl", 3),
    ("/spec/replicas", "templates/web.yaml", 9),
    (f"{CONTAINERS}/0/name", "templates/web.yaml", 15),
    (f"{CONTAINERS}/1/name", "templates/web.yaml", 15),
    (f"{CONTAINERS}/1/image", "templates/web.yaml", 16),
    (f"{CONTAINERS}/2/name", "templates/_x.tpl", 6),
    (f"{CONTAINERS}/2/image", "templates/_x.tpl", 7),
    ("/spec/template/spec/tolerations", "templates/web.yaml", 19),
    ("/spec/template/spec/tolerations/0/key", "templates/web.yaml", 20),
    ("/spec/template/spec/name", "templates/web.yaml", 21),
    ("/spec/template/spec/nothing/there", "templates/web.yaml", 12),
]


@pytest.mark.parametrize(("pointer", "file", "line"), FIELDS, ids=[f[0] or "the object" for f in FIELDS])
def test_a_field_knows_its_line(pointer: str, file: str, line: int) -> None:
    assert index().lines_of("x/templates/web.yaml", RENDERED, {}).find(pointer) == (file, line)


def test_a_rendered_line_knows_its_own() -> None:
    lines = index().lines_of("x/templates/web.yaml", RENDERED, {})

    assert lines.place_of_line(10) == ("templates/web.yaml", 9)
    assert lines.place_of_line(1) is None


def test_an_object_of_an_unknown_template_keeps_its_name() -> None:
    assert index().lines_of("x/templates/other.yaml", RENDERED, {}).find("/kind") == ("x/templates/other.yaml", 1)


def test_a_document_that_is_no_yaml_has_the_template_s_first_line() -> None:
    assert index().lines_of("x/templates/web.yaml", "a: [", {}).find("/a") == ("templates/web.yaml", 1)


def index() -> TemplateIndex:
    return TemplateIndex(
        {
            "x/templates/web.yaml": parse(DEPLOYMENT, "templates/web.yaml"),
            "x/templates/_x.tpl": parse(HELPERS, "templates/_x.tpl"),
        }
    )
