from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.kube import ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.selectors import Selector, selectors
from ansible_collections.harvis.platform.plugins.module_utils.release.watch import PodWatch

WEB = Selector("shop", (("app", "web"),))


def pod(
    state: dict[str, t.Any], *, last: dict[str, t.Any] | None = None, ready: bool = False, **metadata: t.Any
) -> t.Any:
    status = {
        "name": "web",
        "ready": ready,
        "state": state,
        "lastState": last or {},
        "restartCount": 2,
        "image": "web:1",
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}, "uid": "u1", **metadata},
        "spec": {"containers": [{"name": "web"}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [status],
        },
    }


RUNNING = {"running": {"startedAt": "2026-01-05T10:00:00Z"}}
ENDED = {"terminated": {"exitCode": 3, "reason": "Error"}}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
NO_IMAGE = {"waiting": {"reason": "ErrImagePull", "message": "no such host"}}


@pytest.fixture
def cluster(make: t.Any) -> t.Any:
    return make.cluster()


@pytest.fixture
def watch(cluster: t.Any) -> PodWatch:
    return PodWatch(cluster, (WEB,))


def test_a_crash_is_told_with_its_last_words(cluster: t.Any, watch: PodWatch) -> None:
    cluster.log_texts["web-1", "web", False] = "boom\n"
    cluster.put(pod(ENDED))
    watch.look()
    (found,) = watch.findings()
    assert (found.code, found.subject) == ("ROL-CRASH", "shop/web-1 web")
    assert found.evidence == "last log lines of web:\nboom"


def test_what_the_last_words_name_is_the_cause(cluster: t.Any, watch: PodWatch) -> None:
    cluster.log_texts["web-1", "web", False] = "ModuleNotFoundError: No module named 'shop.cart'\n"
    cluster.put(pod(BACK_OFF, last=ENDED))
    watch.look()
    (found,) = watch.findings()
    assert (found.code, found.subject, found.cause) == (
        "ROL-IMPORT",
        "shop/web-1 web",
        "there is no module shop.cart",
    )


def test_the_previous_log_counts_when_there_is_no_current_one(cluster: t.Any, watch: PodWatch) -> None:
    cluster.log_texts["web-1", "web", False] = "unable to retrieve container logs for containerd://x"
    cluster.log_texts["web-1", "web", True] = "boom"
    cluster.put(pod(BACK_OFF, last=ENDED))
    watch.look()
    assert watch.findings()[0].evidence == "last log lines of web:\nboom"


def test_the_state_outlives_the_pod(cluster: t.Any, watch: PodWatch) -> None:
    cluster.put(pod(NO_IMAGE))
    watch.look()
    cluster.put(pod(RUNNING, deletionTimestamp="2026-01-05T10:00:00Z"))
    watch.look()
    cluster.objects.pop(ObjectRef("v1", "Pod", "web-1", "shop"))
    watch.look()
    (found,) = watch.findings()
    assert (found.code, found.evidence) == ("ROL-IMAGE", "no such host")


def test_a_pod_that_got_ready_is_no_finding(cluster: t.Any, watch: PodWatch) -> None:
    cluster.put(pod(NO_IMAGE))
    watch.look()
    cluster.put(pod(RUNNING, ready=True))
    watch.look()
    assert watch.findings() == []


def test_a_new_start_does_not_wipe_out_the_crash(cluster: t.Any, watch: PodWatch) -> None:
    cluster.log_texts["web-1", "web", False] = "boom"
    cluster.put(pod(ENDED))
    watch.look()
    cluster.log_texts.clear()
    cluster.put(pod(RUNNING, last=ENDED))
    watch.look()
    (found,) = watch.findings()
    assert (found.code, found.evidence) == ("ROL-CRASH", "last log lines of web:\nboom")


def test_pods_of_others_are_not_watched(cluster: t.Any, watch: PodWatch) -> None:
    cluster.put(pod(NO_IMAGE, labels={"app": "db"}))
    cluster.put(pod(NO_IMAGE, namespace="other"))
    watch.look()
    assert watch.findings() == []


def test_the_log_is_read_again_only_after_a_while(cluster: t.Any) -> None:
    now = [0.0]
    watch = PodWatch(cluster, (WEB,), clock=lambda: now[0])
    cluster.put(pod(RUNNING))
    for seconds, text in ((0, "first"), (5, "second"), (20, "third")):
        now[0] = seconds
        cluster.log_texts["web-1", "web", False] = text
        watch.look()
        assert watch.findings()[0].evidence.endswith("third" if seconds == 20 else "first")


def test_selectors_are_those_of_workloads() -> None:
    workload = {"spec": {"selector": {"matchLabels": {"app": "web"}}}}
    service = {"spec": {"selector": {"app": "web"}}}
    found = selectors(
        {
            ObjectRef("apps/v1", "Deployment", "web", "shop"): workload,
            ObjectRef("v1", "Service", "web", "shop"): service,
            ObjectRef("v1", "ConfigMap", "web", "shop"): {},
        }
    )
    assert found == (WEB,)


def twice(watch: PodWatch) -> bool:
    watch.look()
    watch.look()
    return watch.hopeless.is_set()


def test_a_new_pod_that_cannot_mend_itself_ends_the_waiting(cluster: t.Any, watch: PodWatch) -> None:
    cluster.put(pod(NO_IMAGE))
    watch.look()
    assert not watch.hopeless.is_set()
    watch.look()
    assert watch.hopeless.is_set()


def test_a_pod_that_may_mend_itself_is_waited_for(cluster: t.Any, watch: PodWatch) -> None:
    cluster.put(pod(BACK_OFF, last=ENDED))
    assert not twice(watch)


def test_a_pod_that_was_ill_before_may_be_on_its_way_out(cluster: t.Any, watch: PodWatch) -> None:
    cluster.put(pod(NO_IMAGE))
    with watch.running():
        assert not twice(watch)
