"""Reads of what the values do not have: an error only where something would have been printed."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.undefined import MOST_ALONE, undefined_values
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, Objects
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.chart.hand_made import (
    Told,
    made,
    path,
    read,
    told,
    workload,
)

VALUES = "web: {image: {tag: a}, port: 1, extra: {}}\n"
EFFECTS = {"web.image.tag": "Deployment/web:/a", "web.port": "Deployment/web:/b", "web.extra": "Deployment/web:/c"}
ERROR: list[Told] = [("VAL-UNDEFINED", "templates/web.yaml", 5, "web.tag")]
NOTE: list[Told] = [("VAL-OPTIONAL", "templates/web.yaml", 5, "web.tag")]
# What the read of web.tag is like, and what is found.
READS: list[tuple[str, dict[str, t.Any], list[Told]]] = [
    ("printed", {}, ERROR),
    ("guarded", {"guarded": True}, NOTE),
    ("not reached", {"reached": False}, NOTE),
    ("reached if a cluster says so", {"reached": None}, NOTE),
    ("a condition", {"use": "test"}, NOTE),
    ("a whole block, and nothing like it goes unread", {"whole": True}, NOTE),
    ("a computed path", {"exact": False}, []),
    ("one of a loop's", {"each": True}, []),
]


def given(name: str = "web.tag", **how: t.Any) -> AuditSubject:
    return made(VALUES, effects=EFFECTS, reads=[read(name, "web.yaml:5", **how)])


@pytest.mark.parametrize(("how", "found"), [row[1:] for row in READS], ids=[row[0] for row in READS])
def test_how_a_path_that_is_not_there_is_read(how: dict[str, t.Any], found: list[Told]) -> None:
    assert told([undefined_values], given(**how)) == found


@pytest.mark.parametrize("name", ["web.image.tag", "web.port", "web.extra"])
def test_paths_that_are_there(name: str) -> None:
    assert told([undefined_values], given(name)) == []


def test_what_is_left_to_the_operator_is_optional() -> None:
    assert [code for code, *_ in told([undefined_values], given("web.extra.anything"))] == ["VAL-OPTIONAL"]


@pytest.mark.parametrize(
    ("values", "code"),
    [("web: {nodeSelektor: {a: b}}\n", "VAL-UNDEFINED"), ("web: {replicas: 1}\n", "VAL-OPTIONAL")],
    ids=["a block of almost that name goes unread", "none does"],
)
def test_a_whole_block_that_is_misspelt(values: str, code: str) -> None:
    subject = made(values, reads=[read("web.nodeSelector", "web.yaml:5", whole=True)])

    assert [one for one, *_ in told([undefined_values], subject)] == [code]


def test_what_was_probably_meant_is_the_fix() -> None:
    (item,) = (one for one in undefined_values(given("web.image.tga")) if isinstance(one, Finding))

    assert item.fix == "Did you mean web.image.tag?"


class Renders:
    """Prints the values at the paths that it shows, and fails when it is given one that it cannot take."""

    def __init__(self, *, shows: t.Iterable[str], refuses: t.Iterable[str] = ()) -> None:
        self.shows, self.refuses = {path(one) for one in shows}, {path(one) for one in refuses}
        self.count = 0

    def __call__(self, values: t.Mapping[ValuePath, t.Any]) -> Objects:
        self.count += 1
        if self.refuses & set(values):
            raise HarvisError(Finding.at("VAL-RENDER", Place(), "fails"))
        data = {str(number): value for number, (at, value) in enumerate(values.items()) if at in self.shows}
        item = workload("web")
        return Objects((KubernetesObject({**item.body, "data": data}, item.namespace, item.lines),))


def _rendered(names: t.Sequence[str], renders: Renders) -> list[tuple[str, str]]:
    reads = [read(name, f"web.yaml:{line}") for line, name in enumerate(names, 1)]
    subject = made(VALUES, effects=EFFECTS, reads=reads, objects=[workload("web")])
    return [
        (code, leaf) for code, _, _, leaf in told([undefined_values], dataclasses.replace(subject, rerender=renders))
    ]


def test_only_what_shows_in_an_object_is_an_error() -> None:
    renders = Renders(shows=["web.seen"])

    assert _rendered(["web.seen", "web.hidden"], renders) == [
        ("VAL-UNDEFINED", "web.seen"),
        ("VAL-OPTIONAL", "web.hidden"),
    ]
    assert renders.count == 1


def test_one_that_makes_rendering_fail_hides_no_other() -> None:
    renders = Renders(shows=["web.seen", "web.number"], refuses=["web.number"])

    assert _rendered(["web.seen", "web.number"], renders) == [
        ("VAL-UNDEFINED", "web.seen"),
        ("VAL-OPTIONAL", "web.number"),
    ]
    assert renders.count == 3


def test_rendering_one_by_one_has_an_end() -> None:
    names = [f"web.x{number:02}" for number in range(40)]
    renders = Renders(shows=[], refuses=names)

    assert {code for code, _ in _rendered(names, renders)} == {"VAL-OPTIONAL"}
    assert renders.count == 1 + MOST_ALONE
