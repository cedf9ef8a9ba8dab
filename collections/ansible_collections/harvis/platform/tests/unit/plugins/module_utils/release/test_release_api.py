"""Releases by a real helm on a real API server; no kubelet runs, so pods are only reported to be ready.

Each test has a namespace of its own. ``HELM3_BIN`` names a Helm 3 to run the same with.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.kube import KubeClient, Object, ObjectRef, connect
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner
from ansible_collections.harvis.platform.plugins.module_utils.release import lock as locks
from ansible_collections.harvis.platform.plugins.module_utils.release.converge import ensure_absent, ensure_present
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.info import release_info
from ansible_collections.harvis.platform.plugins.module_utils.release.lock import hold, lease_ref
from ansible_collections.harvis.platform.plugins.module_utils.release.records import records_ref
from ansible_collections.harvis.platform.plugins.module_utils.release.rollback import ensure_rolled_back
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import read_history
from ansible_collections.harvis.platform.plugins.module_utils.release.verification import mark
from ansible_collections.harvis.platform.tests.unit.api_server import ApiServer, helm_binary, ready_pods

COLLECTIONS = next(p for p in Path(__file__).parents if (p / "ansible_collections").is_dir())
PULLED = "registry.example/web@sha256:" + "a" * 64
IMPORTED = "sha256:" + "b" * 64

TEMPLATES: dict[str, str] = {
    "web.yaml": """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Values.label }}}}
  template:
    metadata: {labels: {app: {{ .Values.label }}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: {{ .Values.image }}
          env:
            - {name: GREETING, value: {{ .Values.greeting | quote }}}
            {{- range $name, $value := .Values.extra }}
            - {name: {{ $name }}, value: {{ $value | quote }}}
            {{- end }}
""",
    "settings.yaml": """apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {greeting: {{ .Values.greeting | quote }}}
""",
}
VALUES = {"replicas": 0, "label": "web", "image": "registry.example/web:1", "greeting": "hello", "extra": {}}


@dataclasses.dataclass
class Site:
    """A chart, a namespace of its own, and what is to be done with them."""

    server: ApiServer
    cluster: KubeClient
    helm: Helm
    spec: ReleaseSpec

    def present(self, *, check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
        values = {key: changes.pop(key) for key in list(changes) if key in VALUES}
        spec = dataclasses.replace(self.spec, values={**self.spec.values, **values}, **changes)
        return ensure_present(spec, self.helm, lambda: self.cluster, check_mode=check_mode)

    def absent(self) -> dict[str, t.Any]:
        return ensure_absent(self.spec, self.helm, lambda: self.cluster, check_mode=False)

    def back(self, to: str, *, check_mode: bool = False) -> dict[str, t.Any]:
        return ensure_rolled_back(self.spec, self.helm, lambda: self.cluster, to, check_mode=check_mode)

    def by_hand(self, *argv: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """A helm that is not ours."""
        command = [
            self.helm.binary,
            *argv,
            "--namespace",
            self.spec.namespace,
            "--kubeconfig",
            str(self.server.kubeconfig),
        ]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)

    def template(self, name: str, text: str) -> Path:
        path = self.spec.chart / "templates" / name
        path.write_text(text, encoding="utf-8")
        return path

    def get(self, api_version: str, kind: str, name: str) -> Object | None:
        return self.cluster.get(ObjectRef(api_version, kind, name, self.spec.namespace))

    @property
    def web(self) -> Object:
        found = self.get("apps/v1", "Deployment", "web")
        assert found is not None
        return found

    def info(self) -> dict[str, t.Any]:
        return release_info(self.cluster, name="web", namespace=self.spec.namespace, drift=False)[0]

    def status(self, number: int, status: str, *, since: str = "") -> None:
        """Have Helm's record of a revision say what a killed helm leaves in it."""
        import base64
        import gzip

        ref = ObjectRef("v1", "Secret", f"sh.helm.release.v1.web.v{number}", self.spec.namespace)
        body = self.cluster.get(ref)
        assert body is not None
        record = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(body["data"]["release"]))))
        record["info"]["status"] = status
        record["info"]["last_deployed"] = since or record["info"]["last_deployed"]
        packed = base64.b64encode(gzip.compress(json.dumps(record).encode()))
        body["data"]["release"] = base64.b64encode(packed).decode()
        body["metadata"]["labels"]["status"] = status
        self.cluster.replace(body)


