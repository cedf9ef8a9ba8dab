"""A cluster and a helm that live in memory, behind the same boundaries as the real ones."""

from __future__ import annotations

import base64
import copy
import dataclasses
import gzip
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.process import CommandResult
from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text
from ansible_collections.harvis.platform.plugins.module_utils.release.live import as_applied
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import as_stored, parse_manifest
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec

FIXTURES = Path(__file__).parent / "fixtures"
CLUSTER_KINDS = ("Namespace", "ClusterRole")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real: needs a real service, named by an environment variable")


class FakeCluster:
    """Objects by address; server-side apply merges maps and named list items, as the API server does."""

    server = ""

    def __init__(self, *objects: Object) -> None:
        self.objects: dict[ObjectRef, Object] = {}
        self.refusals: dict[ObjectRef, ApiRefusal] = {}
        self.log_texts: dict[tuple[str, str, bool], str] = {}
        self.written: list[tuple[str, ObjectRef]] = []
        for body in objects:
            self.put(body)

    def put(self, body: Object) -> Object:
        body = copy.deepcopy(body)
        known = self.objects.get(ObjectRef.of(body), {}).get("metadata", {})
        body["metadata"]["resourceVersion"] = str(int(known.get("resourceVersion", "0")) + 1)
        self.objects[ObjectRef.of(body)] = body
        return copy.deepcopy(body)

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

    def create(self, body: Object) -> Object:
        ref = ObjectRef.of(body)
        if ref in self.objects:
            raise ApiRefusal(str(ref), 409, "AlreadyExists", f"{ref} already exists")
        self.written.append(("create", ref))
        return self.put(body)

    def apply(self, body: Object, *, dry_run: bool = False, **_manager: str) -> Object:
        ref = ObjectRef.of(body)
        if ref in self.refusals:
            raise self.refusals[ref]
        if ref.namespace and ObjectRef("v1", "Namespace", ref.namespace) not in self.objects:
            raise ApiRefusal(str(ref), 404, "NotFound", f'namespaces "{ref.namespace}" not found')
        merged = server_merge(self.objects.get(ref) or {}, as_stored(body))
        if dry_run:
            return merged
        self.written.append(("apply", ref))
        return self.put(merged)

    def patch(self, ref: ObjectRef, operations: list[dict[str, t.Any]], *, dry_run: bool = False) -> Object:
        body = copy.deepcopy(self.objects[ref])
        for operation in operations:
            steps = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
            node: t.Any = body
            for step in steps[:-1]:
                node = node[int(step)] if isinstance(node, list) else node[step]
            last = int(steps[-1]) if isinstance(node, list) else steps[-1]
            if operation["op"] == "test" and node[last] != operation["value"]:
                raise ApiRefusal(str(ref), 422, "Invalid", "the server rejected the test")
            if operation["op"] == "remove":
                del node[last]
        if dry_run:
            return body
        self.written.append(("patch", ref))
        return self.put(body)

    def replace(self, body: Object) -> Object:
        ref = ObjectRef.of(body)
        version = body["metadata"].get("resourceVersion")
        if version and version != self.objects[ref]["metadata"]["resourceVersion"]:
            raise ApiRefusal(str(ref), 409, "Conflict", "the object has been modified")
        self.written.append(("replace", ref))
        return self.put(body)

    def delete(self, ref: ObjectRef) -> bool:
        self.written.append(("delete", ref))
        return self.objects.pop(ref, None) is not None

    def namespaced(self, _api_version: str, kind: str) -> bool:
        return kind not in CLUSTER_KINDS

    def ask(self, _path: str) -> tuple[int, str]:
        return 200, '{"groups": []}'

    def logs(self, _namespace: str, pod: str, container: str, *, previous: bool = False, **_lines: int) -> str:
        return self.log_texts.get((pod, container, previous), "")


def server_merge(live: t.Any, applied: t.Any) -> t.Any:
    if isinstance(live, dict) and isinstance(applied, dict):
        merged = {key: server_merge(live.get(key), value) for key, value in applied.items()}
        return {**copy.deepcopy(live), **merged}
    named = [
        isinstance(side, list)
        and bool(side)
        and all("name" in i for i in side if isinstance(i, dict))
        and all(isinstance(i, dict) for i in side)
        for side in (live, applied)
    ]
    if all(named):
        by_name = {item["name"]: item for item in live}
        ours = [server_merge(by_name.get(item["name"]), item) for item in applied]
        names = {item["name"] for item in applied}
        return ours + [copy.deepcopy(item) for item in live if item["name"] not in names]
    return copy.deepcopy(applied)


def helm_secret(
    number: int,
    status: str,
    manifest: str = "",
    *,
    values: dict[str, t.Any] | None = None,
    hooks: str = "",
    updated: str = "2026-01-05T10:00:00.123456789Z",
) -> Object:
    """A revision of release shop/app, stored as Helm stores it."""
    record = {
        "name": "app",
        "namespace": "shop",
        "version": number,
        "info": {"status": status, "last_deployed": updated, "description": f"is {status}"},
        "chart": {"metadata": {"name": "app", "version": "0.1.0", "appVersion": "1"}},
        "config": values or {},
        "manifest": manifest,
        "hooks": [{"path": "app/templates/test.yaml", "manifest": hooks}] if hooks else [],
    }
    packed = base64.b64encode(gzip.compress(json.dumps(record).encode()))
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {
            "name": f"sh.helm.release.v1.app.v{number}",
            "namespace": "shop",
            "labels": {"owner": "helm", "name": "app", "status": status, "version": str(number)},
        },
        "data": {"release": base64.b64encode(packed).decode()},
    }


