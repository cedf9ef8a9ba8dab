"""How a leaf is changed, and how the change is recognised and taken out again."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.compare import Comparison
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import effect_of
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.perturb import Perturbation, perturbations
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.tokens import Tokens


def perturbed(value: t.Any, templates: str = "") -> Perturbation:
    (one,) = perturbations({("leaf",): Leaf(("leaf",), value, "values.yaml", 1)}, "", templates)
    return one


# value, what it is changed to first
CHANGES = [
    ("web", "webzq10000x"),
    ("a: 1\n", "a: 1zq10000x\n"),
    ("500m", "10000m"),
    ("v1.2.3", "v1.2.10000"),
    ("8080", "10000"),
    ("true", "false"),
    ("", "zq10000x"),
    (8080, 10000),
    (0.5, 10000.5),
    (True, False),
    (None, "zq10000x"),
    ({}, {"zq10000x": "zq10000x"}),
    ([], ["zq10000x"]),
]


@pytest.mark.parametrize(("value", "changed"), CHANGES, ids=[repr(value) for value, _ in CHANGES])
def test_a_value_is_changed_to_another_of_its_type(value: t.Any, changed: t.Any) -> None:
    assert perturbed(value).values[0] == changed


@pytest.mark.parametrize("value", ["web", "500m", "v1.2.3", "8080", 8080, 0.5, "two words: and more"])
def test_taking_the_token_out_gives_the_value_back(value: t.Any) -> None:
    one = perturbed(value)

    assert Tokens([one]).strip_value(one.values[0]) == (value, {0})


def test_a_number_that_says_how_often_stays_small() -> None:
    assert perturbed(3, "{{ range until (int .Values.leaf) }}x{{ end }}").values[0] == 4


def test_a_number_that_the_chart_has_already_is_not_used() -> None:
    (one,) = perturbations({("leaf",): Leaf(("leaf",), 1, "values.yaml", 1)}, "port 10000, id 100019", "")

    assert one.number == "10002"


# before, after, the pointers of what changed
DIFFERENCES: dict[str, tuple[t.Any, t.Any, set[str]]] = {
    "nothing": ({"a": 1}, {"a": 1}, set()),
    "a scalar": ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"/b"}),
    "a block that went": ({"a": {"b": {"c": 1}}}, {"a": {}}, {"/a/b"}),
    "a block that came": ({"a": {}}, {"a": {"b": {"c": 1}}}, {"/a/b"}),
    "true is not 1": ({"a": 1}, {"a": True}, {"/a"}),
    "an entry of a named list that came": (
        {"env": [{"name": "A"}, {"name": "C", "value": 1}]},
        {"env": [{"name": "A"}, {"name": "B"}, {"name": "C", "value": 2}]},
        {"/env", "/env/1/value"},
    ),
    "an argument that went": ({"args": ["--a=1", "--b=2", "--c"]}, {"args": ["--a=1", "--c"]}, {"/args/1"}),
    "text that holds YAML": ({"x": "a: 1\nb: 2\n"}, {"x": "a: 1\nb: 3\n"}, {"/x"}),
    "text whose order alone changed": ({"x": "a: 1\nb: 2\n"}, {"x": "b: 2\na: 1\n"}, {"/x"}),
    "a key with a slash": ({"a/b": 1}, {"a/b": 2}, {"/a~1b"}),
    "a map that became text": ({"a": {"b": 1}}, {"a": "text"}, {"/a"}),
}


@pytest.mark.parametrize(("before", "after", "pointers"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_difference_is_the_topmost_field_that_changed(before: t.Any, after: t.Any, pointers: set[str]) -> None:
    comparison = Comparison(Tokens([]))

    comparison.compare(before, after, ("x.yaml", "default/ConfigMap/x"))

    assert {effect_of(key).field for key in comparison.changed} == pointers


@pytest.mark.parametrize(
    ("base", "text"), [("web", "{}"), ("web", "image/{}:1"), ("500m", "{}"), ("web", "d2VienExMDAwMHg=")]
)
def test_a_token_in_a_field_that_is_otherwise_as_before_is_a_trace(base: str, text: str) -> None:
    one = perturbed(base)
    comparison = Comparison(Tokens([one]))
    before = "d2Vi" if text.endswith("=") else text.format(base)

    comparison.compare({"a": before}, {"a": text.format(one.values[0])}, ("x.yaml", "x"))

    assert comparison.traced == {(0, ("x.yaml", "x", "a"))}
    assert not comparison.changed
