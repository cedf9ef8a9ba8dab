"""A release that needs nothing, and whether it stands."""

from __future__ import annotations

import copy
import dataclasses
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.converge import ensure_present
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.standing import require_ready

STANDS = {"replicas": 2, "readyReplicas": 2, "updatedReplicas": 2, "observedGeneration": 1}
UNREADY = {**STANDS, "readyReplicas": 1}
ROLLING = {**STANDS, "updatedReplicas": 1}
CRASHED = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
ENDED = {"terminated": {"exitCode": 3, "reason": "Error"}}
WEB = ObjectRef("apps/v1", "Deployment", "web", "shop")


def web(status: dict[str, t.Any]) -> Object:
    selector = {"matchLabels": {"app": "web"}}
    metadata = {"name": "web", "namespace": "shop", "generation": 1}
    spec = {"replicas": 2, "selector": selector}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec, "status": status}


def pod(state: dict[str, t.Any]) -> Object:
    status = {"name": "web", "ready": False, "state": state, "lastState": ENDED, "restartCount": 5, "image": "web:1"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}, "uid": "u1"},
        "spec": {"containers": [{"name": "web"}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [status],
        },
    }


class Time:
    """Passes when somebody waits; ``then`` happens after the first wait."""

    def __init__(self, then: t.Callable[[], t.Any] = lambda: None) -> None:
        self.now, self.then = 0.0, then

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.then()


def stands(spec: ReleaseSpec, cluster: t.Any, time: Time | None = None) -> None:
    time = time or Time()
    require_ready(spec, cluster, [cluster.get(WEB)], time.clock, time.pause)


def test_what_stands_is_asked_nothing_more(spec: ReleaseSpec) -> None:
    require_ready(spec, t.cast("t.Any", None), [web(STANDS), {"apiVersion": "v1", "kind": "Service", "metadata": {}}])


@pytest.mark.parametrize("status", [UNREADY, ROLLING, {}])
def test_pods_on_their_way_are_waited_for(spec: ReleaseSpec, make: t.Any, status: dict[str, t.Any]) -> None:
    cluster = make.cluster(web(status))
    time = Time(lambda: cluster.put(web(STANDS)))

    stands(spec, cluster, time)

    assert 0 < time.now < spec.timeout


def test_a_pod_that_cannot_get_ready_ends_the_wait_with_its_cause(spec: ReleaseSpec, make: t.Any) -> None:
    cluster = make.cluster(web(UNREADY), pod(CRASHED))
    time = Time()

    with pytest.raises(HarvisError) as caught:
        stands(spec, cluster, time)

    assert [(found.code, found.subject) for found in caught.value.findings] == [("ROL-CRASH", "shop/web-1 web")]
    assert time.now < spec.timeout


@pytest.mark.parametrize(("status", "code"), [(UNREADY, "ROL-TIMEOUT"), (ROLLING, "ROL-REVISION")])
def test_without_a_pod_that_says_why_the_workload_is_named(
    spec: ReleaseSpec, make: t.Any, status: dict[str, t.Any], code: str
) -> None:
    with pytest.raises(HarvisError) as caught:
        stands(spec, make.cluster(web(status)))

    (found,) = caught.value.findings
    assert found.code == code
    assert "shop/web" in found.subject


def test_only_a_release_that_is_left_alone_and_asked_for_it_is_looked_at(
    spec: ReleaseSpec, make: t.Any, released: t.Any
) -> None:
    broken = copy.deepcopy(released.get(WEB))
    broken["status"] = {"readyReplicas": 0, "observedGeneration": 1}
    released.put(broken)
    asked = dataclasses.replace(spec, ready=True, timeout=0)

    def run(described: ReleaseSpec, manifest: str) -> dict[str, t.Any]:
        helm = Helm(make.helm(released, manifest), "helm")
        return ensure_present(described, helm, lambda: released, check_mode=True)

    assert run(spec, make.manifest)["changed"] is False
    assert run(asked, make.manifest.replace("replicas: 1", "replicas: 3"))["changed"] is True
    with pytest.raises(HarvisError, match="ROL-REVISION"):
        run(asked, make.manifest)
