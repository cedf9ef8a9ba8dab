"""Values without an effect, and the one reason that each of them is given."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks import unused
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.unused import unused_values
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.chart.hand_made import (
    CONTAINERS,
    Told,
    made,
    read,
    told,
    workload,
)

WEB, WORKER = f"Deployment/web:{CONTAINERS}/0", f"Deployment/worker:{CONTAINERS}/0"
Row = tuple[str, AuditSubject, list[Told]]


def two_components(*reads: t.Any, worker: str = "resources: {limits: {cpu: 2}}, ", **own: str) -> AuditSubject:
    """``web.resources`` reaches both containers, unless ``own`` says what the worker's reaches."""
    return made(
        f"web: {{resources: {{limits: {{cpu: 1}}}}}}\nworker: {{{worker}replicas: 1}}\n",
        effects={
            "web.resources": [f"{WEB}/resources", *(() if own else (f"{WORKER}/resources",))],
            "worker.replicas": "Deployment/worker:/spec/replicas",
            **own,
        },
        reads=[read("web.resources", "web.yaml:9", whole=True), *reads],
        objects=[workload("web"), workload("worker")],
    )


OTHERS = read("web.resources", "worker.yaml:9", whole=True)
CROSSED: list[Row] = [
    (
        "another component's block is read",
        two_components(OTHERS),
        [("VAL-CROSSED", "templates/worker.yaml", 9, "worker.resources")],
    ),
    (
        "through a named template",
        two_components(read("web.resources", "_c.tpl:3", whole=True, start=("templates/worker.yaml", 20))),
        [("VAL-CROSSED", "templates/worker.yaml", 20, "worker.resources")],
    ),
    (
        "its own block is read",
        two_components(
            read("worker.resources", "worker.yaml:9", whole=True), **{"worker.resources": f"{WORKER}/resources"}
        ),
        [],
    ),
    ("it has no block of its own", two_components(OTHERS, worker=""), []),
    (
        "a read that is not reached",
        two_components(read("web.resources", "worker.yaml:9", whole=True, reached=False)),
        [("VAL-DEAD", "values.yaml", 2, "worker.resources.limits.cpu")],
    ),
    (
        "a block that is there for all",
        made(
            "common: {replicas: 1}\nworker: {replicas: 2}\n",
            effects={"common.replicas": "Deployment/worker:/spec/replicas"},
            reads=[read("common.replicas", "worker.yaml:4")],
            objects=[workload("worker")],
        ),
        [("VAL-DEAD", "values.yaml", 2, "worker.replicas")],
    ),
]


LIMITS = 'web: {resources: {limits: {cpu: 1, "nvidia.com/gpu": 1}}}\n'
PARTIAL: list[Row] = [
    (
        "a key of a block is left out",
        made(
            LIMITS,
            effects={"web.resources.limits.cpu": f"{WEB}/resources/limits/cpu"},
            reads=[read("web.resources.limits.cpu", "web.yaml:12")],
            objects=[workload("web")],
        ),
        [("VAL-PARTIAL", "templates/web.yaml", 12, 'web.resources.limits["nvidia.com/gpu"]')],
    ),
    (
        "the whole block is read",
        made(
            LIMITS,
            effects={"web.resources": f"{WEB}/resources"},
            reads=[read("web.resources", "web.yaml:12", whole=True)],
            objects=[workload("web")],
        ),
        [],
    ),
    (
        "nothing of the block is read",
        made(LIMITS),
        [("VAL-DEAD", "values.yaml", 1, f"web.resources.limits{key}") for key in (".cpu", '["nvidia.com/gpu"]')],
    ),
]


REASONS: list[Row] = [
    (
        "read by nobody",
        made("a: 1\nb: 2\n", effects={"a": "ConfigMap/x:/data/a"}),
        [("VAL-DEAD", "values.yaml", 2, "b")],
    ),
    ("each has an effect", made("a: 1\n", effects={"a": "ConfigMap/x:/data/a"}), []),
    ("the operator's", made("a: {}\n", override="a: {b: 1}\n"), [("VAL-IGNORED", "mine.yaml", 1, "a.b")]),
    ("makes rendering fail when it changes", made("a: 1\n", breaking={"a": "no such mode"}), []),
    ("read by the notes", made("a: 1\n", reads=[read("a", "NOTES.txt:3")]), []),
    ("the notes read another", made("a: 1\n", reads=[read("b", "NOTES.txt:3")]), [("VAL-DEAD", "values.yaml", 1, "a")]),
    (
        "a key that is misspelt",
        made(
            "web: {replicas: 1}\n",
            effects={"web.replicas": "Deployment/web:/spec/replicas"},
            override="web: {replicsa: 2}\n",
        ),
        [("VAL-TYPO", "mine.yaml", 1, "web.replicsa")],
    ),
    (
        "a key that is new and read",
        made("web: {replicas: 1}\n", effects={"web": "Deployment/web:/spec"}, override="web: {replicsa: 2}\n"),
        [],
    ),
    (
        "an override one level too deep",
        made(
            "web: {image: {tag: a}, port: 1}\n",
            effects={"web.image.tag": f"{WEB}/image", "web.port": f"{WEB}/port"},
            override="web: {image: {port: 2}}\n",
        ),
        [("VAL-NESTED", "mine.yaml", 1, "web.image.port")],
    ),
    (
        "templates read it one level up",
        made("web: {image: {port: 1}}\n", reads=[read("web.port", "web.yaml:4")]),
        [("VAL-NESTED", "values.yaml", 1, "web.image.port")],
    ),
    (
        "templates read it where it is",
        made(
            "web: {image: {port: 1}}\n",
            effects={"web.image.port": f"{WEB}/port"},
            reads=[read("web.image.port", "web.yaml:4")],
        ),
        [],
    ),
    (
        "false that default swallows",
        made("debug: false\n", reads=[read("debug", "web.yaml:7", use="default true")]),
        [("VAL-FALSE", "templates/web.yaml", 7, "debug")],
    ),
    (
        "a text with a default",
        made(
            "debug: x\n",
            effects={"debug": "ConfigMap/x:/data/a"},
            reads=[read("debug", "web.yaml:7", use="default true")],
        ),
        [],
    ),
]


