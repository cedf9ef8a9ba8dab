"""What speaks against a deployment, asked of a real API server."""

from __future__ import annotations

import base64
import gzip
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.deployment.errors import DeploymentError
from ansible_collections.harvis.platform.plugins.module_utils.deployment.preflight import preflight
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.kube import KubeClient, connect
from ansible_collections.harvis.platform.plugins.module_utils.release.records import write_record
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import read_history
from ansible_collections.harvis.platform.tests.unit.api_server import ApiServer, api_server, free_ports

__all__ = ["api_server"]

Object = dict[str, t.Any]


class Place:
    """Two namespaces of a test's own, and a chart called ``harvis``."""

    def __init__(self, server: ApiServer, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.cluster = connect(str(server.kubeconfig))
        self.app, self.workers = server.namespace("app"), server.namespace("workers")
        (folder / "Chart.yaml").write_text("name: harvis\nversion: 1.0.0\n")

    def params(self, **changes: t.Any) -> dict[str, t.Any]:
        keys = ("name", "namespace", "workload", "container", "release")
        places = [("resonance", self.workers, "resonance", "resonance", "harvis-prod")]
        places.append(("backend", self.app, "harvis-backend", "backend", "harvis-prod"))
        given: dict[str, t.Any] = {
            "kubeconfig": str(self.server.kubeconfig),
            "context": "",
            "releases": [{"name": "harvis-prod", "namespace": self.app, "chart": str(self.folder)}],
            "components": [dict(zip(keys, place, strict=True)) for place in places],
            "workers": ["resonance"],
            "only": [],
            "run_tags": ["all"],
            "gitops": "refuse",
        }
        return {**given, **changes}

    def look(self, cluster: KubeClient | None = None, **changes: t.Any) -> dict[str, t.Any]:
        return preflight(self.params(**changes), lambda: cluster or self.cluster)

    def findings(self, cluster: KubeClient | None = None, **changes: t.Any) -> tuple[Finding, ...]:
        with pytest.raises(HarvisError) as caught:
            self.look(cluster, **changes)
        return caught.value.findings

    def namespaces(self, annotations: dict[str, str] | None = None) -> None:
        for name in (self.app, self.workers):
            metadata = {"name": name, "annotations": annotations or {}}
            self.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    def deployment(self, namespace: str, name: str, container: str, image: str, release: str = "") -> None:
        owner, _, of = release.partition("/")
        annotations = {"meta.helm.sh/release-namespace": owner, "meta.helm.sh/release-name": of} if release else {}
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": container, "image": image}]}}
        spec = {"selector": {"matchLabels": labels}, "template": template}
        metadata = {"name": name, "namespace": namespace, "annotations": annotations}
        self.cluster.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})

    def revision(self, chart: str, manifest: str, number: int = 1, status: str = "deployed") -> None:
        record = {
            "name": "harvis-prod",
            "namespace": self.app,
            "version": number,
            "manifest": manifest,
            "info": {"status": status, "last_deployed": "2026-06-01T12:00:00Z"},
            "chart": {"metadata": {"name": chart, "version": "3.2.1"}},
        }
        packed = base64.b64encode(gzip.compress(json.dumps(record).encode()))
        labels = {"owner": "helm", "name": "harvis-prod"}
        metadata = {"name": f"sh.helm.release.v1.harvis-prod.v{number}", "namespace": self.app, "labels": labels}
        data = {"release": base64.b64encode(packed).decode()}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data, "type": "helm.sh/release.v1"}
        self.cluster.create(body)

    def somebody(self, name: str) -> KubeClient:
        """Another user of the same cluster, with no right but those that everybody has."""
        from kubernetes import config

        library: t.Any = config
        api = library.new_client_from_config(str(self.server.kubeconfig))
        api.set_default_header("Impersonate-User", name)
        return KubeClient(api, "the test's cluster")

    def grant(self, user: str, namespace: str, rules: list[Object]) -> None:
        api = "rbac.authorization.k8s.io"
        metadata = {"name": user, "namespace": namespace}
        self.cluster.create({"apiVersion": f"{api}/v1", "kind": "Role", "metadata": metadata, "rules": rules})
        subjects = [{"kind": "User", "name": user, "apiGroup": api}]
        body = {"roleRef": {"kind": "Role", "name": user, "apiGroup": api}, "subjects": subjects}
        self.cluster.create({"apiVersion": f"{api}/v1", "kind": "RoleBinding", "metadata": metadata, **body})

    def let_see_namespaces(self, user: str) -> None:
        api = "rbac.authorization.k8s.io"
        name = f"{user}-{self.app}"
        rules = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}]
        self.cluster.create(
            {"apiVersion": f"{api}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}
        )
        subjects = [{"kind": "User", "name": user, "apiGroup": api}]
        body = {"roleRef": {"kind": "ClusterRole", "name": name, "apiGroup": api}, "subjects": subjects}
        self.cluster.create(
            {"apiVersion": f"{api}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name}, **body}
        )


@pytest.fixture
def place(api_server: ApiServer, tmp_path: Path) -> Place:
    return Place(api_server, tmp_path)


def test_an_empty_cluster_takes_everything(place: Place) -> None:
    seen = place.look()
    assert seen["chosen"] == {"workers": ["resonance"], "backend": True, "data": True, "topics": True, "app": True}
    assert (seen["left"], seen["used_images"]) == ({"workers": {}, "backend": ""}, [])
    assert seen["kubernetes"] == place.cluster.version


def test_what_is_not_chosen_stays_as_it_runs(place: Place) -> None:
    place.namespaces()
    place.deployment(place.workers, "resonance", "resonance", "h/r:1", f"{place.app}/harvis-prod")
    place.deployment(place.app, "harvis-backend", "backend", "h/b:1", f"{place.app}/harvis-prod")
    assert place.look(only=["backend"])["left"] == {"workers": {"resonance": "h/r:1"}, "backend": ""}
    assert place.look(only=["resonance"])["left"] == {"workers": {}, "backend": "h/b:1"}
    assert place.look(only=["backend"])["chosen"]["workers"] == []


def test_an_image_that_can_be_gone_back_to_is_in_use(place: Place) -> None:
    place.namespaces()
    place.revision("harvis", "image: h/r:old\n", 1, "superseded")
    place.revision("harvis", 'spec:\n  containers:\n    - image: "h/r:now"\n      name: x\n', 2)
    place.deployment(place.workers, "somebodys", "x", "h/other:1")
    assert place.look()["used_images"] == ["h/other:1", "h/r:now", "h/r:old"]


def test_a_release_that_another_chart_holds(place: Place) -> None:
    place.namespaces()
    place.revision("wordpress", "")
    (finding,) = place.findings()
    assert (finding.code, finding.subject) == ("REL-FOREIGN", f"release {place.app}/harvis-prod")
    assert "chart wordpress, not of harvis" in finding.cause


def test_a_release_that_was_uninstalled_holds_no_name(place: Place) -> None:
    place.namespaces()
    place.revision("wordpress", "", status="uninstalled")
    assert place.look()["changed"] is False


def test_a_namespace_of_another_release(place: Place) -> None:
    place.namespaces({"meta.helm.sh/release-name": "theirs", "meta.helm.sh/release-namespace": "elsewhere"})
    assert [(f.code, f.subject) for f in place.findings()] == [
        ("REL-FOREIGN", f"namespace {place.app}"),
        ("REL-FOREIGN", f"namespace {place.workers}"),
    ]


def test_a_namespace_that_is_being_deleted(place: Place) -> None:
    from ansible_collections.harvis.platform.plugins.module_utils.kube import ObjectRef

    # Without the namespace controller it stays in this state.
    place.namespaces()
    place.cluster.delete(ObjectRef("v1", "Namespace", place.workers))
    (finding,) = place.findings()
    assert (finding.code, finding.subject) == ("REL-TERMINATING", f"namespace {place.workers}")
    assert "being deleted" in finding.cause


@pytest.mark.parametrize(
    ("release", "whose"),
    [("other/theirs", "belongs to the Helm release other/theirs"), ("", "was made by something else than Helm")],
)
def test_a_workload_of_somebody_else_under_our_name(place: Place, release: str, whose: str) -> None:
    place.namespaces()
    place.deployment(place.workers, "resonance", "resonance", "h/r:1", release)
    (finding,) = place.findings()
    assert (finding.code, finding.subject) == ("REL-FOREIGN", f"Deployment {place.workers}/resonance")
    assert whose in finding.cause


def test_missing_rights_are_named_with_verb_and_resource(place: Place) -> None:
    place.namespaces()
    user = f"dev-{place.app}"
    place.let_see_namespaces(user)
    everything = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    written = ["secrets", "configmaps", "services", "persistentvolumeclaims", "events"]
    core = {"apiGroups": [""], "resources": written, "verbs": ["*"]}
    pods = {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list", "watch"]}
    apps = {"apiGroups": ["apps"], "resources": ["deployments", "statefulsets"], "verbs": ["get", "list", "watch"]}
    place.grant(user, place.app, everything)
    place.grant(user, place.workers, [core, pods, apps])
    (finding,) = place.findings(place.somebody(user))
    assert (finding.code, finding.subject) == ("REL-RIGHTS", f"namespace {place.workers}")
    assert finding.cause == (
        "the user of the kubeconfig may not: create, update, patch, delete on deployments.apps; "
        "create, update, patch, delete on statefulsets.apps; "
        "get, create, update, delete on leases.coordination.k8s.io; delete on pods"
    )


def test_a_right_on_one_name_is_no_right_on_all(place: Place) -> None:
    place.namespaces()
    user = f"dev-{place.app}"
    place.let_see_namespaces(user)
    named = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"], "resourceNames": ["x"]}
    place.grant(user, place.app, [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])
    place.grant(user, place.workers, [named])
    (finding,) = place.findings(place.somebody(user))
    assert "on secrets;" in finding.cause


def test_who_may_not_see_a_namespace_is_told_so(place: Place) -> None:
    place.namespaces()
    found = place.findings(place.somebody(f"nobody-{place.app}"))
    assert {(f.code, f.cause) for f in found} == {
        ("REL-RIGHTS", "the user of the kubeconfig may not: get on namespaces")
    }


def test_who_may_not_make_a_missing_namespace_is_told_so(place: Place) -> None:
    user = f"dev-{place.app}"
    place.let_see_namespaces(user)
    assert {f.cause for f in place.findings(place.somebody(user))} == {
        "it does not exist, and the user of the kubeconfig may not: create on namespaces"
    }


def test_an_unreachable_cluster_is_one_finding(place: Place, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    text = place.server.kubeconfig.read_text().replace(place.cluster.place.split()[0], f"https://127.0.0.1:{port}")
    (tmp_path / "kubeconfig").write_text(text)
    params = place.params(kubeconfig=str(tmp_path / "kubeconfig"))
    with pytest.raises(HarvisError) as caught:
        preflight(params, lambda: connect(params["kubeconfig"]))
    assert [f.code for f in caught.value.findings] == ["REL-CLUSTER"]


def test_an_unknown_component_is_found_before_the_cluster_is_asked(place: Place) -> None:
    def never() -> KubeClient:
        raise AssertionError("the cluster was asked")

    with pytest.raises(DeploymentError, match="There are: resonance, backend, data"):
        preflight(place.params(only=["resonanse"]), never)


def test_what_is_deployed_counts_as_verified_only_when_it_is_the_last_and_was_marked(place: Place) -> None:
    """A revision that a run left in the middle, and one that nobody proved, is not verified."""
    place.namespaces()
    assert not place.look()["verified"]
    place.revision("harvis", "")
    assert not place.look()["verified"]
    cluster, history = place.cluster, read_history(place.cluster, "harvis-prod", place.app)
    write_record(cluster, history, t.cast(t.Any, history.last), verified=True)
    assert place.look()["verified"]
    place.revision("harvis", "", number=2, status="pending-upgrade")
    assert not place.look()["verified"]
