"""The live look, on a real API server with the tools' own object types; what their controllers say is told for them."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.gitops.info import Report, gitops_info
from ansible_collections.harvis.platform.plugins.module_utils.gitops.look import look
from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Release
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Object, ObjectRef
from ansible_collections.harvis.platform.tests.unit.gitops_types import application, kustomization

Shop = t.Any


def seen(shop: Shop, **options: t.Any) -> Report:
    return gitops_info(shop.cluster, namespace=shop.namespace, **{"settle": 0.0, **options})


def said(report: Report, code: str) -> list[str]:
    return [found.cause for found in report.findings if found.code == code]


def later(**time: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(**time)


def ready(shop: Shop, body: Object, **status: t.Any) -> None:
    condition = {"type": "Ready", "status": "True", "reason": "Succeeded", "message": "all is well"}
    shop.report(body, conditions=[{**condition, "lastTransitionTime": "2026-01-05T10:00:00Z"}], **status)


@pytest.mark.fault("F97", code="GOP-SUSPENDED", when="after deploy", by="recorded cluster")
def test_suspended_and_forgotten(shop: Shop) -> None:
    own = shop.manage()
    shop.cluster.patch(ObjectRef.of(own), [{"op": "add", "path": "/spec/suspend", "value": True}])
    ready(shop, own)
    [cause] = said(seen(shop, now=later(hours=3)), "GOP-SUSPENDED")
    assert cause.startswith("suspended (spec.suspend: true) since 20")
    assert "by harvis: forgotten? That is 18 intervals of 10m" in cause
    [cause] = said(seen(shop, now=later(minutes=30)), "GOP-SUSPENDED")
    assert "forgotten" not in cause
    # Its status stays what it was.
    [finding] = [f for f in seen(shop).findings if f.code == "GOP-SUSPENDED"]
    assert "it goes on saying True: all is well" in finding.evidence


def test_what_is_at_work_is_not_suspended(shop: Shop) -> None:
    ready(shop, shop.manage())
    assert said(seen(shop, now=later(days=3)), "GOP-SUSPENDED") == []


def test_what_a_run_left_suspended_names_the_release(shop: Shop) -> None:
    shop.present()
    shop.manage()
    shop.present(texts={"greeting": "bye", "who": "all"}, gitops="suspend", gitops_resume=False)
    [cause] = said(seen(shop), "GOP-SUSPENDED")
    assert f"for release {shop.namespace}/web, by a run that has not resumed it" in cause


def test_syncing_by_hand_is_a_choice(shop: Shop) -> None:
    shop.cluster.create(application("shop", shop.namespace))
    report = seen(shop)
    assert [m.suspended for m in report.managers] == ["no automated sync"]
    assert report.findings == []


@pytest.mark.fault("F96", code="GOP-HOLLOW", when="after deploy", by="recorded cluster")
def test_ready_while_a_live_object_was_changed_by_hand(shop: Shop) -> None:
    shop.present()
    own = shop.manage()
    ready(shop, own)
    assert said(seen(shop), "GOP-HOLLOW") == []
    settings = ObjectRef("v1", "ConfigMap", "settings", shop.namespace)
    shop.cluster.patch(settings, [{"op": "replace", "path": "/data/greeting", "value": "by hand"}])
    [finding] = [f for f in seen(shop).findings if f.code == "GOP-HOLLOW"]
    assert finding.subject == f"Flux's HelmRelease {shop.namespace}/web"
    assert finding.cause == (
        "it says True (all is well), and 1 fields of its live objects differ from what was deployed"
    )
    assert "data.greeting: 'by hand' -> 'hello'" in finding.evidence
    # With drift detection Flux itself compares.
    shop.cluster.patch(ObjectRef.of(own), [{"op": "add", "path": "/spec/driftDetection", "value": {"mode": "enabled"}}])
    assert said(seen(shop), "GOP-HOLLOW") == []


@pytest.mark.fault("F96", code="GOP-HOLLOW", when="after deploy", by="recorded cluster")
def test_ready_while_its_pods_do_not_work(shop: Shop) -> None:
    shop.present(replicas=1)
    own = shop.manage(driftDetection={"mode": "enabled"})
    ready(shop, own)
    assert said(seen(shop), "GOP-HOLLOW") == []
    web = ObjectRef("apps/v1", "Deployment", "web", shop.namespace)
    image = "/spec/template/spec/containers/0/image"
    shop.cluster.patch(web, [{"op": "replace", "path": image, "value": "registry.example/web:never"}])
    shop.until(lambda: len(shop.cluster.find("v1", "Pod", namespace=shop.namespace)) == 2)
    assert said(seen(shop), "GOP-HOLLOW") == ["it says True (all is well), and 1 of its pods or workloads do not work"]
    # A pod that has just been made is given time.
    assert said(seen(shop, settle=3600.0), "GOP-HOLLOW") == []
    # Who does not say that all is well hides nothing.
    shop.report(own, conditions=[])
    assert said(seen(shop), "GOP-HOLLOW") == []


@pytest.mark.fault("F99", code="GOP-HOLLOW", when="after deploy", by="recorded cluster")
def test_a_kustomization_is_ready_and_its_inventory_is_not(shop: Shop) -> None:
    shop.present(replicas=1)
    own = kustomization("apps", shop.namespace, wait=True)
    shop.cluster.create(own)
    entries = [{"id": f"{shop.namespace}_{name}_apps_Deployment", "v": "v1"} for name in ("web", "gone")]
    ready(shop, own, inventory={"entries": entries[:1]})
    assert said(seen(shop), "GOP-HOLLOW") == []
    ready(shop, own, inventory={"entries": entries})
    [finding] = [f for f in seen(shop).findings if f.code == "GOP-HOLLOW"]
    assert f"Deployment {shop.namespace}/gone: it is not there" in finding.evidence


@pytest.mark.fault("F99", code="GOP-WAIT", when="after deploy", by="recorded cluster")
@pytest.mark.fault("F95", code="GOP-VERSION", when="after deploy", by="recorded cluster")
def test_what_is_live_is_judged_like_manifests(shop: Shop) -> None:
    shop.manage()
    shop.cluster.create(kustomization("apps", shop.namespace))
    shop.cluster.create(kustomization("waits", shop.namespace, wait=True))
    found = [(f.code, f.subject) for f in seen(shop).findings]
    release = f"{shop.namespace}/HelmRelease/web"
    assert found == [
        ("GOP-VERSION", f"{release} /spec/chart/spec/reconcileStrategy"),
        ("GOP-DRIFT", f"{release} /spec"),
        ("GOP-WAIT", f"{shop.namespace}/Kustomization/apps /spec"),
    ]


class Blind:
    """A user who may not list these kinds, and may read ``readable`` by name."""

    def __init__(self, cluster: t.Any, *kinds: str, readable: bool = False) -> None:
        self.cluster, self.kinds, self.readable = cluster, kinds, readable

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self.cluster, name)

    def find(self, api_version: str, kind: str, **where: str) -> list[Object]:
        if kind in self.kinds:
            raise ApiRefusal(f"list of {kind}", 403, "Forbidden", f"cannot list {kind}")
        return self.cluster.find(api_version, kind, **where)

    def get(self, ref: ObjectRef) -> Object | None:
        if ref.kind in self.kinds and not self.readable:
            raise ApiRefusal(str(ref), 403, "Forbidden", f"cannot get {ref.kind}")
        return self.cluster.get(ref)


def test_what_may_not_be_listed_is_said_to_be_unchecked(shop: Shop) -> None:
    report = gitops_info(t.cast("t.Any", Blind(shop.cluster, "HelmRelease")), namespace=shop.namespace)
    assert report.unchecked == ["HelmReleases, which may not be listed: cannot list HelmRelease"]


@pytest.mark.parametrize("readable", [False, True])
def test_a_manager_that_may_not_be_listed_is_still_a_manager(shop: Shop, readable: bool) -> None:
    shop.present()
    shop.manage()
    shop.label({"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": shop.namespace})
    web = shop.cluster.get(ObjectRef("apps/v1", "Deployment", "web", shop.namespace))
    blind = t.cast("t.Any", Blind(shop.cluster, "HelmRelease", readable=readable))
    [found] = look(blind, Release("web", shop.namespace), [web])
    assert (found.ref.name, found.own is not None) == ("web", readable)
    assert found.unread == ("" if readable else "cannot get HelmRelease")


def test_who_may_not_list_all_namespaces_is_asked_for_that_of_the_release(shop: Shop) -> None:
    shop.manage()

    class Confined(Blind):
        def find(self, api_version: str, kind: str, **where: str) -> list[Object]:
            if kind == "HelmRelease" and where.get("namespace"):
                return self.cluster.find(api_version, kind, **where)
            return super().find(api_version, kind, **where)

    confined = t.cast("t.Any", Confined(shop.cluster, "HelmRelease"))
    [found] = look(confined, Release("web", shop.namespace), [])
    assert (found.ref.name, found.whole) == ("web", True)
    assert look(t.cast("t.Any", Blind(shop.cluster, "HelmRelease")), Release("web", shop.namespace), []) == []


def test_a_mark_of_a_tool_that_this_cluster_does_not_have(shop: Shop) -> None:
    """Its manager may live in another cluster: nobody here can say that it is gone."""
    shop.present()
    shop.label({"helm.toolkit.fluxcd.io/name": "far", "helm.toolkit.fluxcd.io/namespace": "flux"})
    web = shop.cluster.get(ObjectRef("apps/v1", "Deployment", "web", shop.namespace))

    class Bare(Blind):
        def ask(self, _path: str) -> tuple[int, str]:
            return 200, '{"groups": []}'

    [found] = look(t.cast("t.Any", Bare(shop.cluster)), Release("web", shop.namespace), [web])
    assert (str(found), found.own) == ("Flux's HelmRelease flux/far", None)
    assert found.unread.startswith("this cluster has no such kind")
