"""Waiting on a real API server: it tells of changes, and the wait ends with the first thing that cannot heal."""

from __future__ import annotations

import http.server
import socket
import threading
import time
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.kube import KubeClient, Object, ObjectRef, connect
from ansible_collections.harvis.platform.plugins.module_utils.kube.changes import Changes
from ansible_collections.harvis.platform.plugins.module_utils.rollout.assess import Expected
from ansible_collections.harvis.platform.plugins.module_utils.rollout.progress import Log
from ansible_collections.harvis.platform.plugins.module_utils.rollout.watch import watch
from ansible_collections.harvis.platform.tests.unit.api_server import ApiServer

LABELS = {"app": "indexer"}
IMAGE = "harvis.local/vhm-indexer:sha256-0123456789abcdef"
PATIENCE = 60.0


@dataclass(frozen=True)
class Live:
    """A namespace of its own, and what a kubelet would do in it."""

    cluster: KubeClient
    namespace: str
    # Of the pod, where it has one.
    address: t.Mapping[str, str] = field(default_factory=dict)

    def deployment(self, **spec: t.Any) -> Object:
        container = {"name": "indexer", "image": IMAGE, "resources": {"limits": {"memory": "256Mi"}}}
        template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
        body = {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": template, **spec}
        metadata = {"name": "indexer", "namespace": self.namespace}
        return self.cluster.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": body})

    def pods(self) -> list[Object]:
        return self.cluster.find("v1", "Pod", namespace=self.namespace)

    def pod(self) -> Object:
        """The first one that the controllers made."""
        return _until(self.pods)[0]

    def report(self, pod: Object, *, ready: bool, **state: t.Any) -> None:
        """What a kubelet writes of a pod with one container."""
        told = {"name": "indexer", "image": IMAGE, "imageID": "sha256:00", "restartCount": 0, "lastState": {}}
        told |= {"ready": ready, "started": ready, "state": state}
        conditions = [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": str(ready), "lastTransitionTime": "2026-03-01T12:00:00Z"},
        ]
        status = {"phase": "Running", "conditions": conditions, "containerStatuses": [told], **self.address}
        resource = self.cluster._dynamic.resources.get(api_version="v1", kind="Pod")
        path = resource.path(name=pod["metadata"]["name"], namespace=self.namespace)
        self.cluster._dynamic.request(
            "patch", f"{path}/status", body={"status": status}, content_type="application/merge-patch+json"
        )


def _until(read: t.Callable[[], t.Any]) -> t.Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := read():
            return found
        time.sleep(0.1)
    raise AssertionError("the controllers did nothing")


@pytest.fixture
def live(controllers: ApiServer) -> t.Iterator[Live]:
    cluster, name = connect(str(controllers.kubeconfig)), controllers.namespace("rollout")
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield Live(cluster, name)
    cluster.delete(ObjectRef("v1", "Namespace", name))


def later(act: t.Callable[[], None], seconds: float = 2.0) -> threading.Timer:
    timer = threading.Timer(seconds, act)
    timer.start()
    return timer


def test_readiness_is_told_and_not_waited_for(live: Live, tmp_path: Path) -> None:
    live.deployment()
    pod = live.pod()
    live.report(pod, ready=False, waiting={"reason": "ContainerCreating"})
    reported: list[float] = []

    def get_ready() -> None:
        live.report(pod, ready=True, running={"startedAt": "2026-03-01T12:00:00Z"})
        reported.append(time.monotonic())

    timer = later(get_ready)
    proofs = watch(live.cluster, [live.namespace], Expected(), wait=PATIENCE, tell=Log(tmp_path / "log"))
    took = time.monotonic() - reported[0]
    timer.join()

    assert [proof.row.evidence for proof in proofs if not proof.row.passed] == []
    # Sooner than the longest time between two looks: the server told of it.
    assert took < 5
    first, *_, last = (tmp_path / "log").read_text().splitlines()
    assert first.startswith("0 of 1 pods ready; ")
    assert last == "1 of 1 pods ready"


def test_the_wait_ends_with_what_cannot_heal(live: Live) -> None:
    live.deployment()
    pod = live.pod()
    live.report(pod, ready=False, waiting={"reason": "ContainerCreating"})
    gone = {
        "reason": "ErrImageNeverPull",
        "message": f'Container image "{IMAGE}" is not present with pull policy of Never',
    }
    timer = later(lambda: live.report(pod, ready=False, waiting=gone))
    began = time.monotonic()

    proofs = watch(live.cluster, [live.namespace], Expected(), wait=PATIENCE)
    timer.join()

    assert [finding.code for proof in proofs for finding in proof.findings] == ["ROL-IMAGE"]
    assert time.monotonic() - began < PATIENCE / 2


@pytest.mark.fault("F59", code="ROL-REVISION", when="after deploy", by="real")
def test_old_pods_do_not_stand_for_the_new_revision(live: Live) -> None:
    live.deployment(strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})
    live.report(live.pod(), ready=True, running={"startedAt": "2026-03-01T12:00:00Z"})
    place = ObjectRef("apps/v1", "Deployment", "indexer", live.namespace)

    def status() -> Object:
        return (live.cluster.get(place) or {}).get("status") or {}

    _until(lambda: status().get("readyReplicas") == 1)
    changed = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": f"{IMAGE}-new"}]
    live.cluster.patch(place, changed)
    _until(lambda: status().get("replicas") == 2)
    # All that `kubectl wait --for=condition=Available` asks for.
    assert {entry["type"]: entry["status"] for entry in status()["conditions"]}["Available"] == "True"

    proofs = watch(live.cluster, [live.namespace], Expected(), wait=0)

    [found] = [f for proof in proofs for f in proof.findings if f.code == "ROL-REVISION"]
    assert found.cause == "1 pod of an older revision still runs"


