"""The module's work on a real cluster with a real helm.

``HARVIS_TEST_KUBECONFIG`` names the cluster, ``HARVIS_TEST_HELM`` the program, and ``HARVIS_TEST_IMAGE`` an image with
a shell that the cluster's nodes have. Each test has a namespace of its own.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
import typing as t
import uuid
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.kube import KubeClient, ObjectRef, connect
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner
from ansible_collections.harvis.platform.plugins.module_utils.release.converge import ensure_present
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.lock import helm_at_work
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import read_history

KUBECONFIG = os.environ.get("HARVIS_TEST_KUBECONFIG", "")
HELM = os.environ.get("HARVIS_TEST_HELM", "")
IMAGE = os.environ.get("HARVIS_TEST_IMAGE", "")
COLLECTIONS = next(p for p in Path(__file__).parents if (p / "ansible_collections").is_dir())

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (KUBECONFIG and HELM and IMAGE),
        reason="HARVIS_TEST_KUBECONFIG, HARVIS_TEST_HELM and HARVIS_TEST_IMAGE name no cluster",
    ),
]

TEMPLATE = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: {{ .Release.Namespace }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: {{ .Values.image }}
          imagePullPolicy: IfNotPresent
          command: {{ toJson .Values.command }}
          env: [{name: GREETING, value: {{ .Values.greeting | quote }}}]
          resources: {limits: {cpu: "0.01", memory: "0.03Gi"}, requests: {cpu: "1m"}}
          readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1}
---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: {{ .Release.Namespace }}}
stringData: {password: {{ .Values.password | quote }}}
"""
SCHEMA = """{"type": "object", "additionalProperties": false, "properties": {
"replicas": {"type": "integer"}, "image": {"type": "string"}, "command": {"type": "array"},
"greeting": {"type": "string"}, "password": {"type": "string"}}}"""
READY = ["sh", "-c", "touch /tmp/ready; exec sleep 1000000"]
CRASH = ["sh", "-c", "echo about to fail; exit 78"]


@dataclasses.dataclass
class Site:
    cluster: KubeClient
    spec: ReleaseSpec

    def present(self, *, check_mode: bool = False, timeout: int = 60, **values: t.Any) -> dict[str, t.Any]:
        spec = dataclasses.replace(self.spec, values={**self.spec.values, **values}, timeout=timeout)
        helm = Helm(SystemRunner(), HELM, KUBECONFIG)
        return ensure_present(spec, helm, lambda: connect(KUBECONFIG), check_mode=check_mode)

    @property
    def web(self) -> ObjectRef:
        return ObjectRef("apps/v1", "Deployment", "web", self.spec.namespace)

    def template(self) -> Path:
        return self.spec.chart / "templates" / "web.yaml"

    def edit(self, path: str, value: t.Any) -> None:
        """By hand: under the name that kubectl would have."""
        operations = [{"op": "add", "path": path, "value": value}]
        self.cluster._call(
            "patch",
            self.web,
            body=operations,
            name="web",
            content_type="application/json-patch+json",
            field_manager="kubectl-patch",
        )


@pytest.fixture
def site(tmp_path: Path) -> t.Iterator[Site]:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 0.1.0\n", encoding="utf-8")
    (chart / "values.schema.json").write_text(SCHEMA, encoding="utf-8")
    (chart / "templates" / "web.yaml").write_text(TEMPLATE, encoding="utf-8")
    namespace = f"rel-{uuid.uuid4().hex[:8]}"
    values = {"replicas": 1, "image": IMAGE, "command": READY, "greeting": "hello", "password": "hunter2-hunter2"}
    cluster = connect(KUBECONFIG)
    yield Site(cluster, ReleaseSpec("web", namespace, chart, values))
    cluster.delete(ObjectRef("v1", "Namespace", namespace))


def test_the_second_run_changes_nothing(site: Site) -> None:
    assert site.present()["changed"] is True
    assert site.present()["reasons"] == []


def test_a_template_edit_reaches_the_cluster(site: Site) -> None:
    site.present()
    text = site.template().read_text(encoding="utf-8")
    site.template().write_text(text.replace("periodSeconds: 1", "periodSeconds: 2"), encoding="utf-8")
    path = "spec.template.spec.containers[web].readinessProbe.periodSeconds"
    assert site.present()["reasons"] == [f"Deployment {site.spec.namespace}/web: {path}: 1 -> 2"]
    assert site.present()["changed"] is False


