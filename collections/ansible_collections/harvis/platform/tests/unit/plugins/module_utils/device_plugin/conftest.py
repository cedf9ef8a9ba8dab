"""A cluster in memory with a kubelet that answers to the plugin, and time that passes only when somebody sleeps."""

from __future__ import annotations

import copy
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.objects import CONFIG_HASH, LABELS
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import GPU, GpuNode, PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.wait import Clock
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, ObjectRef

Object = dict[str, t.Any]
FIXTURES = Path(__file__).parent / "fixtures"
NODE = ObjectRef("v1", "Node", "workstation")
IMAGE = "harvis.local/nvidia-device-plugin:sha256-0123456789abcdef"


def log(name: str) -> str:
    """What the plugin, version 0.18.0, really printed."""
    return (FIXTURES / f"{name}.log").read_text()


class Make:
    """Builders; every argument replaces a part of a healthy single-card workstation."""

    image = IMAGE
    log = staticmethod(log)

    @staticmethod
    def options(gpus: int = 1, **changes: t.Any) -> PluginOptions:
        given = {"nodes": (GpuNode("workstation", gpus),), "image": IMAGE, "timeout": 60, **changes}
        return PluginOptions(**given)

    @staticmethod
    def node(name: str = "workstation", has: int | None = None, gives: int | None = None, **labels: str) -> Object:
        offered = {} if has is None else {GPU: str(has)}
        given = {} if has is None else {GPU: str(has if gives is None else gives)}
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}},
            "status": {"capacity": {"cpu": "24", **offered}, "allocatable": {"cpu": "24", **given}},
        }

    @staticmethod
    def plugin_pod(config_hash: str, node: str = "workstation", *, ready: bool = True, **state: t.Any) -> Object:
        container = {"name": "nvidia-device-plugin", "restartCount": 0, "state": {"running": {}}, **state}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"nvidia-device-plugin-{node}",
                "namespace": "nvidia-device-plugin",
                "labels": dict(LABELS),
                "annotations": {CONFIG_HASH: config_hash},
            },
            "spec": {"nodeName": node, "containers": [{"name": "nvidia-device-plugin"}]},
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": str(ready)}],
                "containerStatuses": [container],
            },
        }

    @staticmethod
    def tenant(name: str, *shares: int, node: str = "workstation", phase: str = "Running", message: str = "") -> Object:
        """A pod with a container for each of ``shares``; with ``message`` it waits."""
        containers = [
            {"name": f"c{index}", "resources": {"limits": {GPU: str(count)}}} for index, count in enumerate(shares)
        ]
        condition = {"type": "PodScheduled", "status": "False" if message else "True", "message": message}
        spec = {"containers": containers, **({} if message else {"nodeName": node})}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "ai-agents", "uid": f"uid-of-{name}"},
            "spec": spec,
            "status": {"phase": "Pending" if message else phase, "conditions": [condition]},
        }


class FakeCluster:
    """Objects by address. ``each_second`` runs whenever somebody sleeps and stands for what controllers do."""

    def __init__(self, *objects: Object) -> None:
        self.objects = {ObjectRef.of(body): copy.deepcopy(body) for body in objects}
        self.log_texts: dict[str, str] = {}
        self.written: list[str] = []
        self.created: list[Object] = []
        self.reactions: list[t.Callable[[FakeCluster], None]] = []
        self.time = 0.0

    def clock(self) -> Clock:
        return Clock(now=lambda: self.time, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.time += seconds
        for react in self.reactions:
            react(self)

    def get(self, ref: ObjectRef) -> Object | None:
        return copy.deepcopy(self.objects.get(ref))

    def find(
        self, api_version: str, kind: str, *, namespace: str = "", labels: str = "", **_fields: str
    ) -> list[Object]:
        wanted = [part.split("=") for part in labels.split(",") if part]
        return [
            copy.deepcopy(body)
            for ref, body in self.objects.items()
            if (ref.api_version, ref.kind) == (api_version, kind)
            and namespace in ("", ref.namespace)
            and all((body["metadata"].get("labels") or {}).get(key) == value for key, value in wanted)
        ]

    def apply(self, body: Object, *, dry_run: bool = False, **_manager: str) -> Object:
        ref = ObjectRef.of(body)
        if ref.namespace and ObjectRef("v1", "Namespace", ref.namespace) not in self.objects:
            raise ApiRefusal(str(ref), 404, "NotFound", f'namespaces "{ref.namespace}" not found')
        if not dry_run:
            self.written.append(f"apply {ref}")
            self.objects[ref] = copy.deepcopy(body)
        return copy.deepcopy(body)

    def create(self, body: Object) -> Object:
        self.written.append(f"create {ObjectRef.of(body)}")
        self.created.append(copy.deepcopy(body))
        self.objects[ObjectRef.of(body)] = copy.deepcopy(body)
        return body

    def delete(self, ref: ObjectRef) -> bool:
        if ref in self.objects:
            self.written.append(f"delete {ref}")
        return self.objects.pop(ref, None) is not None

    def patch(self, ref: ObjectRef, operations: list[dict[str, t.Any]], **_dry_run: bool) -> Object:
        return self._patch(f"patch {ref}", ref, operations)

    def patch_status(self, ref: ObjectRef, operations: list[dict[str, t.Any]]) -> Object:
        return self._patch(f"patch status of {ref}", ref, operations)

    def _patch(self, said: str, ref: ObjectRef, operations: list[dict[str, t.Any]]) -> Object:
        body = self.objects[ref]
        for operation in operations:
            *steps, last = [s.replace("~1", "/").replace("~0", "~") for s in operation["path"].split("/")[1:]]
            node: t.Any = body
            for step in steps:
                node = node[step]
            if operation["op"] == "remove":
                del node[last]
            else:
                node[last] = operation["value"]
        self.written.append(said)
        return copy.deepcopy(body)

    def replace(self, body: Object) -> Object:
        raise NotImplementedError

    def namespaced(self, _api_version: str, kind: str) -> bool:
        return kind not in ("Namespace", "Node", "RuntimeClass")

    def logs(self, _namespace: str, pod: str, _container: str, *, previous: bool = False, **_lines: int) -> str:
        return self.log_texts.get(f"{pod} before" if previous else pod, "")


@pytest.fixture
def make() -> type[Make]:
    return Make


@pytest.fixture
def fake_cluster() -> type[FakeCluster]:
    return FakeCluster