def test_a_quota_that_refuses_pods_is_named_at_once(live: Live) -> None:
    hard = {"hard": {"limits.memory": "100Mi"}}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small", "namespace": live.namespace}}
    live.cluster.create({**quota, "spec": hard})
    path = f"/api/v1/namespaces/{live.namespace}/resourcequotas/small/status"
    status = {"status": {**hard, "used": {"limits.memory": "0"}}}
    live.cluster._dynamic.request("patch", path, body=status, content_type="application/merge-patch+json")
    live.deployment()
    began = time.monotonic()

    proofs = watch(live.cluster, [live.namespace], Expected(), wait=PATIENCE)

    [finding] = [f for proof in proofs for f in proof.findings if f.code != "ROL-REVISION"]
    assert finding.code == "ROL-QUOTA"
    assert "quota small is used up: requested: limits.memory=256Mi" in finding.cause
    assert time.monotonic() - began < PATIENCE / 2


def test_a_webhook_that_nobody_serves_is_named(live: Live) -> None:
    service = {"name": "nobody", "namespace": live.namespace, "path": "/"}
    hook = {
        "name": "gate.example.org",
        "clientConfig": {"service": service},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": live.namespace}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Fail",
    }
    body = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    body |= {"metadata": {"name": f"gate-{live.namespace}"}, "webhooks": [hook]}
    live.cluster.create(body)
    try:
        live.deployment()
        place = ObjectRef("apps/v1", "Deployment", "indexer", live.namespace)
        _until(lambda: "ReplicaFailure" in str((live.cluster.get(place) or {}).get("status")))
        proofs = watch(live.cluster, [live.namespace], Expected(), wait=0)
    finally:
        live.cluster.delete(ObjectRef("admissionregistration.k8s.io/v1", body["kind"], f"gate-{live.namespace}"))

    [finding] = [f for proof in proofs for f in proof.findings]
    assert finding.code == "ROL-WEBHOOK"
    assert "webhook gate.example.org is asked about them and does not answer" in finding.cause


def _own_address() -> str:
    """An address of this machine that is not loopback: the API server leads nobody there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Nothing is sent: the address is of the interface that would be taken.
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


class Unready(http.server.BaseHTTPRequestHandler):
    """A worker whose topic is missing."""

    def do_GET(self) -> None:
        body = b'{"ready": false, "checks": {"broker": {"ok": false, "cause": "topics that do not exist: vhm.a"}}}'
        self.send_response(503 if self.path == "/ready" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def answering() -> t.Iterator[tuple[str, int]]:
    """Address and port of what stands for a pod's program."""
    try:
        address = _own_address()
    except OSError:
        pytest.skip("this machine has no address but loopback, and the API server proxies to none there")
    server = http.server.ThreadingHTTPServer((address, 0), Unready)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield address, server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_the_readiness_endpoint_answers_is_the_cause(live: Live, answering: tuple[str, int]) -> None:
    address, port = answering
    template = {
        "metadata": {"labels": LABELS},
        "spec": {
            "nodeName": "nowhere",
            "containers": [
                {
                    "name": "indexer",
                    "image": IMAGE,
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": port}},
                }
            ],
        },
    }
    live.deployment(template=template)
    with_address = replace(live, address={"podIP": address})
    with_address.report(live.pod(), ready=False, running={"startedAt": "2026-03-01T12:00:00Z"})

    proofs = watch(live.cluster, [live.namespace], Expected(), wait=0)

    [finding] = [f for proof in proofs for f in proof.findings if f.code != "ROL-REVISION"]
    assert (finding.code, finding.cause) == ("KFK-TOPIC", "topics are missing: vhm.a")


def test_a_path_that_is_refused_answers_with_its_status(live: Live) -> None:
    assert live.cluster.ask("/readyz") == (200, "ok")
    status, text = live.cluster.ask(f"/api/v1/namespaces/{live.namespace}/pods/none:80/proxy/")
    assert (status, '"kind":"Status"' in text) == (404, True)


def test_a_user_who_may_not_watch_is_left_to_look(live: Live) -> None:
    refused = type("Refused", (Exception,), {"status": 403})

    def stream(_watcher: t.Any) -> t.Iterator[Object]:
        raise refused

    with Changes([stream], live.cluster.changes([], []).make_watcher) as changes:
        assert changes.wait(5)
        assert changes.deaf
