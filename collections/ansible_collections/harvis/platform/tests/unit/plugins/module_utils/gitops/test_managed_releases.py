"""Releases that Flux or Argo CD manages, with their own object types on a real API server, and a real helm.

Their controllers do not run: what they write is written here as they write it, and what they would take back is not.
"""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.deployment.claims import Claim, managed_releases
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.gitops import observe, suspend
from ansible_collections.harvis.platform.plugins.module_utils.gitops.suspend import MARK
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.handed_over import WRITER
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import read_history
from ansible_collections.harvis.platform.tests.unit.gitops_types import application, kustomization

Shop = t.Any
BYE = {"greeting": "bye", "who": "world"}


def codes(result: dict[str, t.Any]) -> list[str]:
    return [found["code"] for found in result["findings"]]


@pytest.mark.fault("F100", code="GOP-MANAGED", when="plan", by="recorded cluster")
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_release_that_flux_makes_is_refused_before_anything_changes(shop: Shop, check_mode: bool) -> None:
    shop.present()
    shop.manage()
    [finding] = shop.refused(lambda: shop.present(texts=BYE, check_mode=check_mode))
    assert (finding.code, finding.subject) == ("GOP-MANAGED", f"release {shop.namespace}/web")
    assert finding.cause.startswith(f"Flux's HelmRelease {shop.namespace}/web manages it")
    assert "within 10m" in finding.cause
    assert f"source GitRepository {shop.namespace}/shop" in finding.evidence
    assert shop.greeting() == "hello"


def test_a_first_install_is_refused_too(shop: Shop) -> None:
    shop.manage()
    assert [f.code for f in shop.refused(lambda: shop.present())] == ["GOP-MANAGED"]


def test_what_is_as_described_is_not_refused(shop: Shop) -> None:
    shop.present()
    shop.manage()
    result = shop.present()
    assert result["changed"] is False
    assert [m["name"] for m in result["managers"]] == ["web"]


def test_rollback_and_removal_are_refused(shop: Shop) -> None:
    shop.present()
    shop.present(texts=BYE)
    shop.manage()
    assert [f.code for f in shop.refused(lambda: shop.back("1"))] == ["GOP-MANAGED"]
    assert [f.code for f in shop.refused(lambda: shop.absent())] == ["GOP-MANAGED"]


def test_the_manager_is_held_off_for_rollback_and_removal_too(shop: Shop) -> None:
    shop.present()
    shop.present(texts=BYE)
    own = shop.manage()
    seen: list[bool] = []
    shop.runner.at_upgrade = lambda: seen.append(shop.get(own)["spec"].get("suspend", False))
    assert codes(shop.back("1", gitops="suspend")) == ["GOP-UNDONE"]
    assert codes(shop.absent(gitops="suspend")) == ["GOP-UNDONE"]
    assert seen == [True, True]
    assert "suspend" not in shop.get(own)["spec"]
    assert shop.greeting() == "None"


@pytest.mark.fault("F100", code="GOP-MANAGED", when="plan", by="recorded cluster")
def test_objects_that_a_kustomization_applies_are_refused(shop: Shop) -> None:
    shop.present()
    shop.cluster.create(kustomization("apps", shop.namespace))
    marks = {"name": "apps", "namespace": shop.namespace}
    shop.label({f"kustomize.toolkit.fluxcd.io/{k}": v for k, v in marks.items()}, "kustomize-controller")
    [finding] = shop.refused(lambda: shop.present(texts=BYE))
    assert finding.cause.startswith(f"Flux's Kustomization {shop.namespace}/apps manages 2 of its objects")
    assert "within 5m" in finding.cause


