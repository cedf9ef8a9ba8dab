from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.kube import ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.restarts import restart

NOW = {"spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "a", "image": "a:1"}]}}}}
NEW = {"spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "a", "image": "a:2"}]}}}}
WHY = ("spec.template.spec.containers[a].image: 'a:1' -> 'a:2'",)


def spec(**more: t.Any) -> dict[str, t.Any]:
    return {"spec": {**NEW["spec"], **more}}


ROWS: list[tuple[str, str, dict[str, t.Any], dict[str, t.Any], tuple[int, tuple[str, ...]] | None]] = [
    ("a new image", "Deployment", NOW, NEW, (3, WHY)),
    ("a stateful set", "StatefulSet", NOW, NEW, (3, WHY)),
    ("more pods are no restart", "Deployment", NOW, {"spec": {**NOW["spec"], "replicas": 5}}, None),
    ("none are there", "Deployment", {"spec": {**NOW["spec"], "replicas": 0}}, NEW, None),
    ("a paused rollout", "Deployment", NOW, spec(paused=True), None),
    ("pods that only go by hand", "StatefulSet", NOW, spec(updateStrategy={"type": "OnDelete"}), None),
    ("a job's pods run once", "Job", NOW, NEW, None),
    (
        "a pod on each node",
        "DaemonSet",
        {"kind": "DaemonSet", **NOW, "status": {"currentNumberScheduled": 2}},
        NEW,
        (2, WHY),
    ),
]


@pytest.mark.parametrize(("kind", "live", "after", "expected"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_pods_that_start_again(kind: str, live: t.Any, after: t.Any, expected: t.Any) -> None:
    ref = ObjectRef("apps/v1", kind, "web", "shop")
    found = restart(ref, live, live, after)
    assert (found and (found.pods, found.why)) == expected
