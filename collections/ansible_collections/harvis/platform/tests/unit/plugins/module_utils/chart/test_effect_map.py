"""The map is what changing each leaf alone would show, and exactly the wiring of a chart."""

from __future__ import annotations

import json
import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Effect, EffectMap
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.effects import effect_map
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.naive import naive_effect_map
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.chart.charts import (
    needs_helm,
    renderer,
    write_chart,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = needs_helm
PROJECT = Path(__file__).resolve().parents[9]


def config_map(*lines: str) -> str:
    return "\n".join(["apiVersion: v1", "kind: ConfigMap", "metadata: {name: x}", "data:", *lines, ""])


def effects_of(found: EffectMap) -> dict[str, set[str]]:
    return {dotted(path): {str(effect) for effect in effects} for path, effects in found.effects.items()}


X = "default/ConfigMap/x"
# values, template, effects of each leaf
IDIOMS: dict[str, tuple[str, str, dict[str, set[str]]]] = {
    "a plain value, and one that nobody reads": (
        "a: one\nb: two\n",
        config_map('  k: "{{ .Values.a }}"'),
        {"a": {f"{X}:/data/k"}, "b": set()},
    ),
    "a default that stands in": (
        "a: ''\nb: two\n",
        config_map('  k: "{{ .Values.a | default .Values.b }}"'),
        {"a": {f"{X}:/data/k"}, "b": {f"{X}:/data/k"}},
    ),
    "a boolean guards a block": (
        "enabled: true\na: one\n",
        config_map("  k: v", '{{- if .Values.enabled }}\n  a: "{{ .Values.a }}"\n{{- end }}'),
        {"enabled": {f"{X}:/data/a"}, "a": {f"{X}:/data/a"}},
    ),
    "an enumeration": (
        "mode: fast\n",
        config_map('  k: "{{ if eq .Values.mode "fast" }}1{{ else }}2{{ end }}"'),
        {"mode": {f"{X}:/data/k"}},
    ),
    "arithmetic": (
        "a: 1\nb: 2\n",
        config_map('  k: "{{ add .Values.a .Values.b }}"'),
        {"a": {f"{X}:/data/k"}, "b": {f"{X}:/data/k"}},
    ),
    "a map passed through whole": (
        "m: {a: one, b: {c: two}}\n",
        config_map("  k: |-", "    {{- toYaml .Values.m | nindent 4 }}"),
        {"m.a": {f"{X}:/data/k"}, "m.b.c": {f"{X}:/data/k"}},
    ),
    "base64 and a checksum": (
        "a: one\nb: two\n",
        config_map('  k: "{{ .Values.a | b64enc }}"', '  s: "{{ .Values.b | sha256sum }}"'),
        {"a": {f"{X}:/data/k"}, "b": {f"{X}:/data/s"}},
    ),
    "a template inside a value": (
        "a: one\nb: '{{ .Values.a }}!'\n",
        config_map('  k: "{{ tpl .Values.b . }}"'),
        {"a": {f"{X}:/data/k"}, "b": {f"{X}:/data/k"}},
    ),
    "a list that is ranged over": (
        "l: [one, two]\n",
        config_map("{{- range $i, $v := .Values.l }}\n  k{{ $i }}: {{ $v }}\n{{- end }}"),
        {"l[0]": {f"{X}:/data/k0"}, "l[1]": {f"{X}:/data/k1"}},
    ),
    "a quantity with a unit": ("m: 128Mi\n", config_map('  k: "{{ .Values.m }}"'), {"m": {f"{X}:/data/k"}}),
    "a value that must not be empty": (
        "a: one\n",
        config_map('  k: "{{ required "a is needed" .Values.a }}"'),
        {"a": {f"{X}:/data/k"}},
    ),
}


@pytest.mark.parametrize(("values", "template", "effects"), IDIOMS.values(), ids=IDIOMS)
def test_an_idiom(values: str, template: str, effects: dict[str, set[str]], tmp_path: Path) -> None:
    made = renderer(write_chart(tmp_path / "made", values, {"x.yaml": template}))

    found = effect_map(made, made.chart.leaves())

    assert effects_of(found) == effects
    assert found.renders == made.count > 0


def test_a_leaf_that_waits_for_another_one_is_dormant(tmp_path: Path) -> None:
    template = config_map("  k: v", '{{- if .Values.enabled }}\n  a: "{{ .Values.a }}"\n{{- end }}')
    made = renderer(write_chart(tmp_path / "made", "enabled: false\na: one\n", {"x.yaml": template}))

    found = effect_map(made, made.chart.leaves())

    assert found.dead() == []
    guard = found.dormant[("a",)]
    assert (guard.path, guard.value, guard.effects) == (("enabled",), True, frozenset({Effect(X, "/data/a")}))


def test_a_leaf_that_breaks_rendering_is_named_and_the_others_are_mapped(tmp_path: Path) -> None:
    lines = ['{{- if ne .Values.a "one" }}{{ fail "a must be one" }}{{ end }}', '  k: "{{ .Values.b }}"']
    made = renderer(write_chart(tmp_path / "made", "a: one\nb: two\n", {"x.yaml": config_map(*lines)}))

    found = effect_map(made, made.chart.leaves())

    assert "a must be one" in found.breaking[("a",)]
    assert effects_of(found)["b"] == {f"{X}:/data/k"}


def test_a_checksum_of_many_values_costs_few_renders(tmp_path: Path) -> None:
    names = [f"v{number}" for number in range(40)]
    values = "".join(f"{name}: one\n" for name in names)
    every = "".join(f"{{{{ .Values.{name} }}}} " for name in names)
    define = f'{{{{- define "every" }}}}{every}{{{{ end }}}}\n'
    template = define + config_map('  s: "{{ include "every" . | sha256sum }}"')
    made = renderer(write_chart(tmp_path / "made", values, {"x.yaml": template}))

    found = effect_map(made, made.chart.leaves())

    assert set(map(frozenset, effects_of(found).values())) == {frozenset({f"{X}:/data/s"})}
    assert found.renders <= 5


@pytest.mark.parametrize("chart", ["harvis", "harvis-data"])
def test_of_our_charts_it_is_what_one_render_for_each_leaf_shows(chart: str) -> None:
    made = renderer(PROJECT / "charts" / chart)
    leaves = made.chart.leaves()
    # Every third leaf of the larger one: a render for each takes its time.
    sample: list[ValuePath] = list(leaves)[:: 3 if chart == "harvis" else 1]

    found, slow = effect_map(made, leaves), naive_effect_map(made, leaves, sample)

    assert {path: found.effects[path] for path in sample} == slow.effects


def test_the_same_answer_every_time() -> None:
    maps = []
    for _ in range(2):
        made = renderer(PROJECT / "charts/harvis-data")
        found = effect_map(made, made.chart.leaves())
        maps.append((found.effects, found.dormant, found.breaking, found.renders))

    assert maps[0] == maps[1]


# How a field can read a leaf: (value of the leaf, expression over its path).
READS: dict[str, tuple[t.Any, str]] = {
    "plain": ("text", '"{{ %s }}"'),
    "quoted": ("text", "{{ %s | quote }}"),
    "number": (7, '"{{ %s }}"'),
    "sum": (7, '"{{ add %s 3 }}"'),
    "flag": (True, '"{{ ternary "yes" "no" %s }}"'),
    "choice": ("left", '"{{ if eq %s "left" }}1{{ else }}2{{ end }}"'),
    "encoded": ("text", '"{{ %s | b64enc }}"'),
    "hashed": ("text", '"{{ %s | sha256sum }}"'),
    "defaulted": ("", '"{{ %s | default "other" }}"'),
    "upper": ("text", '"{{ upper %s }}"'),
    "nothing": ("text", ""),
}
WIRINGS = st.lists(
    st.tuples(st.sampled_from(sorted(READS)), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=12
)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(WIRINGS)
def test_a_generated_chart_is_mapped_exactly_as_it_is_wired(wiring: list[tuple[str, int, int]]) -> None:
    """Each leaf is read in one way by as many fields as ``wiring`` says, spread over several objects."""
    values = {f"leaf{n}": READS[kind][0] for n, (kind, _, _) in enumerate(wiring)}
    data: dict[int, list[str]] = {number: ["  always: here"] for number in range(3)}
    wired: dict[str, set[str]] = {name: set() for name in values}
    for n, (kind, first, fields) in enumerate(wiring):
        expression = READS[kind][1]
        for field in range(fields if expression else 0):
            target = (first + field) % 3
            data[target].append(f"  k{n}x{field}: {expression % f'.Values.leaf{n}'}")
            wired[f"leaf{n}"].add(f"default/ConfigMap/x{target}:/data/k{n}x{field}")
    templates = {f"x{n}.yaml": config_map(*lines).replace("{name: x}", f"{{name: x{n}}}") for n, lines in data.items()}
    with tempfile.TemporaryDirectory() as folder:
        made = renderer(write_chart(Path(folder) / "made", json.dumps(values), templates))
        found = effect_map(made, made.chart.leaves())

    assert effects_of(found) == wired


def test_a_subchart_under_an_alias_with_a_condition(tmp_path: Path) -> None:
    root = write_chart(tmp_path / "made", "one: {enabled: true, a: 1}\nglobal: {g: x}\n", {})
    template = config_map('  k: "{{ .Values.a }}{{ .Values.global.g }}"')
    sub = write_chart(root / "charts/sub", "enabled: true\na: 0\n", {"x.yaml": template})
    (sub / "Chart.yaml").write_text("apiVersion: v2\nname: sub\nversion: 0.1.0\n")
    dependency = {"name": "sub", "version": "0.1.0", "alias": "one", "condition": "one.enabled"}
    metadata = {"apiVersion": "v2", "name": "made", "version": "0.1.0", "dependencies": [dependency]}
    (root / "Chart.yaml").write_text(json.dumps(metadata))
    made = renderer(root)

    found = effects_of(effect_map(made, made.chart.leaves()))

    assert found["one.a"] == found["global.g"] == {f"{X}:/data/k"}
    assert found["one.enabled"] == {f"{X}:"}


def test_text_that_is_no_yaml_names_its_leaf_and_shows_no_secret(tmp_path: Path) -> None:
    template = config_map('  k: "{{ .Values.password }}"', "{{ .Values.lines }}", '  z: "{{ .Values.z }}"')
    made = renderer(write_chart(tmp_path / "made", 'password: s3cret\nlines: ""\nz: one\n', {"x.yaml": template}))

    found = effect_map(made, made.chart.leaves())

    assert "YAML parse error" in found.breaking[("lines",)]
    assert "s3cret" not in str((found.breaking, found.not_checked, made.render({("lines",): "nothing"}).error))
    assert found.not_checked[0].startswith("the effect of lines: rendering fails when it alone is changed")
    assert effects_of(found)["z"] == {f"{X}:/data/z"}