@pytest.mark.fault("F100", code="GOP-MANAGED", when="plan", by="recorded cluster")
def test_objects_of_a_healing_application_are_refused(shop: Shop) -> None:
    shop.present()
    shop.cluster.create(application("shop", shop.namespace, syncPolicy={"automated": {"selfHeal": True}}))
    shop.label({"argocd.argoproj.io/instance": "shop"}, "argocd-controller")
    [finding] = shop.refused(lambda: shop.present(texts=BYE))
    assert finding.cause.endswith("manages 2 of its objects, and takes a change back at once: selfHeal is on")
    assert "hush" not in str(finding)


def test_the_common_label_counts_only_with_an_application_of_that_name(shop: Shop) -> None:
    shop.present()
    shop.label({"app.kubernetes.io/instance": "web"}, "some-controller")
    assert shop.present(texts=BYE)["managers"] == []
    shop.cluster.create(application("web", shop.namespace, syncPolicy={"automated": {}}))
    assert [f.code for f in shop.refused(lambda: shop.present())] == ["GOP-MANAGED"]


def test_a_label_of_a_manager_that_was_deleted_hinders_nobody(shop: Shop) -> None:
    shop.present()
    flux = {"helm.toolkit.fluxcd.io/name": "gone", "helm.toolkit.fluxcd.io/namespace": shop.namespace}
    shop.label({**flux, "argocd.argoproj.io/instance": "gone"})
    assert shop.present(texts=BYE)["managers"] == []


def test_handwriting_without_a_label_is_refused_while_the_tool_is_at_work(shop: Shop) -> None:
    shop.present()
    shop.label({"any": "thing"}, "kustomize-controller")
    shop.cluster.create(kustomization("some", shop.namespace))
    [finding] = shop.refused(lambda: shop.present(texts=BYE))
    assert "managedFields: kustomize-controller at" in finding.evidence


def test_what_is_suspended_lets_the_change_pass_and_says_what_comes_later(shop: Shop) -> None:
    shop.present()
    own = shop.manage(suspend=True)
    result = shop.present(texts=BYE)
    assert (result["changed"], codes(result)) == (True, ["GOP-SUSPENDED"])
    assert "once resumed it takes changes back within 10m" in result["findings"][0]["cause"]
    assert shop.get(own)["spec"]["suspend"] is True


def test_suspended_meanwhile_and_resumed_at_the_end(shop: Shop) -> None:
    shop.present()
    own = shop.manage()
    seen: list[Object] = []
    shop.runner.at_upgrade = lambda: seen.append(shop.get(own))
    result = shop.present(texts=BYE, gitops="suspend")
    assert [body["spec"]["suspend"] for body in seen] == [True]
    assert json.loads(seen[0]["metadata"]["annotations"][MARK])["for"] == f"release {shop.namespace}/web"
    after = shop.get(own)
    assert "suspend" not in after["spec"]
    assert MARK not in after["metadata"].get("annotations", {})
    assert shop.greeting() == "bye"
    assert codes(result) == ["GOP-UNDONE"]
    # Nothing to change: nobody is suspended.
    assert shop.present(texts=BYE, gitops="suspend")["changed"] is False
    assert len(seen) == 1
    assert shop.get(own)["metadata"]["generation"] == after["metadata"]["generation"]


def test_in_check_mode_nobody_is_suspended(shop: Shop) -> None:
    shop.present()
    before = shop.get(shop.manage())
    assert shop.present(texts=BYE, gitops="suspend", check_mode=True)["changed"] is True
    assert shop.get(before) == before


def test_resumed_also_where_helm_fails(shop: Shop) -> None:
    shop.present()
    own = shop.manage()
    seen: list[bool] = []
    shop.runner.at_upgrade = lambda: seen.append(shop.get(own)["spec"].get("suspend", False))
    with pytest.raises(HarvisError, match="ROL-TIMEOUT"):
        shop.present(replicas=1, image="registry.example/web:never", gitops="suspend", timeout=3)
    assert seen
    assert seen[0] is True
    assert "suspend" not in shop.get(own)["spec"]


