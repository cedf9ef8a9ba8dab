"""The questions that detectors have about a chart's values."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.targets import container_of, file_of
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.wiring import (
    Wiring,
    is_free_form,
    leaves_of,
    said,
    top_unknown,
)
from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Effect
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.known import KnownValues
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.chart.hand_made import (
    made,
    path,
    read,
    workload,
)

VALUES = """\
web:
  image: {tag: a}
  resources: {limits: {cpu: 1}}
list:
  - name: x
dead: {a: 1, b: 2}
"""
SUBJECT = made(
    VALUES,
    effects={
        "web.image.tag": "Deployment/web:/a",
        "web.resources": "Deployment/web:/r",
        "list[0].name": "ConfigMap/x:/n",
    },
    reads=[
        read("web", "web.yaml:1", whole=True, reached=False),
        read("web.resources", "web.yaml:2", whole=True),
        read("web.resources.limits", "web.yaml:3"),
        read("web.resources.limits.cpu", "web.yaml:4"),
    ],
    override="web:\n  image: {tag: b}\n",
)
WIRING = Wiring(SUBJECT)


def test_dead_leaves() -> None:
    assert list(map(dotted, WIRING.dead)) == ["dead.a", "dead.b"]


@pytest.mark.parametrize(
    ("block", "all_dead", "live"),
    [
        ("dead", True, []),
        ("dead.a", True, []),
        ("web", False, ["web.image.tag", "web.resources.limits.cpu"]),
        ("list", False, ["list[0].name"]),
        ("missing", False, []),
    ],
)
def test_what_is_alive_below_a_block(block: str, all_dead: bool, live: list[str]) -> None:
    assert WIRING.all_dead(path(block)) is all_dead
    assert list(map(dotted, WIRING.live_below(path(block)))) == live


def test_effects_of_a_block_are_those_of_its_leaves() -> None:
    assert WIRING.effects_below(path("web")) == {
        Effect("default/Deployment/web", "/a"),
        Effect("default/Deployment/web", "/r/limits/cpu"),
    }


def test_without_an_effect_map_nothing_counts_as_dead() -> None:
    assert Wiring(dataclasses.replace(SUBJECT, effects=None)).dead == []


def test_reads_of_a_leaf_are_its_own_and_whole_ones_around_it() -> None:
    # The closest first, and what is not reached last.
    assert [ref.line for ref in WIRING.reads_of(path("web.resources.limits.cpu"))] == [4, 2, 1]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("web.image.tag", "mine.yaml:2"),
        ("web.resources", "values.yaml:3"),
        ("list[0].name", "values.yaml:5"),
        ("nowhere", ":0"),
    ],
)
def test_where_values_have_a_path(name: str, place: str) -> None:
    assert said(WIRING.place(path(name))) == place


def test_what_a_chart_declares_is_without_the_operator_s() -> None:
    assert WIRING.defaults.at(path("web.image.tag")) == "a"
    assert WIRING.values.at(path("web.image.tag")) == "b"


KNOWN = KnownValues({"web": {"image": "a", "extra": {}}, "list": [{"a": 1}], "nothing": None})


@pytest.mark.parametrize(
    ("name", "unknown"),
    [("web.image", ""), ("web.imag.tag", "web.imag"), ("wbe.image", "wbe"), ("web.extra.a.b", "web.extra.a")],
)
def test_the_topmost_unknown_part(name: str, unknown: str) -> None:
    assert dotted(top_unknown(path(name), KNOWN)) == unknown


@pytest.mark.parametrize(
    ("name", "free"), [("web.new", False), ("web.extra.new", True), ("nothing.new", True), ("list[0]", True)]
)
def test_what_a_chart_leaves_to_the_operator(name: str, free: bool) -> None:
    assert is_free_form(path(name), KNOWN) is free


@pytest.mark.parametrize(
    ("value", "leaves"),
    [({"a": {"b": 1, "c": {}}}, ["a.b", "a.c"]), ({"a": [1, {"b": 2}]}, ["a"]), (1, [""])],
)
def test_leaves_of_a_tree(value: t.Any, leaves: list[str]) -> None:
    assert [dotted(one) for one in leaves_of(value)] == leaves


@pytest.mark.parametrize(
    ("field", "container"),
    [
        ("/spec/template/spec/containers/1/image", "/spec/template/spec/containers/1"),
        ("/spec/initContainers/0/resources/limits/cpu", "/spec/initContainers/0"),
        ("/spec/replicas", ""),
        ("/data/containers/x", ""),
        ("", ""),
    ],
)
def test_the_container_around_a_field(field: str, container: str) -> None:
    assert container_of(field) == container


def test_the_template_that_prints_an_object() -> None:
    assert file_of(workload("web", file="all")) == "templates/all.yaml"