@pytest.mark.parametrize(
    ("given", "found"),
    [row[1:] for row in (*CROSSED, *PARTIAL, *REASONS)],
    ids=[row[0] for row in (*CROSSED, *PARTIAL, *REASONS)],
)
def test_each_value_without_an_effect_has_one_reason(given: AuditSubject, found: list[Told]) -> None:
    assert told([unused_values], given) == found


def test_a_component_that_does_not_exist_is_said_to() -> None:
    given = made(
        "worker: {replicas: 1, resources: {limits: {cpu: 2}}}\n",
        effects={"worker.replicas": "Deployment/worker:/spec/replicas"},
        reads=[read("web.resources", "worker.yaml:9", whole=True)],
        objects=[workload("worker")],
    )

    (item,) = (one for one in unused_values(given) if isinstance(one, Finding))

    assert (item.code, item.place and item.place.line) == ("VAL-CROSSED", 9)
    assert item.cause == (
        "worker is configured from web.resources; nothing reads worker.resources, and web.resources does not exist"
    )


# A pod of two containers from one component: its image is the component's, and who has resources.
def pod(*, resources: bool, sidecar: str = "web.exporterImage") -> AuditSubject:
    item = workload("web", "web", "exporter")
    first, second = item.body["spec"]["template"]["spec"]["containers"]
    first["resources"] = {"limits": {"cpu": 1}}
    second.update({"resources": {"limits": {"cpu": 1}}} if resources else {})
    fields = [f"{CONTAINERS}/{number}/resources" for number in range(1 + resources)]
    return made(
        "web: {image: a, exporterImage: b, resources: {limits: {cpu: 1}}}\nexporter: {image: c}\n",
        effects={
            "web.image": f"{WEB}/image",
            "web.exporterImage": "ConfigMap/x:/data/y",
            "exporter.image": "ConfigMap/x:/data/z",
            "web.resources": [f"Deployment/web:{field}" for field in fields],
            sidecar: f"Deployment/web:{CONTAINERS}/1/image",
        },
        reads=[read("web.resources", "web.yaml:9", whole=True)],
        objects=[item],
    )


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (pod(resources=False), [("VAL-PARTIAL", "templates/web.yaml", 1, "web.resources")]),
        (pod(resources=True), []),
        (pod(resources=False, sidecar="exporter.image"), []),
    ],
    ids=["none for the second", "both have them", "the second is another component's"],
)
def test_resources_of_two_containers(given: AuditSubject, found: list[Told]) -> None:
    assert told([unused_values], given) == found


DORMANT: list[Row] = [
    (
        "behind a switch that is off",
        made("open: false\na: 1\n", effects={"open": "Service/x:"}, dormant={"a": ("open", True, "Service/x:/spec/a")}),
        [("VAL-DORMANT", "values.yaml", 2, "a")],
    ),
    ("that is empty, and wakes itself", made("a: ''\n", dormant={"a": ("a", "x", "Service/x:/spec/a")}), []),
    (
        "no condition",
        made("open: false\na: 1\n", effects={"open": "Service/x:", "a": "Service/y:/spec/a"}),
        [],
    ),
    (
        "behind a value that no try has found",
        made(
            "mode: x\na: 1\n",
            effects={"mode": "Service/x:/spec/type"},
            reads=[read("a", "web.yaml:3", reached=False, waits_for=(("mode",),))],
        ),
        [("VAL-DORMANT", "values.yaml", 2, "a")],
    ),
    (
        "in a subchart that is off",
        made(
            "db: {enabled: false, size: 1}\n",
            effects={"db.enabled": "StatefulSet/db:"},
            metadata="{dependencies: [{name: db, version: 1.0.0, condition: db.enabled}]}",
        ),
        [("VAL-DORMANT", "values.yaml", 1, "db.size")],
    ),
    (
        "in a subchart that is on",
        made(
            "db: {enabled: true, size: 1}\n",
            effects={"db.enabled": "StatefulSet/db:", "db.size": "StatefulSet/db:/spec/size"},
            metadata="{dependencies: [{name: db, version: 1.0.0, condition: db.enabled}]}",
        ),
        [],
    ),
]


@pytest.mark.parametrize(("given", "found"), [row[1:] for row in DORMANT], ids=[row[0] for row in DORMANT])
def test_a_value_that_waits_for_another(given: AuditSubject, found: list[Told]) -> None:
    assert told(unused.DETECTORS, given) == found


def test_what_only_a_cluster_could_settle_is_not_checked() -> None:
    given = made("a: 1\n", reads=[read("a", "web.yaml:3", reached=None)])

    (item,) = unused_values(given)

    assert item == NotChecked(
        "whether these values have an effect depends on what a cluster answers: a (templates/web.yaml:3)"
    )


def test_what_was_probably_meant_is_the_fix() -> None:
    given = made(
        "web: {}\nworker: {replicas: 1}\n",
        effects={"worker.replicas": "Deployment/worker:/spec/replicas"},
        override="web: {replicas: 2}\n",
    )

    (item,) = (one for one in unused_values(given) if isinstance(one, Finding))

    assert (item.code, item.fix) == ("VAL-IGNORED", "Did you mean worker.replicas?")
