"""Two components that read each other's block leave no value dead: where the values land tells."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject
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
BOTH = (workload("web"), workload("worker"))
RESOURCES = """\
    web: {resources: {limits: {cpu: 1}}}
    worker: {resources: {limits: {cpu: 2}}}
"""
CROSSED: list[Told] = [
    ("VAL-CROSSED", "templates/web.yaml", 9, "web.resources"),
    ("VAL-CROSSED", "templates/worker.yaml", 9, "worker.resources"),
]


def two(key: str, web: str, worker: str, value: str = "1") -> AuditSubject:
    """``web.KEY`` lands in ``web`` and is read in its template, or where the other one's is."""
    places = {"web": "web.yaml:9", "worker": "worker.yaml:9"}
    return made(
        f"web: {{{key}: {value}}}\nworker: {{{key}: {value}}}\n",
        effects={f"web.{key}": web, f"worker.{key}": worker},
        reads=[
            read(f"web.{key}", places["worker" if "worker" in web else "web"]),
            read(f"worker.{key}", places["worker" if "worker" in worker else "web"]),
        ],
        objects=[*BOTH, workload("web", kind="NetworkPolicy"), workload("worker", kind="NetworkPolicy")],
    )


def resources(*, web: str, worker: str) -> AuditSubject:
    """Resources of both, and whose template reads them."""
    return made(
        RESOURCES,
        effects={
            "web.resources": f"Deployment/{web}:{CONTAINERS}/0/resources",
            "worker.resources": f"Deployment/{worker}:{CONTAINERS}/0/resources",
        },
        reads=[read("web.resources", f"{web}.yaml:9"), read("worker.resources", f"{worker}.yaml:9")],
        objects=BOTH,
    )


def renamed(*, web: str, worker: str, image: bool) -> AuditSubject:
    """The same with objects whose names do not tell; the images, if there are any, land in ``front`` and ``back``."""
    effects = {
        "web.resources": f"Deployment/{web}:{CONTAINERS}/0/resources",
        "worker.resources": f"Deployment/{worker}:{CONTAINERS}/0/resources",
    }
    images = {
        "web.image": f"Deployment/front:{CONTAINERS}/0/image",
        "worker.image": f"Deployment/back:{CONTAINERS}/0/image",
    }
    more = "image: x, " if image else ""
    return made(
        "".join(f"{name}: {{{more}resources: {{limits: {{cpu: 1}}}}}}\n" for name in ("web", "worker")),
        effects=effects | (images if image else {}),
        reads=[read("web.resources", "all.yaml:9"), read("worker.resources", "all.yaml:19")],
        objects=[workload("front", "main", file="all"), workload("back", "main", file="all")],
    )


def test_two_blocks_that_are_read_by_the_other_component() -> None:
    assert told([unused_values], resources(web="worker", worker="web")) == CROSSED


def test_two_blocks_that_are_read_where_they_belong() -> None:
    assert told([unused_values], resources(web="web", worker="worker")) == []


def test_what_the_finding_says() -> None:
    found = list(unused_values(resources(web="worker", worker="web")))

    assert [(one.cause, one.evidence, one.fix) for one in found if isinstance(one, Finding)] == [
        (
            f"{mine} is configured from {other}.resources, and {other} from {mine}.resources: the two are swapped",
            f"templates/{mine}.yaml:9 reads .Values.{other}.resources; {mine}.resources is set at values.yaml:{line}",
            f"Read .Values.{mine}.resources there.",
        )
        for mine, other, line in (("web", "worker", 1), ("worker", "web", 2))
    ]


@pytest.mark.parametrize(
    ("web", "worker", "image", "leaves"),
    [
        ("back", "front", True, ["worker.resources", "web.resources"]),
        ("front", "back", True, []),
        ("back", "front", False, []),
    ],
    ids=["swapped", "where the images are", "nothing tells"],
)
def test_other_values_tell_where_names_do_not(web: str, worker: str, image: bool, leaves: list[str]) -> None:
    assert [leaf for *_, leaf in told([unused_values], renamed(web=web, worker=worker, image=image))] == leaves


# The key below both components, where web's and worker's land, and whether that is a swap.
FIELDS: list[tuple[str, str, str, str, bool]] = [
    ("replicas", "replicas", "Deployment/worker:/spec/replicas", "Deployment/web:/spec/replicas", True),
    ("an image", "image", f"{WORKER}/image", f"{WEB}/image", True),
    ("a field of another name", "size", "Deployment/worker:/spec/replicas", "Deployment/web:/spec/replicas", True),
    ("the block of environment itself", "env", f"{WORKER}/env/0/value", f"{WEB}/env/0/value", True),
    ("each is told the other's port", "port", f"{WORKER}/env/0/value", f"{WEB}/env/0/value", False),
    ("each is told the other's address", "host", f"{WORKER}/args/1", f"{WEB}/args/1", False),
    ("each admits the other", "port", "NetworkPolicy/worker:/spec/port", "NetworkPolicy/web:/spec/port", False),
    ("each stays away from the other", "name", f"{WORKER}/affinity/x", f"{WEB}/affinity/x", False),
    ("fields that have nothing in common", "mode", "Deployment/worker:/spec/replicas", f"{WEB}/image", False),
    ("a switch of whole objects", "enabled", "Deployment/worker:", "Deployment/web:", False),
    ("one of them only", "replicas", "Deployment/worker:/spec/replicas", "Deployment/worker:/spec/size", False),
    ("objects that are not there", "replicas", "Deployment/y:/spec/replicas", "Deployment/x:/spec/replicas", False),
]