@pytest.fixture(params=["HELM_BIN", "HELM3_BIN"], ids=["helm 4", "helm 3"], scope="session")
def program(request: pytest.FixtureRequest) -> str:
    if request.param == "HELM_BIN":
        return helm_binary()
    if not os.environ.get("HELM3_BIN"):
        pytest.skip("HELM3_BIN names no Helm 3")
    return os.environ["HELM3_BIN"]


@pytest.fixture
def site(controllers: ApiServer, program: str, tmp_path: Path) -> t.Iterator[Site]:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 0.1.0\n", encoding="utf-8")
    for name, text in TEMPLATES.items():
        (chart / "templates" / name).write_text(text, encoding="utf-8")
    cluster = connect(str(controllers.kubeconfig))
    namespace = controllers.namespace("rel")
    spec = ReleaseSpec("web", namespace, chart, dict(VALUES), timeout=60)
    found = Site(controllers, cluster, Helm(SystemRunner(), program, str(controllers.kubeconfig)), spec)
    with ready_pods(controllers, namespace, IMPORTED):
        yield found
    cluster.delete(ObjectRef("v1", "Namespace", namespace))


def test_check_mode_says_which_pods_start_again_and_why(site: Site) -> None:
    site.present(replicas=2)
    before = site.web
    plan = site.present(check_mode=True, replicas=2, greeting="bye")
    web = f"Deployment {site.spec.namespace}/web"
    assert plan["objects"] == {
        "added": [],
        "changed": [f"ConfigMap {site.spec.namespace}/settings", web],
        "removed": [],
        "replaced": [],
    }
    path = "spec.template.spec.containers[web].env[GREETING].value"
    assert plan["restarts"] == [{"object": web, "pods": 2, "why": [f"{path}: 'hello' -> 'bye'"]}]
    assert "value: bye" in plan["diff"]["after"]
    assert site.web == before
    assert site.present(check_mode=True, replicas=3)["restarts"] == []


READS: list[tuple[str, str, bool]] = [
    ("a variable", "envFrom: [{configMapRef: {name: settings}}]", True),
    ("a file that stays", "volumeMounts: [{name: settings, mountPath: /a, subPath: greeting}]", True),
    ("a file that follows", "volumeMounts: [{name: settings, mountPath: /a}]", False),
]


@pytest.mark.parametrize(("reads", "stale"), [r[1:] for r in READS], ids=[r[0] for r in READS])
def test_pods_that_a_change_does_not_reach_are_named(site: Site, reads: str, stale: bool) -> None:
    text = TEMPLATES["web.yaml"].replace("{{ .Values.greeting | quote }}", "fixed")
    text = text.replace("          env:", f"          {reads}\n          env:")
    site.template("web.yaml", text + "      volumes: [{name: settings, configMap: {name: settings}}]\n")
    site.present(replicas=2)
    plan = site.present(check_mode=True, replicas=2, greeting="bye")
    web, settings = f"Deployment {site.spec.namespace}/web", f"ConfigMap {site.spec.namespace}/settings"
    assert plan["restarts"] == []
    assert plan["stale_readers"] == ([{"object": web, "pods": 2, "why": [settings]}] if stale else [])


def test_objects_come_and_go_in_the_plan(site: Site) -> None:
    site.present()
    (site.spec.chart / "templates" / "settings.yaml").rename(site.spec.chart / "templates" / "more.yaml")
    site.template("more.yaml", TEMPLATES["settings.yaml"].replace("settings", "more"))
    plan = site.present(check_mode=True)
    assert plan["objects"]["added"] == [f"ConfigMap {site.spec.namespace}/more"]
    assert plan["objects"]["removed"] == [f"ConfigMap {site.spec.namespace}/settings"]
    assert site.present()["objects"] == plan["objects"]
    assert site.present()["changed"] is False


