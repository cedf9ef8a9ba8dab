"""Values that only another value switches on."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.effects import effect_map
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.chart.charts import (
    needs_helm,
    renderer,
    write_chart,
)

pytestmark = needs_helm
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  always: here\n"

# values, template, the guard of each dormant leaf
WAITING: dict[str, tuple[str, str, dict[str, tuple[str, object]]]] = {
    "behind a flag": (
        "wanted: false\na: one\n",
        '{{- if .Values.wanted }}\n  a: "{{ .Values.a }}"\n{{- end }}',
        {"a": ("wanted", True)},
    ),
    "a flag behind a flag, and a value behind both": (
        "one: {wanted: false, two: {wanted: false, a: text}}\n",
        '{{- if .Values.one.wanted }}\n  one: here\n{{- if .Values.one.two.wanted }}\n  a: "{{ .Values.one.two.a }}"\n'
        "{{- end }}\n{{- end }}",
        {"one.two.wanted": ("one.wanted", True), "one.two.a": ("one.two.wanted", True)},
    ),
    "a flag of another block, behind one that makes an object": (
        "outer: {wanted: false}\ninner: {wanted: false, deep: {a: text}}\n",
        "{{- if .Values.outer.wanted }}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata:\n  it: here\n"
        '{{- if .Values.inner.wanted }}\n  a: "{{ .Values.inner.deep.a }}"\n{{- end }}\n{{- end }}',
        {"inner.wanted": ("outer.wanted", True), "inner.deep.a": ("inner.wanted", True)},
    ),
    "a flag that is true, behind a flag": (
        "wanted: false\nquick: true\n",
        "{{- if .Values.wanted }}\n  it: here\n{{- if .Values.quick }}\n  quick: here\n{{- end }}\n{{- end }}",
        {"quick": ("wanted", True)},
    ),
    "behind a text that a template compares": (
        "service: {type: ClusterIP, nodePort: 30000}\n",
        '{{- if eq .Values.service.type "NodePort" }}\n  p: "{{ .Values.service.nodePort }}"\n{{- end }}',
        {"service.nodePort": ("service.type", "NodePort")},
    ),
    "behind an empty list": (
        "hosts: []\ntls: false\n",
        '{{- range .Values.hosts }}\n  h: here\n  t: "{{ $.Values.tls }}"\n{{- end }}',
        {"tls": ("hosts", ["*"])},
    ),
    "nothing wakes it": ("wanted: false\na: one\n", "{{- if .Values.wanted }}\n  b: here\n{{- end }}", {}),
}


@pytest.mark.parametrize(("values", "template", "guards"), WAITING.values(), ids=WAITING)
def test_the_guard_is_found(values: str, template: str, guards: dict[str, tuple[str, object]], tmp_path: Path) -> None:
    made = renderer(write_chart(tmp_path / "made", values, {"x.yaml": HEAD + template}))

    found = effect_map(made, made.chart.leaves())

    assert {dotted(path): dotted(guard.path) for path, guard in found.dormant.items()} == {
        path: guard for path, (guard, _) in guards.items()
    }
    told = [(found.dormant[path].value, value) for path in found.dormant for value in [guards[dotted(path)][1]]]
    assert all(mine == value or isinstance(value, list) for mine, value in told)
    assert all(guard.effects for guard in found.dormant.values())