def test_the_same_quantity_in_other_words_is_no_drift(site: Site) -> None:
    site.present()
    text = site.template().read_text(encoding="utf-8").replace('cpu: "0.01"', "cpu: 10m")
    site.template().write_text(text, encoding="utf-8")
    result = site.present()
    assert result["drift"] == []
    assert len(result["reasons"]) == 1


EDITS: list[tuple[str, str, t.Any]] = [
    ("a field of the chart", "/spec/replicas", 2),
    ("a value of the chart", "/spec/template/spec/containers/0/env/0/value", "bye"),
    ("an added variable", "/spec/template/spec/containers/0/env/-", {"name": "DEBUG", "value": "1"}),
    ("an added part", "/spec/template/spec/containers/0/securityContext", {"runAsUser": 1000}),
    ("a default", "/spec/template/spec/hostNetwork", True),
    ("a label", "/metadata/labels/by", "hand"),
]


@pytest.mark.parametrize(("path", "value"), [e[1:] for e in EDITS], ids=[e[0] for e in EDITS])
def test_a_hand_edit_is_taken_back(site: Site, path: str, value: t.Any) -> None:
    site.present()
    before = site.cluster.get(site.web)
    site.edit(path, value)
    result = site.present()
    assert len(result["drift"]) == 1
    after = site.cluster.get(site.web)
    assert before is not None
    assert after is not None
    assert after["spec"] == before["spec"]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert site.present()["changed"] is False


def test_a_deleted_object_comes_back(site: Site) -> None:
    site.present()
    keys = ObjectRef("v1", "Secret", "keys", site.spec.namespace)
    site.cluster.delete(keys)
    assert site.present()["drift"] == [f"Secret {site.spec.namespace}/keys: was deleted"]
    assert site.cluster.get(keys) is not None


def test_check_mode_shows_the_change_and_no_secret(site: Site) -> None:
    site.present()
    result = site.present(check_mode=True, password="hunter3-hunter3", greeting="bye")
    text = str(result)
    assert "-> 'bye'" in text
    assert "hunter" not in text
    assert "aHVudGVyM" not in text
    assert site.present()["changed"] is False


def test_a_misspelt_value_stops_before_anything_changes(site: Site) -> None:
    with pytest.raises(HarvisError, match="VAL-SCHEMA greting"):
        site.present(greting="x")
    assert site.cluster.get(ObjectRef("v1", "Namespace", site.spec.namespace)) is None


def test_a_crash_is_told_with_its_last_words_after_the_rollback(site: Site) -> None:
    site.present()
    with pytest.raises(HarvisError) as caught:
        site.present(command=CRASH, timeout=20)
    found = {finding.code: finding for finding in caught.value.findings}
    assert set(found) == {"ROL-TIMEOUT", "ROL-CRASH"}
    assert "about to fail" in found["ROL-CRASH"].evidence
    assert "exit code 78" in found["ROL-CRASH"].cause
    assert site.present()["changed"] is False


KILLED = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from ansible_collections.harvis.platform.plugins.module_utils.kube import connect
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner
from ansible_collections.harvis.platform.plugins.module_utils.release import Helm, ReleaseSpec, ensure_present
_, _, namespace, chart, image, helm, kubeconfig = sys.argv
values = {"replicas": 1, "image": image, "command": ["sleep", "9"], "greeting": "never", "password": ""}
spec = ReleaseSpec("web", namespace, Path(chart), values, timeout=120)
ensure_present(spec, Helm(SystemRunner(), helm, kubeconfig), lambda: connect(kubeconfig), check_mode=False)
"""


def kill_in_the_middle(site: Site) -> None:
    """A run whose pods never get ready, ended with its helm as a power cut would."""
    arguments = [str(COLLECTIONS), site.spec.namespace, str(site.spec.chart), IMAGE, HELM, KUBECONFIG]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments], start_new_session=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        history = read_history(site.cluster, "web", site.spec.namespace)
        if history.last and history.last.is_pending and site.cluster.get(site.web):
            break
        time.sleep(0.3)
    with pytest.raises(HarvisError, match="REL-LOCKED"):
        site.present()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    while helm_at_work("web", site.spec.namespace):
        time.sleep(0.1)


@pytest.mark.parametrize("installed", [False, True], ids=["first install", "upgrade"])
def test_a_killed_run_can_be_run_again(site: Site, installed: bool) -> None:
    if installed:
        site.present()
    kill_in_the_middle(site)
    assert "by a run that is gone" in site.present()["reasons"][0]
    assert site.present()["changed"] is False
