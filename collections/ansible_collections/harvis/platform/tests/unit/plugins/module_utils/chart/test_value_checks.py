"""The parts of the checks of values that need no chart."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.blocks import PARENTS, shaped_block
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.depth import meant_elsewhere
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.duplicates import twice
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.words import (
    nearest_key,
    nearest_path,
    shared_words,
    words,
)
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.known import KnownValues


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("mergedOllamaBackend", ("merged", "ollama", "backend")),
        ("merged-ollama-backend", ("merged", "ollama", "backend")),
        ("merged_ollama.backend2", ("merged", "ollama", "backend", "2")),
        ("HTTPServer", ("http", "server")),
        ("", ()),
    ],
)
def test_words_of_a_name(name: str, found: tuple[str, ...]) -> None:
    assert words(name) == found


@pytest.mark.parametrize(
    ("wanted", "name", "count"),
    [
        ("backend", "harvis-backend", 1),
        ("mergedOllamaBackend", "release-merged-ollama-backend", 3),
        ("mergedOllamaBackend", "harvis-backend", 0),
        ("back", "harvis-backend", 0),
    ],
)
def test_a_component_s_name_in_an_object_s(wanted: str, name: str, count: int) -> None:
    assert shared_words(words(wanted), name) == count


@pytest.mark.parametrize(
    ("key", "known", "near"),
    [
        ("replicsa", ["replicas", "resources"], "replicas"),
        ("replica_count", ["replicaCount"], "replicaCount"),
        ("priority", ["replicas", "resources"], ""),
        ("replicas", ["replicas"], ""),
    ],
)
def test_the_key_that_was_meant(key: str, known: list[str], near: str) -> None:
    assert nearest_key(key, known) == near


def test_the_path_that_was_meant_ends_alike_if_there_is_one() -> None:
    known: list[ValuePath] = [("api", "image", "tag"), ("web", "image", "tags"), ("web", "other")]

    assert nearest_path(("app", "image", "tag"), known) == ("api", "image", "tag")
    assert nearest_path(("zzzzzzzz",), known) == ()


KNOWN = KnownValues({"web": {"resources": {"limits": {"cpu": 1}}, "image": {"tag": "1"}, "env": {}}, "port": 1})
DEPTHS: list[tuple[str, ValuePath, t.Any, list[ValuePath]]] = [
    ("too high", ("limits",), {"cpu": 2}, []),
    ("one too high", ("web", "limits"), {"cpu": 2}, [("web", "resources", "limits")]),
    ("at the root", ("resources",), {"limits": {}}, [("web", "resources")]),
    ("one too deep", ("web", "image", "resources"), {"limits": {}}, [("web", "resources")]),
    ("a scalar", ("web", "image", "port"), 2, []),
    ("a scalar one too deep", ("web", "port"), 2, [("port",)]),
    ("of another shape", ("web", "image", "resources"), {"size": 1}, []),
    ("a scalar is no block", ("web", "image", "resources"), 3, []),
    ("where it belongs", ("web", "resources"), {"limits": {}}, []),
]


@pytest.mark.parametrize(("path", "value", "meant"), [d[1:] for d in DEPTHS], ids=[d[0] for d in DEPTHS])
def test_a_block_at_the_wrong_depth(path: ValuePath, value: t.Any, meant: list[ValuePath]) -> None:
    assert meant_elsewhere(path, value, KNOWN) == meant


DUPLICATES: list[tuple[str, str, list[tuple[ValuePath, int, int]]]] = [
    ("none", "a: 1\nb: {a: 1}", []),
    ("at the root", "a: 1\nb: 2\na: 3", [(("a",), 3, 1)]),
    ("three times", "a: 1\na: 2\na: 3", [(("a",), 2, 1), (("a",), 3, 2)]),
    ("in a list", "x:\n  - a: 1\n    a: 2", [(("x", 0, "a"), 3, 2)]),
    ("merge keys are none", "x: &x {a: 1}\ny: {<<: *x, a: 2}", []),
    ("no YAML", "a: [", []),
    ("an anchor inside itself", "&a [*a]", []),
]


@pytest.mark.parametrize(("text", "found"), [d[1:] for d in DUPLICATES], ids=[d[0] for d in DUPLICATES])
def test_keys_that_stand_twice(text: str, found: list[tuple[ValuePath, int, int]]) -> None:
    assert twice(text) == found


@pytest.mark.parametrize(
    ("path", "block"),
    [
        (("web", "resources", "limits", "nvidia.com/gpu"), ("web", "resources")),
        (("web", "livenessProbe", "httpGet", "path"), ("web", "livenessProbe")),
        (("web", "livenessProbe", "enabled"), ()),
        (("web", "resources", "preset"), ()),
        (("web", "image", "tag"), ()),
    ],
)
def test_blocks_of_kubernetes_shape(path: ValuePath, block: ValuePath) -> None:
    assert shaped_block(path) == block


@pytest.mark.parametrize(
    ("name", "parent", "fits"),
    [
        ("nodeSelector", "/spec/template/spec", True),
        ("nodeSelector", "/spec/template/spec/containers/0", False),
        ("nodeSelector", "/spec/jobTemplate/spec/template/spec", True),
        ("livenessProbe", "/spec/template/spec/containers/1", True),
        ("livenessProbe", "/spec/template/spec", False),
        ("resources", "/spec/volumeClaimTemplates/0/spec", True),
        ("resources", "/spec/template/spec/containers/0/securityContext", False),
    ],
)
def test_where_a_block_belongs(name: str, parent: str, fits: bool) -> None:
    assert (PARENTS[name].fullmatch(parent) is not None) is fits