@pytest.mark.parametrize(("key", "web", "worker", "swap"), [f[1:] for f in FIELDS], ids=[f[0] for f in FIELDS])
def test_only_a_component_s_own_fields_count(key: str, web: str, worker: str, swap: bool) -> None:
    found = told([unused_values], two(key, web, worker))

    assert [(code, leaf) for code, _, _, leaf in found] == (
        [("VAL-CROSSED", f"web.{key}"), ("VAL-CROSSED", f"worker.{key}")] if swap else []
    )


def test_a_block_that_its_own_component_gets_too() -> None:
    shared = made(
        RESOURCES,
        effects={"web.resources": [f"{WEB}/resources", f"{WORKER}/resources"], "worker.resources": f"{WEB}/resources"},
        reads=[read("web.resources", "web.yaml:9"), read("worker.resources", "web.yaml:10")],
        objects=BOTH,
    )

    assert told([unused_values], shared) == []


def replicas(web: str | list[str], worker: str | list[str]) -> AuditSubject:
    """Of both, and the fields where they land; a third component is there too."""
    return made(
        "web: {replicas: 1}\nworker: {replicas: 2}\n",
        effects={"web.replicas": web, "worker.replicas": worker},
        reads=[read("web.replicas", "worker.yaml:9"), read("worker.replicas", "web.yaml:9")],
        objects=[*BOTH, workload("mail")],
    )


AT = "Deployment/{}:/spec/replicas"


def test_a_block_that_lands_in_a_third_component() -> None:
    assert told([unused_values], replicas(AT.format("worker"), AT.format("mail"))) == []


def test_a_checksum_says_nothing_of_whose_a_value_is() -> None:
    checksum = "Deployment/web:/spec/template/metadata/annotations/checksum~1all"
    given = replicas([AT.format("worker"), checksum], AT.format("web"))

    assert [leaf for *_, leaf in told([unused_values], given)] == ["web.replicas", "worker.replicas"]


@pytest.mark.parametrize("shared", ["global", "common", "defaults"])
def test_blocks_that_are_there_for_all(shared: str) -> None:
    given = made(
        f"{shared}: {{replicas: 1}}\nworker: {{replicas: 2}}\n",
        effects={
            f"{shared}.replicas": "Deployment/worker:/spec/replicas",
            "worker.replicas": f"Deployment/{shared}:/spec/replicas",
        },
        reads=[read(f"{shared}.replicas", "worker.yaml:9"), read("worker.replicas", f"{shared}.yaml:9")],
        objects=[workload(shared), workload("worker")],
    )

    assert told([unused_values], given) == []


@pytest.mark.parametrize("kind", [{"each": True}, {"exact": False}, {"reached": False}, {"use": "test"}])
def test_reads_that_print_no_path_of_their_own(kind: dict[str, bool | str]) -> None:
    values = "web: {replicas: 1}\nworker: {replicas: 2}\n"
    effects = {
        "web.replicas": "Deployment/worker:/spec/replicas",
        "worker.replicas": "Deployment/web:/spec/replicas",
    }
    given = made(
        values,
        effects=effects,
        reads=[read("web.replicas", "worker.yaml:9", **kind), read("worker.replicas", "web.yaml:9", **kind)],
        objects=BOTH,
    )

    assert told([unused_values], given) == []


# A component, and one inside it that runs beside it in the same pod.
NESTED = "merged: {resources: {limits: {cpu: 1}}, ollama: {resources: {limits: {cpu: 2}}}}\n"


@pytest.mark.parametrize(
    ("main", "inner", "leaves"),
    [(1, 0, []), (0, 1, ["merged.ollama.resources", "merged.resources"])],
    ids=["each its own", "swapped"],
)
def test_containers_of_one_pod(main: int, inner: int, leaves: list[str]) -> None:
    given = made(
        NESTED,
        effects={
            "merged.resources": f"Deployment/merged:{CONTAINERS}/{main}/resources",
            "merged.ollama.resources": f"Deployment/merged:{CONTAINERS}/{inner}/resources",
        },
        reads=[
            read("merged.resources", f"merged.yaml:{main}1"),
            read("merged.ollama.resources", f"merged.yaml:{inner}1"),
        ],
        objects=[workload("merged", "ollama", "backend")],
    )

    assert [leaf for *_, leaf in told([unused_values], given)] == leaves


def test_the_longer_name_is_the_better_fit() -> None:
    given = made(
        "backend: {replicas: 1}\nmergedBackend: {replicas: 2}\n",
        effects={
            "backend.replicas": "Deployment/merged-backend:/spec/replicas",
            "mergedBackend.replicas": "Deployment/backend:/spec/replicas",
        },
        reads=[read("backend.replicas", "merged.yaml:3"), read("mergedBackend.replicas", "backend.yaml:3")],
        objects=[workload("merged-backend", file="merged"), workload("backend")],
    )

    assert told([unused_values], given) == [
        ("VAL-CROSSED", "templates/backend.yaml", 3, "backend.replicas"),
        ("VAL-CROSSED", "templates/merged.yaml", 3, "mergedBackend.replicas"),
    ]


def test_a_component_that_is_handed_on_whole_is_one_mistake() -> None:
    starts = {"web": ("templates/worker.yaml", 30), "worker": ("templates/web.yaml", 20)}
    reads = [
        read(f"{name}.{key}", f"_container.tpl:{line}", start=starts[name])
        for name in starts
        for line, key in enumerate(("image", "resources"), 3)
    ]
    given = made(
        "web: {image: a, resources: {limits: {cpu: 1}}}\nworker: {image: b, resources: {limits: {cpu: 2}}}\n",
        effects={"web": WORKER, "worker": WEB},
        reads=reads,
        objects=BOTH,
    )

    assert told([unused_values], given) == [
        ("VAL-CROSSED", "templates/web.yaml", 20, "web"),
        ("VAL-CROSSED", "templates/worker.yaml", 30, "worker"),
    ]