@pytest.mark.fault(code="REL-IMMUTABLE", when="plan", by="real")
def test_a_field_that_cannot_change_stops_the_run_before_anything_changes(site: Site) -> None:
    site.present()
    before = read_history(site.cluster, "web", site.spec.namespace)
    with pytest.raises(HarvisError, match=r"REL-IMMUTABLE web/templates/web\.yaml: .*spec\.selector changes"):
        site.present(label="other")
    assert read_history(site.cluster, "web", site.spec.namespace) == before


def test_an_object_is_replaced_where_that_is_allowed(site: Site) -> None:
    site.present(replicas=1)
    old = site.web["metadata"]["uid"]
    plan = site.present(check_mode=True, replicas=1, label="other", replace_immutable=True)
    web = f"Deployment {site.spec.namespace}/web"
    assert plan["objects"]["replaced"] == [web]
    assert plan["restarts"] == [{"object": web, "pods": 1, "why": ["the Deployment is deleted and made anew"]}]
    assert site.web["metadata"]["uid"] == old
    site.present(replicas=1, label="other", replace_immutable=True)
    assert site.web["metadata"]["uid"] != old
    assert site.web["spec"]["selector"]["matchLabels"] == {"app": "other"}
    assert site.present(replicas=1, label="other", replace_immutable=True)["changed"] is False


CLAIM = """apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: "", resources: {requests: {storage: %s}}}
"""


def test_what_holds_data_is_never_replaced(site: Site) -> None:
    site.template("claim.yaml", CLAIM % "1Gi")
    # Nobody binds the claim here, and Helm would wait for it.
    helm = site.by_hand(
        "install", "web", str(site.spec.chart), "--create-namespace", "--values", "-", stdin=json.dumps(VALUES)
    )
    assert helm.returncode == 0, helm.stderr
    site.template("claim.yaml", CLAIM.replace('""', "fast") % "1Gi")
    with pytest.raises(HarvisError, match=r"REL-IMMUTABLE .*PersistentVolumeClaim") as caught:
        site.present(replace_immutable=True)
    assert "its data goes with it" in str(caught.value)
    assert site.get("v1", "PersistentVolumeClaim", "data") is not None


