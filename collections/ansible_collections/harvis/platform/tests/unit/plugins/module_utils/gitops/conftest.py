"""A chart, a namespace of its own, and a cluster that has the object types of Flux and Argo CD."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.kube import KubeClient, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.process import CommandResult, SystemRunner
from ansible_collections.harvis.platform.plugins.module_utils.release.converge import ensure_absent, ensure_present
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.rollback import ensure_rolled_back
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import read_history
from ansible_collections.harvis.platform.tests.unit import gitops_types
from ansible_collections.harvis.platform.tests.unit.api_server import ApiServer, helm_binary, ready_pods

TEMPLATE = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: {{ .Values.image }}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {greeting: {{ .Values.texts.greeting | quote }}, who: {{ .Values.texts.who | quote }}}
"""
VALUES = {"replicas": 0, "image": "registry.example/web:1", "texts": {"greeting": "hello", "who": "world"}}


@dataclasses.dataclass
class Watching:
    """Runs programs, and calls ``at_upgrade`` before helm changes anything."""

    real: SystemRunner
    at_upgrade: t.Callable[[], None] = lambda: None

    def run(self, argv: t.Sequence[str], **options: t.Any) -> CommandResult:
        if {"upgrade", "rollback", "uninstall"} & set(argv[1:2]):
            self.at_upgrade()
        return self.real.run(argv, **options)


@dataclasses.dataclass
class Shop:
    server: ApiServer
    cluster: KubeClient
    runner: Watching
    spec: ReleaseSpec

    @property
    def helm(self) -> Helm:
        return Helm(self.runner, helm_binary(), str(self.server.kubeconfig))

    @property
    def namespace(self) -> str:
        return self.spec.namespace

    def present(self, *, check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
        return ensure_present(self.spec_with(changes), self.helm, lambda: self.cluster, check_mode=check_mode)

    def spec_with(self, changes: dict[str, t.Any]) -> ReleaseSpec:
        values = {key: changes.pop(key) for key in list(changes) if key in VALUES}
        return dataclasses.replace(self.spec, values={**self.spec.values, **values}, **changes)

    def absent(self, **changes: t.Any) -> dict[str, t.Any]:
        return ensure_absent(self.spec_with(changes), self.helm, lambda: self.cluster, check_mode=False)

    def back(self, to: str, **changes: t.Any) -> dict[str, t.Any]:
        return ensure_rolled_back(self.spec_with(changes), self.helm, lambda: self.cluster, to, check_mode=False)

    def refused(self, call: t.Callable[[], object]) -> tuple[Finding, ...]:
        """The findings of a run that changed nothing: no revision, and not one object."""
        before = self.everything()
        with pytest.raises(HarvisError) as caught:
            call()
        assert self.everything() == before
        return caught.value.findings

    def everything(self) -> list[t.Any]:
        kinds = [("apps/v1", "Deployment"), ("v1", "ConfigMap"), ("coordination.k8s.io/v1", "Lease")]
        found = [body for kind in kinds for body in self.cluster.find(*kind, namespace=self.namespace)]
        return [read_history(self.cluster, "web", self.namespace), *(o["metadata"]["resourceVersion"] for o in found)]

    def get(self, body: Object) -> Object:
        found = self.cluster.get(ObjectRef.of(body))
        assert found is not None
        return found

    def label(self, labels: dict[str, str], manager: str = "helm-controller") -> None:
        """As a controller that makes the release does: marks on every object, under its own name."""
        for kind, name in (("Deployment", "web"), ("ConfigMap", "settings")):
            body = {"apiVersion": "apps/v1" if kind == "Deployment" else "v1", "kind": kind}
            metadata = {"name": name, "namespace": self.namespace, "labels": labels}
            self.cluster.apply({**body, "metadata": metadata}, manager=manager)

    def manage(self, **spec: t.Any) -> Object:
        """A HelmRelease for this very release."""
        body = gitops_types.helm_release("web", self.namespace, **spec)
        self.cluster.apply(body, manager="kustomize-controller")
        return body

    def report(self, body: Object, **status: t.Any) -> None:
        gitops_types.report(self.server, body, status)

    def until(self, done: t.Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def greeting(self) -> str:
        found = self.cluster.get(ObjectRef("v1", "ConfigMap", "settings", self.namespace))
        return str((found or {}).get("data", {}).get("greeting"))

    @contextlib.contextmanager
    def controller(self, body: Object, **ready: t.Any) -> t.Iterator[None]:
        """Stands in for helm-controller: says of each new generation that it is done, and does nothing else."""
        ended = threading.Event()

        def work() -> None:
            while not ended.wait(0.1):
                generation = self.get(body)["metadata"]["generation"]
                said = {"type": "Ready", "status": "True", "reason": "UpgradeSucceeded", "message": "done", **ready}
                moment = "2026-01-05T10:00:00Z"
                condition = {**said, "observedGeneration": generation, "lastTransitionTime": moment}
                self.report(body, observedGeneration=generation, conditions=[condition])

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(5)


@pytest.fixture(scope="session")
def typed(controllers: ApiServer) -> ApiServer:
    gitops_types.install(controllers)
    return controllers


@pytest.fixture
def shop(typed: ApiServer, tmp_path: Path) -> t.Iterator[Shop]:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 0.1.0\n", encoding="utf-8")
    (chart / "templates" / "web.yaml").write_text(TEMPLATE, encoding="utf-8")
    cluster = gitops_types.connect(str(typed.kubeconfig))
    namespace = typed.namespace("shop")
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    spec = ReleaseSpec("web", namespace, chart, json.loads(json.dumps(VALUES)), timeout=60)
    with ready_pods(typed, namespace):
        yield Shop(typed, cluster, Watching(SystemRunner()), spec)
    for kind in ("HelmRelease", "Kustomization", "Application"):
        version = {"HelmRelease": "helm.toolkit.fluxcd.io/v2", "Kustomization": "kustomize.toolkit.fluxcd.io/v1"}
        for body in cluster.find(version.get(kind, "argoproj.io/v1alpha1"), kind, namespace=namespace):
            cluster.delete(ObjectRef.of(body))
    cluster.delete(ObjectRef("v1", "Namespace", namespace))