def test_left_suspended_when_that_is_asked_for(shop: Shop) -> None:
    shop.present()
    own = shop.manage()
    result = shop.present(texts=BYE, gitops="suspend", gitops_resume=False)
    assert codes(result) == ["GOP-SUSPENDED"]
    assert shop.get(own)["spec"]["suspend"] is True
    [left] = shop.present(texts=BYE)["findings"]
    assert "suspended it for this release and has not resumed it" in left["cause"]
    # The next run that resumes knows what an earlier one left, be there anything else to do or not.
    result = shop.present(texts=BYE, gitops="suspend")
    assert result["reasons"] == [f"Flux's HelmRelease {shop.namespace}/web was left suspended for this release"]
    assert codes(result) == ["GOP-UNDONE"]
    assert "suspend" not in shop.get(own)["spec"]
    assert shop.present(texts=BYE, gitops="suspend")["changed"] is False


def test_what_was_left_suspended_is_resumed_after_a_further_change(shop: Shop) -> None:
    shop.present()
    own = shop.manage()
    shop.present(texts=BYE, gitops="suspend", gitops_resume=False)
    shop.present(gitops="suspend")
    assert "suspend" not in shop.get(own)["spec"]


def test_a_manager_that_cannot_be_resumed_is_named_beside_what_went_wrong(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.present()
    own = shop.manage()
    monkeypatch.setattr(suspend, "PAUSE_SECONDS", 0.01)
    refusal = ApiRefusal(str(ObjectRef.of(own)), 500, "InternalError", "the store is full")
    shop.runner.at_upgrade = lambda: monkeypatch.setattr(shop.cluster, "patch", raising(refusal))
    with pytest.raises(HarvisError) as caught:
        shop.present(replicas=1, image="registry.example/web:never", gitops="suspend", timeout=3)
    assert {"ROL-TIMEOUT", "GOP-SUSPENDED"} <= {found.code for found in caught.value.findings}
    monkeypatch.undo()
    assert shop.get(own)["spec"]["suspend"] is True


def test_resuming_is_tried_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.present()
    own = shop.manage()
    monkeypatch.setattr(suspend, "PAUSE_SECONDS", 0.01)
    refusal = ApiRefusal(str(ObjectRef.of(own)), 503, "ServiceUnavailable", "starting")
    patch = shop.cluster.patch
    answers: list[t.Any] = []

    def shaken(*given: t.Any, **options: t.Any) -> Object:
        answers.append(given)
        return raising(refusal)() if len(answers) == 1 else patch(*given, **options)

    shop.runner.at_upgrade = lambda: monkeypatch.setattr(shop.cluster, "patch", shaken)
    shop.present(texts=BYE, gitops="suspend")
    assert "suspend" not in shop.get(own)["spec"]


def raising(error: Exception) -> t.Callable[..., t.Any]:
    def call(*_: t.Any, **__: t.Any) -> t.NoReturn:
        raise error

    return call


def test_what_a_person_suspended_stays_so(shop: Shop) -> None:
    shop.present()
    own = shop.manage(suspend=True)
    shop.present(texts=BYE, gitops="suspend")
    assert shop.get(own)["spec"]["suspend"] is True


def test_automated_sync_comes_back_as_it_was(shop: Shop) -> None:
    shop.present()
    own = application("shop", shop.namespace, syncPolicy={"automated": {"selfHeal": True, "prune": True}})
    shop.cluster.create(own)
    shop.label({"argocd.argoproj.io/instance": "shop"}, "argocd-controller")
    seen: list[t.Any] = []
    shop.runner.at_upgrade = lambda: seen.append(shop.get(own)["spec"]["syncPolicy"])
    shop.present(texts=BYE, gitops="suspend")
    assert seen == [{}]
    assert shop.get(own)["spec"]["syncPolicy"] == {"automated": {"selfHeal": True, "prune": True}}


def test_a_suspension_that_a_kustomization_would_undo_is_refused(shop: Shop) -> None:
    shop.present()
    shop.cluster.create(kustomization("apps", shop.namespace))
    own = shop.manage(suspend=False)
    own["metadata"]["labels"] = {
        "kustomize.toolkit.fluxcd.io/name": "apps",
        "kustomize.toolkit.fluxcd.io/namespace": shop.namespace,
    }
    shop.cluster.apply(own, manager="kustomize-controller")
    [finding] = shop.refused(lambda: shop.present(texts=BYE, gitops="suspend"))
    assert finding.cause.startswith(f"Flux's Kustomization {shop.namespace}/apps owns spec.suspend of Flux's Helm")
    assert shop.get(own)["spec"]["suspend"] is False


def test_an_application_that_a_set_makes_cannot_be_held_off(shop: Shop) -> None:
    shop.present()
    own = application("shop", shop.namespace, syncPolicy={"automated": {}})
    owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "name": "all", "uid": "1"}
    own["metadata"]["ownerReferences"] = [owner]
    shop.cluster.create(own)
    shop.label({"argocd.argoproj.io/instance": "shop"}, "argocd-controller")
    [finding] = shop.refused(lambda: shop.present(texts=BYE, gitops="suspend"))
    assert finding.cause.startswith("ApplicationSet all makes Argo CD's Application")


