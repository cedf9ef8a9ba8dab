"""Who manages an object, from what it carries; and when that manager acts, from its own object."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.gitops.argo import ArgoApplication
from ansible_collections.harvis.platform.plugins.module_utils.gitops.flux_kustomization import FluxKustomization
from ansible_collections.harvis.platform.plugins.module_utils.gitops.flux_release import FluxRelease
from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Claim, Release, Tool
from ansible_collections.harvis.platform.plugins.module_utils.gitops.marks import newest, seconds
from ansible_collections.harvis.platform.plugins.module_utils.gitops.served import served
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, ObjectRef, UnknownKind
from ansible_collections.harvis.platform.tests.unit.gitops_types import application, helm_release, kustomization

Object = dict[str, t.Any]
WEB = ObjectRef("apps/v1", "Deployment", "web", "shop")
HELM, KUSTOMIZE = "helm.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io"
TRACKING = "argocd.argoproj.io/tracking-id"


def marked(**metadata: t.Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", **metadata},
    }


def written_by(manager: str, **entry: str) -> Object:
    return marked(managedFields=[{"manager": manager, "time": "2026-01-05T10:00:00Z", **entry}])


def tracked(text: str) -> Object:
    return marked(annotations={TRACKING: text})


CLAIMS: list[tuple[str, Tool, Object, list[Claim]]] = [
    (
        "flux release",
        FluxRelease(),
        marked(labels={f"{HELM}/name": "app", f"{HELM}/namespace": "flux"}),
        [Claim(WEB, f"label {HELM}/name: app", "app", "flux")],
    ),
    (
        "flux kustomization",
        FluxKustomization(),
        marked(labels={f"{KUSTOMIZE}/name": "apps", f"{KUSTOMIZE}/namespace": "flux"}),
        [Claim(WEB, f"label {KUSTOMIZE}/name: apps", "apps", "flux")],
    ),
    (
        "left alone by annotation",
        FluxKustomization(),
        marked(labels={f"{KUSTOMIZE}/name": "apps"}, annotations={f"{KUSTOMIZE}/reconcile": "disabled"}),
        [],
    ),
    (
        "handwriting",
        FluxRelease(),
        written_by("helm-controller"),
        [Claim(WEB, "managedFields: helm-controller at 2026-01-05T10:00:00Z")],
    ),
    ("a status is no handwriting", FluxRelease(), written_by("helm-controller", subresource="status"), []),
    ("another's handwriting", FluxRelease(), written_by("helm"), []),
    (
        "argo's annotation",
        ArgoApplication(),
        tracked("shop:apps/Deployment:shop/web"),
        [Claim(WEB, f"annotation {TRACKING}: shop:apps/Deployment:shop/web", "shop")],
    ),
    (
        "argo's annotation with a namespace",
        ArgoApplication(),
        tracked("team_shop:apps/Deployment:shop/web"),
        [Claim(WEB, f"annotation {TRACKING}: team_shop:apps/Deployment:shop/web", "shop", "team")],
    ),
    ("a copied annotation", ArgoApplication(), tracked("shop:apps/Deployment:shop/other"), []),
    (
        "argo's label",
        ArgoApplication(),
        marked(labels={"argocd.argoproj.io/instance": "shop"}),
        [Claim(WEB, "label argocd.argoproj.io/instance: shop", "shop")],
    ),
    (
        "the common label",
        ArgoApplication(),
        marked(labels={"app.kubernetes.io/instance": "shop"}),
        [Claim(WEB, "label app.kubernetes.io/instance: shop", "shop", weak=True)],
    ),
    (
        "argo's handwriting",
        ArgoApplication(),
        written_by("argocd-controller"),
        [Claim(WEB, "managedFields: argocd-controller at 2026-01-05T10:00:00Z")],
    ),
    ("no mark", ArgoApplication(), marked(), []),
]


@pytest.mark.parametrize(("tool", "body", "claims"), [c[1:] for c in CLAIMS], ids=[c[0] for c in CLAIMS])
def test_claims(tool: Tool, body: Object, claims: list[Claim]) -> None:
    assert tool.claims(body) == claims


RELEASES: list[tuple[str, Object, Release]] = [
    ("its own name", helm_release("app", "shop"), Release("app", "shop")),
    ("another namespace", helm_release("app", "flux", targetNamespace="shop"), Release("shop-app", "shop")),
    ("another name", helm_release("app", "flux", targetNamespace="shop", releaseName="web"), Release("web", "shop")),
]


@pytest.mark.parametrize(("own", "release"), [r[1:] for r in RELEASES], ids=[r[0] for r in RELEASES])
def test_which_helm_release_it_makes(own: Object, release: Release) -> None:
    # Helm's records stay where the HelmRelease is.
    assert FluxRelease().release(own) == (release, own["metadata"]["namespace"])


def test_a_release_on_another_cluster_is_not_ours() -> None:
    own = helm_release("app", "shop", kubeConfig={"secretRef": {"name": "far"}})
    assert FluxRelease().release(own) is None


STATES: list[tuple[str, Tool, Object, str, str]] = [
    ("no drift detection", FluxRelease(), helm_release("a", "b"), "", "next upgrade only: drift detection is off"),
    ("drift", FluxRelease(), helm_release("a", "b", driftDetection={"mode": "enabled"}), "", "within 10m, by drift"),
    ("warns", FluxRelease(), helm_release("a", "b", driftDetection={"mode": "warn"}), "", "reported and left"),
    ("suspended", FluxRelease(), helm_release("a", "b", suspend=True), "spec.suspend: true", "next upgrade only"),
    ("kustomization", FluxKustomization(), kustomization("a", "b"), "", "within 5m"),
    ("its suspension", FluxKustomization(), kustomization("a", "b", suspend=True), "spec.suspend: true", "within 5m"),
    (
        "heals",
        ArgoApplication(),
        application("a", "b", syncPolicy={"automated": {"selfHeal": True}}),
        "",
        "at once: selfHeal is on",
    ),
    ("automated", ArgoApplication(), application("a", "b", syncPolicy={"automated": {}}), "", "at its next sync"),
    ("by hand", ArgoApplication(), application("a", "b"), "no automated sync", "when somebody syncs it"),
    (
        "switched off",
        ArgoApplication(),
        application("a", "b", syncPolicy={"automated": {"enabled": False, "selfHeal": True}}),
        "automated.enabled: false",
        "when somebody syncs it",
    ),
]


@pytest.mark.parametrize(("tool", "own", "suspended", "reverts"), [s[1:] for s in STATES], ids=[s[0] for s in STATES])
def test_when_it_takes_a_change_back(tool: Tool, own: Object, suspended: str, reverts: str) -> None:
    state = tool.state(own)
    assert state.suspended == suspended
    assert reverts in state.reverts_object


def test_a_skipped_application_is_suspended() -> None:
    own = application("a", "b", syncPolicy={"automated": {"selfHeal": True}})
    own["metadata"]["annotations"] = {"argocd.argoproj.io/skip-reconcile": "true"}
    assert ArgoApplication().state(own).suspended == "annotation argocd.argoproj.io/skip-reconcile: true"


def test_a_revision_of_somebody_else_is_upgraded_back_without_drift_detection_too() -> None:
    assert FluxRelease().state(helm_release("a", "b")).reverts_release.startswith("within 10m")


def test_where_it_takes_its_manifests_from() -> None:
    flux = helm_release("a", "b")
    flux["status"] = {"lastAttemptedRevision": "0.1.0+abc"}
    applied = kustomization("a", "b")
    applied["status"] = {"lastAppliedRevision": "main@sha1:abc"}
    assert FluxRelease().state(flux).source == "GitRepository b/shop at 0.1.0+abc"
    assert FluxKustomization().state(applied).source == "GitRepository b/shop at main@sha1:abc"
    # Without the password in its address.
    assert ArgoApplication().state(application("a", "b")).source == "https://git.example/shop.git at main"


def test_the_newest_sign_of_the_controller() -> None:
    own = helm_release("a", "b")
    own["status"] = {
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        "history": [{"lastDeployed": "2026-01-03T00:00:00Z", "chartVersion": "0.1.0"}],
        "lastHandledReconcileAt": "asked for by hand",
    }
    assert FluxRelease().state(own).last_handled == "2026-01-03T00:00:00Z"


def test_durations_and_times() -> None:
    assert [seconds(text) for text in ("1h30m", "10m0s", "1.5s", "100ms", "soon")] == [5400, 600, 1.5, 0.1, 0]
    assert newest(None, "2026-01-01T00:00:00.123456789Z", "never") == "2026-01-01T00:00:00.123456789Z"


def test_an_application_knows_its_objects() -> None:
    own = application("shop", "argocd")
    assert ArgoApplication().confirms(own, WEB)
    own["status"] = {"resources": [{"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}]}
    assert ArgoApplication().confirms(own, WEB)
    assert not ArgoApplication().confirms(own, ObjectRef("v1", "Service", "web", "shop"))


def test_the_inventory_of_a_kustomization() -> None:
    own = kustomization("apps", "flux")
    entries = [
        {"id": "shop_web_apps_Deployment", "v": "v1"},
        {"id": "shop_settings__ConfigMap", "v": "v1"},
        {"id": "_system__viewer_rbac.authorization.k8s.io_ClusterRole", "v": "v1"},
    ]
    own["status"] = {"inventory": {"entries": entries}}
    assert FluxKustomization().inventory(own) == [
        WEB,
        ObjectRef("v1", "ConfigMap", "settings", "shop"),
        ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRole", "system:viewer"),
    ]


def test_the_inventory_of_an_application() -> None:
    own = application("shop", "argocd")
    listed = {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop", "name": "web"}
    own["status"] = {"resources": [listed]}
    assert ArgoApplication().inventory(own) == [WEB]
    own["spec"]["destination"]["server"] = "https://another.example"
    assert ArgoApplication().inventory(own) == []


class Versions:
    """A cluster whose preferred version of Flux's group does not have the kind."""

    def __init__(self, status: int = 200) -> None:
        self.status = status

    def ask(self, path: str) -> tuple[int, str]:
        assert path == "/apis"
        versions = [{"groupVersion": f"helm.toolkit.fluxcd.io/{v}"} for v in ("v2beta2", "v3", "v2")]
        group = {"name": "helm.toolkit.fluxcd.io", "versions": versions, "preferredVersion": versions[1]}
        return self.status, json.dumps({"groups": [group]})

    def find(self, api_version: str, kind: str, **_where: str) -> list[Object]:
        if not api_version.endswith("v2"):
            raise UnknownKind(*fail("REL-CLUSTER", kind, "not served").findings)
        return [{**helm_release("app", "shop"), "apiVersion": api_version}]


def test_the_version_is_the_one_that_the_cluster_has() -> None:
    found = {each.tool.kind: each for each in served(t.cast("t.Any", Versions()))}
    assert found["HelmRelease"].api_version == "helm.toolkit.fluxcd.io/v2"
    assert list(found["HelmRelease"].own) == [ObjectRef("helm.toolkit.fluxcd.io/v2", "HelmRelease", "app", "shop")]
    assert (found["Kustomization"].api_version, found["Application"].api_version) == ("", "")


def test_a_cluster_that_does_not_say_what_it_has_is_no_cluster_without_flux() -> None:
    with pytest.raises(ApiRefusal):
        served(t.cast("t.Any", Versions(status=503)))