@dataclasses.dataclass
class FakeHelm:
    """Answers as a helm would that works on ``cluster``; ``failure`` makes the upgrade fail with that text.

    So does ``render_failure`` with a rendering, and ``client_failure`` with one that asks no server.
    """

    cluster: FakeCluster
    manifest: str = ""
    failure: str = ""
    render_failure: str = ""
    client_failure: str = ""
    heals: bool = True
    version: str = "v4.0.4"
    calls: list[tuple[str, ...]] = dataclasses.field(default_factory=list)
    stdin: list[str | None] = dataclasses.field(default_factory=list)

    def run(self, argv: t.Sequence[str], *, stdin: t.Any = None, **_others: t.Any) -> CommandResult:
        if argv[0] == "git":
            return CommandResult(tuple(argv), 128, "", "fatal: not a git repository")
        self.calls.append(tuple(argv[1:]))
        self.stdin.append(stdin)
        verb = argv[1]
        if verb == "template":
            failure = self.render_failure or (self.client_failure if "--dry-run=client" in argv else "")
            return CommandResult(tuple(argv), 1 if failure else 0, "" if failure else self.manifest, failure)
        if verb == "upgrade":
            return self._upgrade(argv, json.loads(stdin))
        if verb == "uninstall":
            self._forget()
        if verb == "rollback":
            self._record("deployed", self.manifest, {})
        return CommandResult(tuple(argv), 0, self.version if verb == "version" else "", "")

    def verbs(self) -> list[str]:
        return [call[0] for call in self.calls]

    def renderings(self) -> list[str]:
        """Where each was made: on the client or the server."""
        return [flag.partition("=")[2] for call in self.calls for flag in call if flag.startswith("--dry-run=")]

    def _upgrade(self, argv: t.Sequence[str], values: dict[str, t.Any]) -> CommandResult:
        if self.failure:
            return CommandResult(tuple(argv), 1, "", self.failure)
        if self.heals:
            for item in parse_manifest(self.manifest, "shop", self.cluster.namespaced).objects.values():
                live = self.cluster.objects.get(item.ref) or {}
                self.cluster.put(server_merge(live, as_stored(as_applied(item.body, "app", "shop"))))
        self._record("deployed", self.manifest, values)
        return CommandResult(tuple(argv), 0, "", "")

    def _numbers(self) -> list[int]:
        return [int(s["metadata"]["labels"]["version"]) for s in self.cluster.find("v1", "Secret", labels="owner=helm")]

    def _record(self, status: str, manifest: str, values: dict[str, t.Any]) -> None:
        self.cluster.put(helm_secret(max(self._numbers(), default=0) + 1, status, manifest, values=values))

    def _forget(self) -> None:
        for secret in self.cluster.find("v1", "Secret", labels="owner=helm"):
            self.cluster.objects.pop(ObjectRef.of(secret))


NAMESPACE: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}

MANIFEST = """---
# Source: app/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {greeting: hello}
---
# Source: app/templates/app.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1
          env: [{name: GREETING, value: hello}]
"""


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "chart"
    folder.mkdir()
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 0.1.0\n", encoding="utf-8")
    return folder


@pytest.fixture
def spec(chart: Path) -> ReleaseSpec:
    return ReleaseSpec("app", "shop", chart, {}, timeout=30)


@pytest.fixture
def released() -> FakeCluster:
    """Release shop/app, deployed from MANIFEST, with everything live as described."""
    cluster = FakeCluster(NAMESPACE)
    fake = FakeHelm(cluster, MANIFEST)
    fake.run(["helm", "upgrade"], stdin="{}")
    return cluster


@pytest.fixture
def recorded() -> t.Callable[[str], Object]:
    """An object as a real cluster returned it."""
    return lambda name: json.loads((FIXTURES / name).read_text(encoding="utf-8"))


def edited(body: Object, manager: str, fields: dict[str, t.Any], change: t.Callable[[Object], None]) -> Object:
    """``body`` after a hand of this name changed it."""
    copy_ = copy.deepcopy(body)
    change(copy_)
    entry = {"manager": manager, "operation": "Update", "time": "2026-01-06T08:00:00Z", "fieldsV1": fields}
    copy_["metadata"].setdefault("managedFields", []).append(entry)
    return copy_


@pytest.fixture
def make() -> t.Any:
    """The makers of this file, for tests that cannot import a conftest."""
    return type(
        "Make",
        (),
        {
            "cluster": FakeCluster,
            "helm": FakeHelm,
            "secret": staticmethod(helm_secret),
            "edited": staticmethod(edited),
            "namespace": NAMESPACE,
            "manifest": MANIFEST,
            "load": staticmethod(yaml_text.load),
        },
    )
