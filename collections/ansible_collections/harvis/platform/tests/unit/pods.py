"""Pods and their neighbours in the shape in which an API server of 1.34 gives them."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import Snapshot

Object = dict[str, t.Any]
DEPLOYED, BEGUN = "2026-03-01T12:00:00Z", "2026-03-01T12:00:03Z"
IMAGE = "harvis.local/vhm-indexer:sha256-0123456789abcdef"
IMAGE_ID = "sha256:4237d9ebff6f76c7ef5eed68964fb8d0c61adc65f57d0a7292cc39d9470cb03d"


class Make:
    """Builders; every argument replaces one part of a healthy pod of Deployment ``vhm/indexer``."""

    image, image_id, deployed = IMAGE, IMAGE_ID, DEPLOYED

    @staticmethod
    def state(**changes: t.Any) -> Object:
        healthy = {
            "name": "indexer",
            "image": IMAGE,
            "imageID": IMAGE_ID,
            "ready": True,
            "started": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": BEGUN}},
            "lastState": {},
        }
        return {**healthy, **changes}

    @classmethod
    def waiting(cls, reason: str, message: str = "", **changes: t.Any) -> Object:
        state = {"waiting": {"reason": reason, "message": message}}
        return cls.state(ready=False, started=False, state=state, **changes)

    @classmethod
    def pod(cls, *states: Object, name: str = "indexer-6c6bc8745b-kl29h", **status: t.Any) -> Object:
        given = list(states) or [cls.state()]
        ready = "True" if all(state["ready"] for state in given) else "False"
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": "vhm",
                "uid": f"uid-{name}",
                "creationTimestamp": DEPLOYED,
                "ownerReferences": [{"kind": "ReplicaSet", "name": "indexer-6c6bc8745b", "controller": True}],
            },
            "spec": {
                "nodeName": "node",
                "containers": [{"name": "indexer", "image": IMAGE, "resources": {"limits": {"memory": "256Mi"}}}],
            },
            "status": {
                "phase": "Running",
                "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": ready}],
                "containerStatuses": given,
                **status,
            },
        }

    @classmethod
    def unscheduled(cls, message: str) -> Object:
        scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        pod = cls.pod(phase="Pending", conditions=[scheduled], containerStatuses=[])
        del pod["spec"]["nodeName"]
        return pod

    @staticmethod
    def event(
        reason: str, message: str, *, uid: str = "uid-indexer-6c6bc8745b-kl29h", at: str = "2026-03-01T12:01:00Z"
    ) -> Object:
        return {
            "reason": reason,
            "message": message,
            "lastTimestamp": at,
            "involvedObject": {"uid": uid},
            "metadata": {},
        }

    @staticmethod
    def node(ready: str = "True", since: str = "2026-03-01T11:00:00Z", **allocatable: str) -> Object:
        message = "kubelet is posting ready status" if ready == "True" else "Kubelet stopped posting node status."
        condition = {"type": "Ready", "status": ready, "lastTransitionTime": since, "message": message}
        return {
            "metadata": {"name": "node"},
            "status": {"conditions": [condition], "allocatable": {"cpu": "2", "memory": "4Gi", **allocatable}},
        }

    @staticmethod
    def workload(kind: str = "Deployment", name: str = "indexer", replicas: int | None = 1, **parts: t.Any) -> Object:
        return {
            "kind": kind,
            "metadata": {"name": name, "namespace": "vhm", "uid": f"uid-{name}"},
            "spec": {} if replicas is None else {"replicas": replicas},
            "status": {},
            **parts,
        }

    @staticmethod
    def replica_set(name: str = "indexer-6c6bc8745b", above: str = "indexer") -> Object:
        owner = {"kind": "Deployment", "name": above, "controller": True}
        return {
            "kind": "ReplicaSet",
            "metadata": {"name": name, "namespace": "vhm", "uid": f"uid-{name}", "ownerReferences": [owner]},
        }

    @classmethod
    def snapshot(cls, *pods: Object, **parts: t.Any) -> Snapshot:
        given: dict[str, t.Any] = {
            "pods": list(pods) or [cls.pod()],
            "workloads": [cls.workload()],
            "replica_sets": [cls.replica_set()],
            "events": [],
            "nodes": [cls.node()],
            "system_pods": [],
            "node_events": [],
            "seconds": 0.25,
        }
        return Snapshot(**{**given, **parts})


class FakeChanges:
    """Every wait ends when its time is over; ``waited`` is what happens meanwhile."""

    deaf = False

    def __init__(self, waited: t.Callable[[float], None]) -> None:
        self.wait = waited

    def __enter__(self) -> FakeChanges:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class FakeCluster:
    """Answers ``find`` from lists by kind and namespace; kinds in ``refused`` may not be read.

    ``written`` are logs by namespace, pod and container (and "previous"), ``answers`` what is had under a path.
    """

    def __init__(self, objects: t.Mapping[str, list[Object]], refused: t.Iterable[tuple[str, str]] = ()) -> None:
        self.objects, self.refused = objects, set(refused)
        self.written: dict[tuple[str, ...], str] = {}
        self.answers: dict[str, tuple[int, str]] = {}
        self.deleted: list[str] = []
        self.asked_logs: list[tuple[str, int]] = []
        self.waited: t.Callable[[float], None] = lambda _seconds: None

    def logs(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        previous: bool = False,
        lines: int = 20,
        beginning: int = 0,
        since: int = 0,
    ) -> str:
        self.asked_logs.append((container, since))
        place = (namespace, pod, container, *(["previous"] if previous else []))
        if place not in self.written:
            raise ApiRefusal(f"logs of {pod}", 400, "BadRequest", "container is waiting to start")
        text = self.written[place]
        return text[:beginning] if beginning else "\n".join(text.splitlines()[-lines:])

    def ask(self, path: str) -> tuple[int, str]:
        return self.answers.get(path, (404, '{"kind": "Status", "code": 404}'))

    def changes(self, *_: t.Any) -> FakeChanges:
        return FakeChanges(self.waited)

    def get(self, ref: ObjectRef) -> Object | None:
        found = self.objects.get(ref.kind, [])
        return next((o for o in found if o["metadata"]["name"] == ref.name), None)

    def delete(self, ref: ObjectRef) -> bool:
        self.deleted.append(f"{ref.namespace}/{ref.name}")
        return True

    def find(self, _api_version: str, kind: str, *, namespace: str = "", **_selectors: str) -> list[Object]:
        if (kind, namespace) in self.refused:
            raise ApiRefusal(f"list of {kind}", 403, "Forbidden", f"cannot list {kind}")
        found = self.objects.get(kind, [])
        return [o for o in found if not namespace or o["metadata"].get("namespace") == namespace]
