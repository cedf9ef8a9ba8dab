from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.release.compare import described, differences

CASES: list[tuple[str, t.Any, t.Any, list[str]]] = [
    ("equal", {"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}, []),
    ("a number of another type is the same", {"a": 1}, {"a": 1.0}, []),
    ("a changed leaf", {"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}, ["spec.replicas: 1 -> 2"]),
    ("an added leaf", {"a": {}}, {"a": {"b": "x"}}, ["a.b: nothing -> 'x'"]),
    ("a removed part", {"a": {"b": {"c": 1}}}, {"a": {}}, ["a.b (was {'c': 1})"]),
    (
        "named items, in another order",
        {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        {"env": [{"name": "B", "value": "3"}, {"name": "A", "value": "1"}]},
        ["env[B].value: '2' -> '3'"],
    ),
    ("items without names", {"args": ["a", "b"]}, {"args": ["a"]}, ["args[1] (was 'b')"]),
    (
        "the same name twice counts by place",
        {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
        {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "3"}]},
        ["env[1].value: '2' -> '3'"],
    ),
    (
        "a dotted key is quoted",
        {"annotations": {"example.org/a": "1"}},
        {"annotations": {"example.org/a": "2"}},
        ["annotations[\"example.org/a\"]: '1' -> '2'"],
    ),
    ("another type", {"a": {"b": 1}}, {"a": [1]}, ["a: {'b': 1} -> [1]"]),
]


@pytest.mark.parametrize(("before", "after", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_differences_are_named_by_path(before: t.Any, after: t.Any, expected: list[str]) -> None:
    assert [str(found) for found in differences(before, after)] == expected


def test_what_the_server_keeps_is_no_description(recorded: t.Any) -> None:
    body = {**recorded("edited_deployment.json"), "status": {"replicas": 1}}
    kept = described(body)
    assert set(kept) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(kept["metadata"]) == {"annotations", "labels", "name", "namespace"}
    assert "deployment.kubernetes.io/revision" not in kept["metadata"]["annotations"]
    assert kept["metadata"]["annotations"]["example.org/owner"] == "me"