def test_only_what_differs_is_written_to_the_helm_release(shop: Shop) -> None:
    shop.present()
    own = shop.manage(values={"texts": {"greeting": "hello", "who": "world"}, "replicas": 0, "kept": [1]})
    revisions = read_history(shop.cluster, "web", shop.namespace)
    with shop.controller(own):
        result = shop.present(texts=BYE, gitops="write", timeout=20)
    name = f"Flux's HelmRelease {shop.namespace}/web"
    assert sorted(result["reasons"]) == [
        f"{name}: values.image: nothing -> 'registry.example/web:1'",
        f"{name}: values.texts.greeting: 'hello' -> 'bye'",
    ]
    after = shop.get(own)
    image = "registry.example/web:1"
    assert after["spec"]["values"] == {"texts": BYE, "replicas": 0, "kept": [1], "image": image}
    [ours] = [e for e in after["metadata"]["managedFields"] if e["manager"] == WRITER]
    assert ours["fieldsV1"]["f:spec"]["f:values"] == {"f:image": {}, "f:texts": {".": {}, "f:greeting": {}}}
    # Helm itself was left alone.
    assert read_history(shop.cluster, "web", shop.namespace) == revisions
    assert "greeting: bye" in result["diff"]["after"]
    again = shop.present(texts=BYE, gitops="write", timeout=20)
    assert (again["changed"], again["reasons"]) == (False, [])
    assert shop.get(own)["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]


def test_a_value_that_is_no_longer_given_is_taken_out_again(shop: Shop) -> None:
    own = shop.manage(values={"texts": VALUES_OF_GIT})
    with shop.controller(own):
        shop.present(gitops="write", timeout=20)
        assert shop.get(own)["spec"]["values"]["replicas"] == 0
        given = {key: value for key, value in shop.spec.values.items() if key != "replicas"}
        shop.spec = shop.spec_with({}).__class__(**{**vars(shop.spec), "values": {**given, "replicas": None}})
        result = shop.present(gitops="write", timeout=20)
    assert result["reasons"] == [f"Flux's HelmRelease {shop.namespace}/web: values.replicas (was 0)"]
    assert "replicas" not in shop.get(own)["spec"]["values"]


VALUES_OF_GIT = {"greeting": "hello", "who": "world"}


def test_check_mode_writes_nothing_to_the_helm_release(shop: Shop) -> None:
    before = shop.get(shop.manage())
    result = shop.present(gitops="write", check_mode=True)
    assert result["changed"] is True
    assert "greeting: hello" in result["diff"]["after"]
    assert shop.get(before) == before


@pytest.mark.fault(code="GOP-UNHANDLED", when="after deploy", by="recorded cluster")
def test_nobody_takes_up_what_was_written(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    own = shop.manage()
    assert observe.observe.__kwdefaults__
    monkeypatch.setitem(observe.observe.__kwdefaults__, "silent_seconds", 1.0)
    with pytest.raises(HarvisError, match=r"GOP-UNHANDLED .*no controller has taken it up within 1 s"):
        shop.present(gitops="write", timeout=30)
    assert shop.get(own)["spec"]["values"]["texts"]["greeting"] == "hello"


def test_a_controller_that_does_not_get_it_ready(shop: Shop) -> None:
    own = shop.manage()
    with (
        shop.controller(own, status="False", message="upgrade retries exhausted"),
        pytest.raises(HarvisError, match=r"GOP-UNHANDLED .*not Ready within 2 s: upgrade retries exhausted"),
    ):
        shop.present(gitops="write", timeout=2)


def test_what_is_suspended_is_written_and_not_waited_for(shop: Shop) -> None:
    own = shop.manage(suspend=True)
    result = shop.present(gitops="write", timeout=30)
    assert (result["changed"], codes(result)) == (True, ["GOP-SUSPENDED"])
    assert shop.get(own)["spec"]["values"]["replicas"] == 0


@pytest.mark.fault(code="GOP-SECRET", when="plan", by="recorded cluster")
def test_secrets_are_never_written(shop: Shop) -> None:
    before = shop.get(shop.manage())
    values = {**shop.spec.values, "key": "hush-hush"}
    given = {"secret_texts": ("hush-hush",), "secret_paths": ("key",)}
    shop.spec = shop.spec.__class__(**{**vars(shop.spec), **given, "values": values})
    [finding] = shop.refused(lambda: shop.present(gitops="write"))
    assert finding.code == "GOP-SECRET"
    assert finding.cause.startswith("key would stand readable in spec.values")
    assert "hush-hush" not in str(finding)
    assert shop.get(before) == before


def test_values_that_a_kustomization_owns_are_not_written(shop: Shop) -> None:
    shop.cluster.create(kustomization("apps", shop.namespace))
    own = shop.manage(values={"texts": {"greeting": "hello"}})
    marks = {"name": "apps", "namespace": shop.namespace}
    own["metadata"]["labels"] = {f"kustomize.toolkit.fluxcd.io/{k}": v for k, v in marks.items()}
    shop.cluster.apply(own, manager="kustomize-controller")
    [finding] = shop.refused(lambda: shop.present(texts=BYE, gitops="write"))
    assert finding.cause.startswith(f"Flux's Kustomization {shop.namespace}/apps owns spec.values.texts.greeting")
    # What git does not have is nobody's, and stays.
    with shop.controller(own):
        shop.present(gitops="write", timeout=20)
    assert shop.get(own)["spec"]["values"]["replicas"] == 0


def test_only_a_helm_release_takes_values(shop: Shop) -> None:
    shop.present()
    shop.cluster.create(application("shop", shop.namespace, syncPolicy={"automated": {}}))
    shop.label({"argocd.argoproj.io/instance": "shop"}, "argocd-controller")
    [finding] = shop.refused(lambda: shop.present(texts=BYE, gitops="write"))
    assert "Only a HelmRelease of Flux" in finding.fix


def test_the_look_before_a_deployment_sees_it(shop: Shop) -> None:
    shop.present()
    own = shop.manage()
    claim = Claim("web", shop.namespace, "web")

    def seen(mode: str) -> list[str]:
        return [f.code for f in managed_releases(shop.cluster, [claim], [], mode)]

    assert [seen(mode) for mode in ("refuse", "suspend", "write")] == [["GOP-MANAGED"], [], []]
    shop.cluster.patch(ObjectRef.of(own), [{"op": "add", "path": "/spec/suspend", "value": True}])
    assert seen("refuse") == []
