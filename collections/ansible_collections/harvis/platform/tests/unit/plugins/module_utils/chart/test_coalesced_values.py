"""Values are laid over each other as Helm does it: a chart that prints ``.Values`` says what Helm makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.harvis.platform.plugins.module_utils.chart.files import load_chart
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.chart.charts import (
    needs_helm,
    renderer,
    write_chart,
)

pytestmark = needs_helm
PRINTS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata: {values: {{ toJson .Values | quote }}}\n"
# the chart's values, the subchart's, the operator's files
CASES: dict[str, tuple[str, str, list[str]]] = {
    "maps are merged, lists and scalars replaced": ("a: {b: 1, c: 2}\nl: [1, 2]\n", "", ["a: {b: 3}\nl: [4]\n"]),
    "the last file wins": ("a: 1\n", "", ["a: 2\nb: {c: 1}\n", "a: 3\nb: {d: 2}\n"]),
    "null deletes a default": ("a: {b: 1, c: 2}\nd: 1\n", "", ["a: {b: null}\nd: null\n"]),
    "null in a default stays": ("a: null\nb: {c: null}\n", "", ["b: {d: 1}\n"]),
    "a subchart's values lie under its alias": ("two: {a: 5}\n", "a: 1\nb: 2\n", ["two: {b: 7}\n"]),
    "null deletes a subchart's default": (
        "two: {b: 3}\n",
        "a: 1\nb: 2\nc: {d: 1, e: 2}\n",
        ["two: {a: null, c: {d: null}}\n"],
    ),
    "global is handed down": ("global: {g: 1, m: {x: 1}}\n", "global: {h: 2, m: {x: 9, z: 2}}\n", ["global: {g: 3}\n"]),
    "a subchart exports values": ("own: 1\n", "exports: {data: {shared: 4, own: 9}}\n", []),
    "a map is replaced by a scalar": ("a: {b: 1}\n", "", ["a: text\n"]),
}


@pytest.mark.parametrize(("values", "below", "overrides"), CASES.values(), ids=CASES)
def test_helm_sees_the_same_values(values: str, below: str, overrides: list[str], tmp_path: Path) -> None:
    root = write_chart(tmp_path / "made", values, {"x.yaml": PRINTS.replace("NAME", "top")})
    sub = write_chart(root / "charts/sub", below, {"x.yaml": PRINTS.replace("NAME", "below")})
    (sub / "Chart.yaml").write_text("apiVersion: v2\nname: sub\nversion: 0.1.0\n")
    dependency = {"name": "sub", "version": "0.1.0", "alias": "two", "import-values": ["data"]}
    metadata = {"apiVersion": "v2", "name": "made", "version": "0.1.0", "dependencies": [dependency]}
    (root / "Chart.yaml").write_text(json.dumps(metadata))
    files = [tmp_path / f"values-{number}.yaml" for number in range(len(overrides))]
    for file, text in zip(files, overrides, strict=True):
        file.write_text(text)
    made = renderer(root, *files)

    rendered = made.render()

    assert not rendered.error
    said = {body["metadata"]["name"]: json.loads(body["data"]["values"]) for body in yaml.safe_load_all(rendered.text)}
    assert made.values == said["top"]
    assert made.values["two"] == said["below"]


def test_a_leaf_knows_the_file_and_line_that_set_it_last(tmp_path: Path) -> None:
    root = write_chart(tmp_path / "made", "a:\n  b: 1\n  c: {}\nl:\n- x\n- y: 2\n", {})
    override = tmp_path / "mine.yaml"
    override.write_text("\n\na:\n  b: 2\n")

    leaves = load_chart(root, [override]).leaves()

    values = str(root / "values.yaml")
    assert {leaf.name: (leaf.file, leaf.line, leaf.override) for leaf in leaves.values()} == {
        "a.b": (str(override), 4, True),
        "a.c": (values, 3, False),
        "l[0]": (values, 5, False),
        "l[1].y": (values, 6, False),
    }
