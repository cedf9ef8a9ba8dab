"""Charts with any tangle of conditions are mapped as one render for each leaf shows them."""

from __future__ import annotations

import json
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import dotted
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
VALUES: list[t.Any] = ["text", "left", "", "500m", 7, 0, True, False, None, [], {}, ["one", "two"], {"a": 1, "b": "x"}]
# What a part of a template does with two leaves (%a and %b), for a field of its own (%n).
PARTS = [
    '  k%n: "{{ %a }}"',
    "  k%n: {{ %a | default %b | toString | quote }}",
    "{{- if %a }}\n  k%n: {{ toString %b | quote }}\n{{- end }}",
    "{{- if and %a %b }}\n  k%n: both\n{{- end }}",
    "{{- if or %a %b }}\n  k%n: one\n{{- end }}",
    "{{- if not %a }}\n  k%n: {{ toString %b | quote }}\n{{- end }}",
    '{{- if eq (toString %a) "left" }}\n  k%n: left\n{{- else }}\n  k%n: {{ toString %b | quote }}\n{{- end }}',
    "  k%n: {{ toJson %a | quote }}",
    '  k%n: {{ printf "%%v-%%v" %a %b | quote }}',
    "  k%n: {{ toString %a | sha256sum | trunc 9 | quote }}",
    "{{- with %a }}\n  k%n: {{ toString . | quote }}\n{{- end }}",
    '{{- if kindIs "string" %a }}\n  k%n: text\n{{- end }}',
]
CHARTS = st.tuples(
    st.lists(st.sampled_from(VALUES), min_size=6, max_size=24),
    st.lists(st.tuples(st.sampled_from(PARTS), st.integers(0, 23), st.integers(0, 23)), min_size=6, max_size=30),
)
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x%s}\ndata:\n  always: here\n"


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(CHARTS)
def test_a_tangle_of_conditions(chart: tuple[list[t.Any], list[tuple[str, int, int]]]) -> None:
    values, parts = chart
    names = [f"leaf{number}" for number in range(len(values))]
    texts = ["", ""]
    for number, (part, a, b) in enumerate(parts):
        paths = [f".Values.{names[index % len(names)]}" for index in (a, b)]
        text = part.replace("%a", paths[0]).replace("%b", paths[1]).replace("%n", str(number)).replace("%%", "%")
        texts[number % 2] += f"{text}\n"
    templates = {f"x{n}.yaml": HEAD % n + text for n, text in enumerate(texts)}
    with tempfile.TemporaryDirectory() as folder:
        made = renderer(
            write_chart(Path(folder) / "made", json.dumps(dict(zip(names, values, strict=True))), templates)
        )
        leaves = made.chart.leaves()
        found, slow = effect_map(made, leaves), naive_effect_map(made, leaves)

    assert {dotted(path): keys for path, keys in found.effects.items()} == {
        dotted(path): keys for path, keys in slow.effects.items()
    }
    assert found.breaking.keys() == slow.breaking.keys()