def start(site: Site, **params: t.Any) -> subprocess.Popen[str]:
    """A run of its own process, as a second playbook has."""
    values = {**site.spec.values, **params.pop("values", {})}
    given = {
        "name": "web",
        "namespace": site.spec.namespace,
        "chart": str(site.spec.chart),
        "values": values,
        "kubeconfig": str(site.server.kubeconfig),
        "helm": site.helm.binary,
        "timeout": 60,
        **params,
    }
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import json\n"
        "from ansible.module_utils.testing import patch_module_args\n"
        "from ansible_collections.harvis.platform.plugins.modules import helm_release\n"
        "with patch_module_args(json.loads(sys.argv[2])): helm_release.main()\n"
    )
    argv = [sys.executable, "-c", code, str(COLLECTIONS), json.dumps(given)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def answer(process: subprocess.Popen[str]) -> dict[str, t.Any]:
    out, err = process.communicate(timeout=120)
    assert out, err
    found: dict[str, t.Any] = json.loads(out)
    return found


def test_two_runs_at_once_queue_up(site: Site) -> None:
    site.present()
    runs = [start(site, values={"greeting": text}, lock_seconds=60) for text in ("one", "two", "three")]
    results = [answer(run) for run in runs]
    assert [r.get("msg") for r in results] == [None, None, None]
    history = read_history(site.cluster, "web", site.spec.namespace)
    assert [r.number for r in history.revisions] == [1, 2, 3, 4]
    assert [r.status for r in history.revisions] == ["superseded", "superseded", "superseded", "deployed"]
    last = history.revisions[-1].values["greeting"]
    assert site.web["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] == last
    assert site.cluster.get(lease_ref("web", site.spec.namespace)) is None


def test_a_run_that_does_not_wait_names_the_holder_and_since_when(site: Site) -> None:
    site.present()
    with hold(site.cluster, "web", site.spec.namespace):
        lease = site.cluster.get(lease_ref("web", site.spec.namespace))
        assert lease is not None
        refused = answer(start(site, values={"greeting": "two"}))
        assert [f["code"] for f in refused["findings"]] == ["REL-LOCKED"]
        assert f"process {os.getpid()} on " in refused["findings"][0]["cause"]
        assert f"since {lease['spec']['acquireTime']}" in refused["findings"][0]["evidence"]
        assert site.info()["held_by"].startswith(f"process {os.getpid()} on ")
        assert site.info()["held_since"] == lease["spec"]["acquireTime"]
    assert read_history(site.cluster, "web", site.spec.namespace).revisions[-1].number == 1


def test_a_run_that_waits_goes_on_when_the_other_ends(site: Site) -> None:
    site.present()
    with hold(site.cluster, "web", site.spec.namespace):
        waiting = start(site, values={"greeting": "two"}, lock_seconds=60)
        time.sleep(4)
        assert waiting.poll() is None
    assert answer(waiting)["changed"] is True


def test_a_run_that_slept_too_long_changes_nothing_more(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.2)
    site.present()
    ref = lease_ref("web", site.spec.namespace)
    with hold(site.cluster, "web", site.spec.namespace) as grip:
        taken = site.cluster.get(ref)
        assert taken is not None
        taken["spec"]["holderIdentity"] = "elsewhere/pid:[1]/77/1"
        site.cluster.replace(taken)
        grip.lost.wait(10)
        with pytest.raises(HarvisError, match=r"REL-LOCKED"):
            grip.keep()
    left = site.cluster.get(ref)
    assert left is not None
    assert left["spec"]["holderIdentity"] == "elsewhere/pid:[1]/77/1"


def test_a_release_that_was_left_pending_is_named_and_recovered(site: Site) -> None:
    site.present()
    site.present(greeting="two")
    site.status(1, "deployed")
    site.status(2, "pending-upgrade")
    found = site.info()
    assert [f["code"] for f in found["findings"]] == ["REL-PENDING"]
    assert "revision 2 is pending-upgrade since" in found["findings"][0]["cause"]
    assert "go back to revision 1" in found["findings"][0]["fix"]
    stuck = site.by_hand("upgrade", "web", str(site.spec.chart), "--values", "-", stdin=json.dumps(VALUES))
    assert "another operation" in stuck.stderr
    # The other helm's time limit is not known: what is younger than ours may be at work.
    with pytest.raises(HarvisError, match=r"REL-LOCKED"):
        site.present(greeting="two")
    site.status(2, "pending-upgrade", since="2026-01-05T10:00:00Z")
    reasons = site.present(greeting="two", check_mode=True)["reasons"]
    assert reasons[0] == "revision 2 was left pending-upgrade at 2026-01-05T10:00:00Z by a run that is gone"
    assert site.present(greeting="two")["release"]["status"] == "deployed"
    assert site.info()["findings"] == []
    assert site.present(greeting="two")["changed"] is False


@pytest.mark.fault("F53", code="REL-PENDING", when="plan", by="real")
@pytest.mark.parametrize("installed", [False, True], ids=["a first install", "an upgrade"])
def test_a_run_that_is_killed_in_the_middle_can_be_run_again(site: Site, installed: bool) -> None:
    if installed:
        site.present(replicas=1)
    values = {"replicas": 1, "image": "registry.example/web:never"}
    run = start(site, values=values, timeout=300)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        last = read_history(site.cluster, "web", site.spec.namespace).last
        if last and last.is_pending and site.get("apps/v1", "Deployment", "web"):
            break
        time.sleep(0.2)
    with pytest.raises(HarvisError, match=rf"REL-LOCKED .*process {run.pid} on"):
        site.present(replicas=1)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    assert [f["code"] for f in site.info()["findings"]] == ["REL-PENDING"]
    assert f"process {run.pid} on" in site.info()["findings"][0]["evidence"]
    reasons = site.present(replicas=1)["reasons"]
    number = 2 if installed else 1
    assert reasons[0].startswith(f"revision {number} was left pending-{'upgrade' if installed else 'install'}")
    assert site.web["spec"]["template"]["spec"]["containers"][0]["image"] == VALUES["image"]
    assert site.info()["findings"] == []
    assert site.present(replicas=1)["changed"] is False


@pytest.mark.fault("F55", code="", when="after deploy")
def test_what_a_failed_upgrade_left_goes_with_the_next(site: Site) -> None:
    site.present()
    failed = site.by_hand(
        "upgrade", "web", str(site.spec.chart), "--values", "-", "--wait", "--timeout", "2s",
        stdin=json.dumps({**VALUES, "replicas": 1, "extra": {"DEBUG": "1"}, "image": "registry.example/web:2"}),
    )  # fmt: skip
    if not failed.returncode:
        site.status(2, "failed")
    names = [e["name"] for e in site.web["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert names == ["GREETING", "DEBUG"]
    site.status(1, "deployed")
    site.status(2, "failed")
    site.present()
    names = [e["name"] for e in site.web["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert names == ["GREETING"]
    assert site.present()["changed"] is False


def test_back_to_any_revision_and_to_the_last_that_verified(site: Site) -> None:
    site.present(replicas=1, source="commit-1")
    first = mark(site.cluster, "web", site.spec.namespace, verified=True, note="all well")
    assert first["changed"] is True
    assert mark(site.cluster, "web", site.spec.namespace, verified=True, note="all well")["changed"] is False
    site.present(replicas=1, source="commit-2", greeting="two", image="registry.example/web:2")
    assert [(h["revision"], h["source"], h["verified"]) for h in site.info()["history"]] == [
        (1, "commit-1", True),
        (2, "commit-2", None),
    ]
    assert site.info()["history"][0]["images"] == {"registry.example/web:1": IMPORTED}
    assert site.info()["last_verified"] == 1
    plan = site.back("verified", check_mode=True)
    assert plan["rolled_back_to"] == 1
    assert plan["restarts"][0]["object"] == f"Deployment {site.spec.namespace}/web"
    assert site.web["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/web:2"
    assert site.back("verified")["reasons"] == plan["reasons"]
    assert site.web["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/web:1"
    assert site.back("verified")["changed"] is False
    newest = site.info()["history"][-1]
    assert (newest["revision"], newest["source"], newest["rolled_back_to"]) == (3, "commit-1", 1)
    assert site.back("2")["release"]["revision"] == 4
    assert site.web["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/web:2"


def test_a_rollback_takes_back_what_hands_did(site: Site) -> None:
    site.present()
    site.by_hand(
        "upgrade", "web", str(site.spec.chart), "--values", "-", stdin=json.dumps({**VALUES, "greeting": "two"})
    )
    ref = ObjectRef("v1", "ConfigMap", "settings", site.spec.namespace)
    site.cluster.patch(ref, [{"op": "add", "path": "/data/greeting", "value": "by hand"}])
    site.back("1")
    found = site.cluster.get(ref)
    assert found is not None
    assert found["data"] == {"greeting": "hello"}


NO_WAY_BACK: list[tuple[str, str, str]] = [
    ("a number that is not there", "7", "revision 7 is not there"),
    ("nothing verified", "verified", "no revision that Helm still has passed verification"),
    ("no number at all", "newest", "revision newest is not there"),
]


@pytest.mark.parametrize(("to", "cause"), [n[1:] for n in NO_WAY_BACK], ids=[n[0] for n in NO_WAY_BACK])
@pytest.mark.fault(code="REL-REVISION", when="plan", by="real")
def test_there_is_no_such_revision(site: Site, to: str, cause: str) -> None:
    site.present()
    with pytest.raises(HarvisError, match=f"REL-REVISION .*{cause}") as caught:
        site.back(to)
    assert "1 deployed at" in str(caught.value)


@pytest.fixture
def node(controllers: ApiServer) -> t.Iterator[t.Callable[[list[str]], None]]:
    """A node that reports these images."""
    cluster = connect(str(controllers.kubeconfig))
    ref = ObjectRef("v1", "Node", "workstation")
    cluster.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": ref.name}})

    def report(names: list[str]) -> None:
        images = [{"names": [name]} for name in names]
        cluster.patch_status(ref, [{"op": "add", "path": "/status/images", "value": images}])

    yield report
    cluster.delete(ref)


@pytest.mark.fault(code="REL-IMAGES", when="plan", by="recorded cluster")
def test_a_pruned_image_is_named_before_anything_changes(site: Site, node: t.Callable[[list[str]], None]) -> None:
    node(["registry.example/web:1"])
    site.present(replicas=1, source="commit-1")
    mark(site.cluster, "web", site.spec.namespace, verified=True)
    site.present(replicas=1, image="registry.example/web:2")
    node(["registry.example/web:2"])
    with pytest.raises(HarvisError, match=r"REL-IMAGES registry\.example/web:1: revision 1 runs this image") as caught:
        site.back("verified", check_mode=True)
    assert "commit-1" in str(caught.value)
    node(["registry.example/web:2", "registry.example/web:1"])
    assert site.back("verified")["changed"] is True


def test_an_image_that_a_registry_may_have_is_only_told(site: Site, node: t.Callable[[list[str]], None]) -> None:
    node(["registry.example/other:1"])
    site.present()
    site.present(image="registry.example/web:2")
    assert site.back("1")["images_to_pull"] == ["registry.example/web:1"]


def test_removal_leaves_nothing_behind(site: Site) -> None:
    site.present(source="commit-1")
    assert site.cluster.get(records_ref("web", site.spec.namespace)) is not None
    assert site.absent()["changed"] is True
    assert site.cluster.get(records_ref("web", site.spec.namespace)) is None
    assert site.cluster.find("v1", "Secret", namespace=site.spec.namespace) == []
    assert site.absent()["changed"] is False


def test_a_number_that_is_used_again_is_not_verified(site: Site) -> None:
    site.present()
    mark(site.cluster, "web", site.spec.namespace, verified=True)
    site.by_hand("uninstall", "web", "--wait")
    site.present()
    assert site.info()["last_verified"] is None


CRD = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.%(group)s}
spec:
  group: %(group)s
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {%(fields)s}}}}}
"""
WIDGET = """apiVersion: %(group)s/v1
kind: Widget
metadata: {name: one}
spec: {size: 1}
"""


@pytest.mark.fault("F39", code="REL-CRD", when="plan", by="real")
def test_definitions_are_brought_up_to_date_when_asked(site: Site) -> None:
    group = f"{site.spec.namespace}.example"
    (site.spec.chart / "crds").mkdir()
    file = site.spec.chart / "crds" / "widgets.yaml"
    file.write_text(CRD % {"group": group, "fields": "size: {type: integer}"}, encoding="utf-8")
    site.template("widget.yaml", WIDGET % {"group": group})
    ref = ObjectRef("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"widgets.{group}")
    try:
        assert site.present(check_mode=True)["objects"]["added"][-1] == f"Widget {site.spec.namespace}/one"
        assert site.present()["findings"] == []
        assert site.present()["changed"] is False
        file.write_text(
            CRD % {"group": group, "fields": "size: {type: integer}, hue: {type: string}"}, encoding="utf-8"
        )
        left = site.present()
        assert (left["changed"], [f["code"] for f in left["findings"]]) == (False, ["REL-CRD"])
        assert "hue" in left["findings"][0]["evidence"]
        assert "hue" not in str(site.cluster.get(ref))
        plan = site.present(crds="apply", check_mode=True)
        assert "hue" in plan["reasons"][0]
        assert "hue" not in str(site.cluster.get(ref))
        assert site.present(crds="apply")["reasons"] == plan["reasons"]
        assert "hue" in str(site.cluster.get(ref))
        assert site.present(crds="apply")["changed"] is False
        text = file.read_text(encoding="utf-8").replace("name: v1", "name: v2")
        file.write_text(text, encoding="utf-8")
        assert "storedVersions" in site.present()["findings"][0]["evidence"]
        with pytest.raises(HarvisError, match=r"REL-FAILED .*the cluster refuses the definition"):
            site.present(crds="apply")
    finally:
        site.cluster.delete(ref)
        wait_until_not_served(site, group)


def wait_until_not_served(site: Site, group: str) -> None:
    """For a moment the server lists a group that it has no more, and a client that looks then finds nothing at all."""
    from kubernetes import client, config

    library: t.Any = config
    apis = client.ApisApi(library.new_client_from_config(str(site.server.kubeconfig)))
    deadline = time.monotonic() + 30
    while group in [each.name for each in apis.get_api_versions().groups] and time.monotonic() < deadline:
        time.sleep(0.2)


@pytest.mark.fault("F52", code="REL-REUSED", when="plan", by="real")
def test_defaults_that_reuse_values_lost_are_named(site: Site) -> None:
    defaults = site.spec.chart / "values.yaml"
    defaults.write_text("note: old\nfresh: {size: 1}\ngreeting: chart\n", encoding="utf-8")
    site.template("note.yaml", TEMPLATES["settings.yaml"].replace("settings", "note").replace(".greeting", ".note"))
    site.present()
    assert site.present()["findings"] == []
    defaults.write_text("note: new\nfresh: {size: 2}\ngreeting: chart\n", encoding="utf-8")
    site.by_hand("upgrade", "web", str(site.spec.chart), "--reuse-values")
    note = site.get("v1", "ConfigMap", "note")
    assert note is not None
    assert note["data"] == {"greeting": "old"}
    found = site.present(check_mode=True)
    assert [f["code"] for f in found["findings"]] == ["REL-REUSED"]
    assert found["findings"][0]["evidence"] == "not the chart's own: fresh.size, note"
    site.present()
    note = site.get("v1", "ConfigMap", "note")
    assert note is not None
    assert note["data"] == {"greeting": "new"}
    assert site.present()["findings"] == []


def test_a_value_that_this_run_does_not_give_is_named(site: Site) -> None:
    site.present()
    site.by_hand(
        "upgrade", "web", str(site.spec.chart), "--values", "-", stdin=json.dumps({**VALUES, "debug": {"on": 1}})
    )
    found = site.present(check_mode=True)
    assert found["lost_values"] == ["debug"]
    assert "value debug is no longer given" in found["reasons"]


@pytest.mark.fault(code="REL-OWNED", when="plan", by="real")
def test_an_object_that_is_somebody_elses_is_taken_over_only_when_asked(site: Site) -> None:
    settings: Object = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"greeting": "mine"}}
    site.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": site.spec.namespace}})
    site.cluster.create({**settings, "metadata": {"name": "settings", "namespace": site.spec.namespace}})
    with pytest.raises(HarvisError, match=r"REL-OWNED ConfigMap .*/settings: it exists already and belongs to nobody"):
        site.present()
    assert read_history(site.cluster, "web", site.spec.namespace).last is None
    site.present(take_ownership=True)
    found = site.get("v1", "ConfigMap", "settings")
    assert found is not None
    assert found["data"] == {"greeting": "hello"}
    assert site.present()["changed"] is False


@pytest.mark.parametrize("meanwhile", [True, False], ids=["a pod started from it", "no pod started from it"])
def test_pods_that_started_from_what_a_hand_wrote_start_again(site: Site, meanwhile: bool) -> None:
    read = "valueFrom: {configMapKeyRef: {name: settings, key: greeting}}"
    site.template("web.yaml", TEMPLATES["web.yaml"].replace("value: {{ .Values.greeting | quote }}", read, 1))
    site.present(replicas=1)
    settings = ObjectRef("v1", "ConfigMap", "settings", site.spec.namespace)

    def pod() -> str:
        """The uid of the one pod that stays."""
        while True:
            found = site.cluster.find("v1", "Pod", namespace=site.spec.namespace)
            alive = [each["metadata"] for each in found if "deletionTimestamp" not in each["metadata"]]
            if len(alive) == 1:
                return str(alive[0]["uid"])
            time.sleep(0.1)

    # Times of the API have whole seconds.
    time.sleep(1.1)
    site.cluster.patch(settings, [{"op": "replace", "path": "/data/greeting", "value": "by hand"}])
    before = pod()
    if meanwhile:
        name = site.cluster.find("v1", "Pod", namespace=site.spec.namespace)[0]["metadata"]["name"]
        site.cluster.delete(ObjectRef("v1", "Pod", name, site.spec.namespace))
        while pod() == before:
            time.sleep(0.1)
        before = pod()

    assert site.present(replicas=1)["drift"]

    found = site.cluster.get(settings)
    assert found is not None
    assert found["data"] == {"greeting": "hello"}
    assert (pod() != before) == meanwhile


def test_marks_that_a_hand_took_away_come_back(site: Site) -> None:
    site.present()
    ref = ObjectRef("v1", "ConfigMap", "settings", site.spec.namespace)
    site.cluster.patch(ref, [{"op": "remove", "path": "/metadata/annotations"}])
    assert site.present()["drift"]
    found = site.cluster.get(ref)
    assert found is not None
    assert found["metadata"]["annotations"]["meta.helm.sh/release-name"] == "web"


@pytest.mark.fault(code="REL-OWNED", when="plan", by="real")
def test_a_release_name_that_another_chart_holds(site: Site) -> None:
    site.present()
    (site.spec.chart / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 0.1.0\n", encoding="utf-8")
    with pytest.raises(HarvisError, match=r"REL-OWNED .*the name is held by a release of chart web"):
        site.present()
    assert site.present(take_ownership=True)["release"]["chart"] == "shop"


HOOK = """apiVersion: v1
kind: %s
metadata: {name: check, annotations: {helm.sh/hook: %s}}
%s
"""
POD = "spec: {restartPolicy: Never, containers: [{name: check, image: registry.example/web:1}]}"


@pytest.mark.fault(code="REL-HOOK", when="after deploy", by="recorded cluster")
def test_a_hook_that_fails_is_named(site: Site) -> None:
    site.present()
    site.template("check.yaml", HOOK % ("Pod", "pre-upgrade", POD))
    ended = threading.Event()
    thread = threading.Thread(target=fail_pod, args=(site, ended), daemon=True)
    thread.start()
    try:
        with pytest.raises(HarvisError, match=r"REL-HOOK .*a pre-upgrade hook failed"):
            site.present(greeting="two", timeout=8)
    finally:
        ended.set()
        thread.join(5)
    assert site.web["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] == "hello"


def fail_pod(site: Site, ended: threading.Event) -> None:
    """As a kubelet reports a container that ended with an error."""
    from kubernetes import client, config

    library: t.Any = config
    core = client.CoreV1Api(library.new_client_from_config(str(site.server.kubeconfig)))
    while not ended.wait(0.1):
        try:
            core.patch_namespaced_pod_status("check", site.spec.namespace, {"status": {"phase": "Failed"}})
        except client.ApiException:
            continue


@pytest.mark.fault(code="REL-TEST", when="after deploy", by="recorded cluster")
def test_the_charts_tests_are_run_when_asked(site: Site) -> None:
    site.template("check.yaml", HOOK % ("ConfigMap", "test", "data: {asked: yes-it-was}"))
    site.present()
    assert site.get("v1", "ConfigMap", "check") is None
    site.present(greeting="two", test=True)
    assert site.get("v1", "ConfigMap", "check") is not None
    site.template("check.yaml", HOOK % ("Pod", "test", POD))
    ended = threading.Event()
    thread = threading.Thread(target=fail_pod, args=(site, ended), daemon=True)
    thread.start()
    try:
        with pytest.raises(HarvisError, match=r"REL-TEST .*the chart's tests failed"):
            site.present(greeting="three", test=True, timeout=8)
    finally:
        ended.set()
        thread.join(5)
    assert site.info()["status"] == "deployed"


def test_the_source_of_a_revision_is_the_commit_of_its_chart(site: Site) -> None:
    git = ["git", "-C", str(site.spec.chart), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for argv in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *argv], check=True, capture_output=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    site.present()
    assert site.info()["history"][-1]["source"] == commit
    site.template("settings.yaml", TEMPLATES["settings.yaml"] + "\n")
    site.present(greeting="two")
    assert site.info()["history"][-1]["source"] == f"{commit}-dirty"


def test_no_value_is_in_an_argument_list(site: Site) -> None:
    seen: list[str] = []

    class Noting(SystemRunner):
        def run(self, argv: t.Sequence[str], **options: t.Any) -> t.Any:
            seen.append(" ".join(map(str, argv)))
            return super().run(argv, **options)

    helm = dataclasses.replace(site.helm, runner=Noting())
    spec = dataclasses.replace(site.spec, values={**VALUES, "greeting": "hunter2-hunter2"}, test=True)
    ensure_present(spec, helm, lambda: site.cluster, check_mode=False)
    assert len(seen) > 2
    assert "hunter2" not in str(seen)
