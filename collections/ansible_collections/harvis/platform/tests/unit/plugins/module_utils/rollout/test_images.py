"""What runs, against what should: by name and by identity."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.rollout.assess import Expected, assess
from ansible_collections.harvis.platform.plugins.module_utils.rollout.images import canonical, identity, wrong_images

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
NEWER = "harvis.local/vhm-indexer:sha256-fedcba9876543210"


@pytest.mark.parametrize(
    ("reference", "full"),
    [
        ("python", "docker.io/library/python:latest"),
        ("python:3.13", "docker.io/library/python:3.13"),
        ("apache/kafka:4.1.0", "docker.io/apache/kafka:4.1.0"),
        ("docker.io/library/python", "docker.io/library/python:latest"),
        ("harvis.local/x:sha256-01", "harvis.local/x:sha256-01"),
        ("localhost:5000/x", "localhost:5000/x:latest"),
        ("localhost/x:1", "localhost/x:1"),
        (f"quay.io/x/y:1@{DIGEST}", f"quay.io/x/y@{DIGEST}"),
        (f"x@{DIGEST}", f"docker.io/library/x@{DIGEST}"),
    ],
)
def test_references_are_compared_in_full(reference: str, full: str) -> None:
    assert canonical(reference) == full


@pytest.mark.parametrize(
    "image_id", [DIGEST, f"docker.io/library/x@{DIGEST}", f"docker-pullable://x@{DIGEST}", f"docker://{DIGEST}"]
)
def test_the_identity_is_the_bare_digest(image_id: str) -> None:
    assert identity(image_id) == DIGEST


# what runs (spec, kubelet's id), what should (reference, known ids) -> cause of the finding, or None
CASES: list[tuple[str, dict[str, str], str, dict[str, str], str | None]] = [
    ("harvis.local/x:1", {}, "harvis.local/x:1", {}, None),
    ("x:1", {}, "docker.io/library/x:1", {}, None),
    ("harvis.local/x:1", {}, "harvis.local/x:2", {}, "runs harvis.local/x:1"),
    ("harvis.local/x:1", {}, "harvis.local/x:1", {"harvis.local/x:1": DIGEST}, None),
    (
        "harvis.local/x:1",
        {"imageID": f"harvis.local/x@{DIGEST}"},
        "harvis.local/x:1",
        {"harvis.local/x:1": DIGEST},
        None,
    ),
    (
        "harvis.local/x:1",
        {"imageID": OTHER},
        "harvis.local/x:1",
        {"harvis.local/x:1": DIGEST},
        f"runs {OTHER} under the name harvis.local/x:1",
    ),
    (f"x@{DIGEST}", {"imageID": f"docker.io/library/x@{DIGEST}"}, f"x@{DIGEST}", {}, None),
    (
        f"x@{DIGEST}",
        {"imageID": f"docker.io/library/x@{OTHER}"},
        f"x@{DIGEST}",
        {},
        f"runs {OTHER} under the name x@{DIGEST}",
    ),
]


@pytest.mark.fault("F17", "F20", code="IMG-STALE", when="after deploy")
@pytest.mark.parametrize(("runs", "state", "wanted", "ids", "cause"), CASES)
def test_name_and_identity_must_both_fit(
    make: t.Any, runs: str, state: dict[str, str], wanted: str, ids: dict[str, str], cause: str | None
) -> None:
    pod = make.pod(make.state(**{"image": runs, "imageID": DIGEST, **state}))
    pod["spec"]["containers"][0]["image"] = runs

    found = wrong_images([pod], {"indexer": wanted}, ids)

    assert [finding.cause for finding in found] == ([cause] if cause else [])
    assert {finding.code for finding in found} <= {"IMG-STALE"}


def test_a_container_that_never_started_is_not_called_stale(make: t.Any) -> None:
    pod = make.pod(make.state(image="x:1", imageID=""))
    pod["spec"]["containers"][0]["image"] = "x:1"

    [found] = wrong_images([pod], {"indexer": "x:1"}, {})

    assert (found.code, found.cause) == ("ROL-TIMEOUT", "the kubelet reports no image yet")


def test_the_changed_files_are_named(make: t.Any) -> None:
    files = [f"common/{number}.py" for number in range(14)]
    # Brought by a registry, it goes by another name; the tag is of its content.
    changes = {"registry.example.org:5000/vhm-indexer:sha256-0123456789abcdef": files, NEWER: ["not/this.py"]}

    [found] = wrong_images([make.pod()], {"indexer": NEWER}, {}, changes)

    assert found.evidence == f"today's sources make {NEWER}; changed since: {', '.join(files[:12])} and 2 more"


def stray(make: t.Any, image: str, *, init: bool = False) -> t.Any:
    """A pod of no workload that anybody expects."""
    pod = make.pod(name="by-hand")
    pod["metadata"]["ownerReferences"] = []
    container = {"name": "once", "image": image}
    pod["spec"] |= {"initContainers": [container], "containers": []} if init else {"containers": [container]}
    return pod


@pytest.mark.parametrize(
    ("image", "init", "found"),
    [
        ("harvis.local/vhm-indexer:sha256-0123456789abcdef", False, True),
        ("harvis.local/vhm-indexer:sha256-0123456789abcdef", True, True),
        (NEWER, False, False),
        ("harvis.local/vhm-other:sha256-0123456789abcdef", False, False),
        ("docker.io/library/busybox", False, False),
    ],
)
def test_pods_that_nobody_expects_are_looked_at_too(make: t.Any, image: str, init: bool, found: bool) -> None:
    current = make.pod()
    current["spec"]["containers"][0]["image"] = NEWER
    snapshot = make.snapshot(current, stray(make, image, init=init))
    expected = Expected({"vhm/indexer": {"indexer": NEWER}}, changes={image: ["a.py"]})

    stale = [f for proof in assess(snapshot, expected) for f in proof.findings if f.code == "IMG-STALE"]

    assert [(f.subject, f.cause) for f in stale] == ([("vhm/by-hand once", f"runs {image}")] if found else [])
    assert all(f.evidence == f"today's sources make {NEWER}; changed since: a.py" for f in stale)


def test_one_stale_pod_among_many_is_named(make: t.Any) -> None:
    fresh, stale = make.pod(name="a"), make.pod(name="b")
    fresh["spec"]["containers"][0]["image"] = NEWER

    assert [f.subject for f in wrong_images([fresh, stale], {"indexer": NEWER}, {})] == ["vhm/b indexer"]


def test_a_container_that_is_not_there_is_a_finding(make: t.Any) -> None:
    [found] = wrong_images([make.pod()], {"sidecar": NEWER}, {})

    assert (found.subject, found.cause) == ("vhm/indexer-6c6bc8745b-kl29h sidecar", "the pod has no such container")
