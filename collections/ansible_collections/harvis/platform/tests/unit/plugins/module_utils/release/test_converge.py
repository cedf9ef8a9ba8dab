"""The whole of ensure_present and ensure_absent, against a cluster and a helm in memory."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release import pending
from ansible_collections.harvis.platform.plugins.module_utils.release.converge import ensure_absent, ensure_present
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.lock import lease_ref
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec

WEB = ObjectRef("apps/v1", "Deployment", "web", "shop")
SETTINGS = ObjectRef("v1", "ConfigMap", "settings", "shop")
TIMED_OUT = "Error: UPGRADE FAILED: release app failed, and has been rolled back: context deadline exceeded"


@pytest.fixture(autouse=True)
def _no_helm_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "helm_at_work", lambda *_, **__: None)


@pytest.fixture
def present(spec: ReleaseSpec) -> t.Callable[..., dict[str, t.Any]]:
    """Ensure with ``fake`` as helm; keyword arguments change the description."""

    def call(fake: t.Any, *, check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
        described = dataclasses.replace(spec, **changes)
        return ensure_present(described, Helm(fake, "helm"), lambda: fake.cluster, check_mode=check_mode)

    return call


def test_a_first_install(present: t.Any, make: t.Any) -> None:
    fake = make.helm(make.cluster(), make.manifest)
    result = present(fake)
    assert result["changed"] is True
    assert result["reasons"] == ["namespace shop is missing", "the release is not installed"]
    assert result["objects"]["added"] == ["ConfigMap shop/settings", "Deployment shop/web"]
    assert result["images"] == ["registry.example/web:1"]
    assert (result["release"]["revision"], result["release"]["status"]) == (1, "deployed")
    assert fake.cluster.get(ObjectRef("v1", "Namespace", "shop")) is not None
    assert fake.cluster.get(lease_ref("app", "shop")) is None


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_namespace_that_is_being_deleted_is_told_once_and_before_all_else(
    present: t.Any, make: t.Any, released: t.Any, check_mode: bool
) -> None:
    ending = released.get(ObjectRef("v1", "Namespace", "shop"))
    held = {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "finalizers remaining: example.org/x"}
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    ending["status"] = {"phase": "Terminating", "conditions": [held]}
    cluster = make.cluster(ending)

    with pytest.raises(HarvisError) as caught:
        present(make.helm(cluster, make.manifest), check_mode=check_mode)

    [found] = caught.value.findings
    assert (found.code, found.subject) == ("REL-TERMINATING", "namespace shop")
    assert "example.org/x" in found.evidence
    assert cluster.written == []


def test_a_first_install_renders_as_an_install(present: t.Any, make: t.Any) -> None:
    fake = make.helm(make.cluster(make.namespace), make.manifest)
    present(fake)
    assert "--is-upgrade" not in [call for call in fake.calls if call[0] == "template"][-1]


def test_nothing_changed_is_one_rendering_and_no_write(present: t.Any, make: t.Any, released: t.Any) -> None:
    fake = make.helm(released, make.manifest)
    result = present(fake)
    assert (result["changed"], result["reasons"], result["drift"]) == (False, [], [])
    assert result["diff"] == {"before": "", "after": ""}
    assert fake.renderings() == ["client"]
    assert released.written == []


def test_a_template_edit_counts_without_a_new_version(present: t.Any, make: t.Any, released: t.Any) -> None:
    fake = make.helm(released, make.manifest.replace("replicas: 1", "replicas: 3"))
    result = present(fake)
    assert result["reasons"] == ["Deployment shop/web: spec.replicas: 1 -> 3"]
    assert result["drift"] == []
    assert result["objects"] == {"added": [], "changed": ["Deployment shop/web"], "removed": [], "replaced": []}
    assert released.get(WEB)["spec"]["replicas"] == 3
    assert present(fake)["changed"] is False


def test_a_value_without_effect_is_still_recorded(present: t.Any, make: t.Any, released: t.Any) -> None:
    fake = make.helm(released, make.manifest)
    assert present(fake, values={"note": "x"})["reasons"] == ["value note differs from the deployed one"]
    assert present(fake, values={"note": "x"})["changed"] is False


def test_a_changed_hook_counts(present: t.Any, make: t.Any, released: t.Any) -> None:
    hook = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: check, annotations: {helm.sh/hook: test}}\n"
    fake = make.helm(released, make.manifest + hook)
    assert present(fake, check_mode=True)["reasons"] == ["hook Pod shop/check differs from the recorded one"]


def test_an_object_that_left_the_chart(present: t.Any, make: t.Any, released: t.Any) -> None:
    fake = make.helm(released, make.manifest[make.manifest.index("---\n# Source: app/templates/app") :])
    result = present(fake, check_mode=True)
    assert result["reasons"] == ["ConfigMap shop/settings is no longer in the chart"]
    assert result["objects"]["removed"] == ["ConfigMap shop/settings"]
    assert "greeting: hello" in result["diff"]["before"]


def test_check_mode_says_the_same_and_writes_nothing(present: t.Any, make: t.Any, released: t.Any) -> None:
    fake = make.helm(released, make.manifest.replace("hello", "bye"))
    foreseen = present(fake, check_mode=True)
    assert released.written == []
    assert fake.verbs() == ["template", "template"]
    done = present(fake)
    assert (foreseen["reasons"], foreseen["diff"]) == (done["reasons"], done["diff"])


def scaled(body: t.Any) -> None:
    body["spec"]["replicas"] = 5


def debugged(body: t.Any) -> None:
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["env"].append({"name": "DEBUG", "value": "1"})


DEBUG_FIELDS = {
    "f:spec": {
        "f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:env": {'k:{"name":"DEBUG"}': {".": {}}}}}}}
    }
}
HAND_EDITS: list[tuple[str, t.Any, dict[str, t.Any], str]] = [
    ("a field that the chart sets", scaled, {}, "Deployment shop/web: spec.replicas: 5 -> 1"),
    (
        "a field that the chart does not name",
        debugged,
        DEBUG_FIELDS,
        "Deployment shop/web: spec.template.spec.containers[web].env[DEBUG] (was {'name': 'DEBUG', 'value': '1'}), "
        "added by kubectl-edit at 2026-01-06T08:00:00Z",
    ),
]


@pytest.mark.fault("F54", "F56", code="REL-DRIFT", when="after deploy")
@pytest.mark.parametrize(("change", "fields", "drift"), [h[1:] for h in HAND_EDITS], ids=[h[0] for h in HAND_EDITS])
def test_a_hand_edit_is_named_and_taken_back(
    present: t.Any, make: t.Any, released: t.Any, change: t.Any, fields: t.Any, drift: str
) -> None:
    before = released.get(WEB)
    released.put(make.edited(before, "kubectl-edit", fields, change))
    fake = make.helm(released, make.manifest)
    result = present(fake)
    assert result["drift"] == [drift]
    assert result["reasons"] == [f"{drift} (changed in the cluster)"]
    assert released.get(WEB)["spec"] == before["spec"]
    assert present(fake)["changed"] is False


def test_a_hand_edit_that_moves_meanwhile_is_still_taken_back(present: t.Any, make: t.Any, released: t.Any) -> None:
    before = released.get(WEB)
    released.put(make.edited(before, "kubectl-edit", DEBUG_FIELDS, debugged))
    patch = released.patch

    def somebody_writes_first(ref: ObjectRef, operations: t.Any) -> t.Any:
        released.patch = patch
        released.put(released.get(ref))
        return patch(ref, operations)

    released.patch = somebody_writes_first
    present(make.helm(released, make.manifest))
    assert released.get(WEB)["spec"] == before["spec"]


def test_a_secret_edited_by_hand_goes_back_to_its_string_data(present: t.Any, make: t.Any, released: t.Any) -> None:
    text = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {password: one}\n"
    fake = make.helm(released, make.manifest + text)
    present(fake)
    keys = ObjectRef("v1", "Secret", "keys", "shop")
    fields = {"f:data": {"f:password": {}}}
    released.put(make.edited(released.get(keys), "kubectl-edit", fields, lambda b: b["data"].update(password="dHdv")))
    result = present(fake)
    assert result["drift"] == ["Secret shop/keys: data.password: '<redacted, before>' -> '<redacted, after>'"]
    assert released.get(keys)["data"] == {"password": "b25l"}


@pytest.mark.parametrize(("change", "fields", "drift"), [h[1:] for h in HAND_EDITS], ids=[h[0] for h in HAND_EDITS])
def test_a_hand_edit_can_be_kept(
    present: t.Any, make: t.Any, released: t.Any, change: t.Any, fields: t.Any, drift: str
) -> None:
    released.put(make.edited(released.get(WEB), "kubectl-edit", fields, change))
    result = present(make.helm(released, make.manifest), take_back_drift=False)
    assert (result["changed"], result["reasons"], result["drift"]) == (False, [], [drift])


def test_a_deleted_object_is_made_again(present: t.Any, make: t.Any, released: t.Any) -> None:
    released.objects.pop(SETTINGS)
    result = present(make.helm(released, make.manifest))
    assert result["drift"] == ["ConfigMap shop/settings: was deleted"]
    assert released.get(SETTINGS)["data"] == {"greeting": "hello"}


def test_what_helm_leaves_is_applied_directly(present: t.Any, make: t.Any, released: t.Any) -> None:
    released.put(make.edited(released.get(WEB), "kubectl-edit", {}, scaled))
    present(make.helm(released, make.manifest, heals=False))
    assert ("apply", WEB) in released.written
    assert released.get(WEB)["spec"]["replicas"] == 1


def test_drift_that_comes_back_is_a_failure(present: t.Any, make: t.Any, released: t.Any) -> None:
    released.put(make.edited(released.get(WEB), "kubectl-edit", {}, scaled))
    apply = released.apply

    def something_writes_it_back(body: t.Any, *, dry_run: bool = False, **others: t.Any) -> t.Any:
        return apply(body, dry_run=True, **others) if dry_run else released.get(ObjectRef.of(body))

    released.apply = something_writes_it_back
    with pytest.raises(HarvisError, match=r"REL-DRIFT Deployment shop/web: spec\.replicas: 5 -> 1"):
        present(make.helm(released, make.manifest, heals=False))


def test_the_diff_shows_no_secret(present: t.Any, make: t.Any, released: t.Any) -> None:
    text = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {password: %s}\n"
    present(make.helm(released, make.manifest + text % "hunter2-old"))
    result = present(make.helm(released, make.manifest + text % "hunter2-new"), check_mode=True)
    assert "hunter2" not in str(result)
    assert "aHVudGVyM" not in str(result)
    assert result["reasons"] == ["Secret shop/keys: data.password: '<redacted, before>' -> '<redacted, after>'"]


def test_a_secret_value_is_hidden_wherever_it_lands(present: t.Any, make: t.Any, released: t.Any) -> None:
    fake = make.helm(released, make.manifest.replace("hello", "hunter2-hunter2"))
    result = present(fake, check_mode=True, secret_texts=("hunter2-hunter2",))
    assert "hunter2" not in str(result)


PENDING: list[tuple[str, list[str], list[str], str]] = [
    ("a first install", ["pending-install"], ["rollback", "upgrade"], "revision 1 was left pending-install"),
    ("an upgrade", ["deployed", "pending-upgrade"], ["rollback", "upgrade"], "revision 2 was left pending-upgrade"),
    ("a rollback", ["superseded", "pending-rollback"], ["rollback", "upgrade"], "revision 2 was left pending-rollback"),
    ("a failed upgrade", ["deployed", "failed"], ["upgrade"], "revision 2 failed: is failed"),
    ("an uninstall", ["uninstalling"], ["uninstall", "upgrade"], "revision 1 was left uninstalling"),
]


@pytest.mark.parametrize(("states", "verbs", "reason"), [p[1:] for p in PENDING], ids=[p[0] for p in PENDING])
def test_what_a_killed_run_left_is_recovered(
    present: t.Any, make: t.Any, states: list[str], verbs: list[str], reason: str
) -> None:
    secrets = [make.secret(n, status, make.manifest) for n, status in enumerate(states, start=1)]
    fake = make.helm(make.cluster(make.namespace, *secrets), make.manifest)
    result = present(fake)
    assert result["reasons"][0].startswith(reason)
    assert [verb for verb in fake.verbs() if verb not in ("template", "version")] == verbs
    assert result["release"]["status"] == "deployed"
    assert present(fake)["changed"] is False


@pytest.mark.fault("F53", code="", when="plan")
def test_a_pending_upgrade_goes_back_to_what_was_deployed(present: t.Any, make: t.Any) -> None:
    states = ("superseded", "deployed", "failed", "pending-upgrade")
    secrets = [make.secret(n, status, make.manifest) for n, status in enumerate(states, start=1)]
    fake = make.helm(make.cluster(make.namespace, *secrets), make.manifest)
    present(fake)
    assert next(call for call in fake.calls if call[0] == "rollback")[1:3] == ("app", "2")


def test_a_young_pending_release_of_somebody_else_is_left_alone(present: t.Any, make: t.Any) -> None:
    now = dt.datetime.now(dt.UTC).isoformat()
    cluster = make.cluster(make.namespace, make.secret(1, "pending-install", make.manifest, updated=now))
    fake = make.helm(cluster, make.manifest)
    with pytest.raises(HarvisError, match="REL-LOCKED release shop/app: a helm that this machine does not see"):
        present(fake)
    assert cluster.written == []


def test_a_run_that_renews_its_lease_is_left_to_end(present: t.Any, make: t.Any) -> None:
    now = dt.datetime.now(dt.UTC).isoformat()
    ref = lease_ref("app", "shop")
    lease = {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "metadata": {"name": ref.name, "namespace": ref.namespace},
        "spec": {"holderIdentity": "elsewhere/pid:[1]/77/1", "renewTime": now},
    }
    fake = make.helm(make.cluster(make.namespace, lease, make.secret(1, "pending-install")), make.manifest)
    with pytest.raises(HarvisError, match="REL-LOCKED release shop/app: process 77 on elsewhere is working on it"):
        present(fake, check_mode=True)


def test_a_release_that_moves_before_it_is_held_is_read_again(present: t.Any, make: t.Any, released: t.Any) -> None:
    fake = make.helm(released, make.manifest.replace("replicas: 1", "replicas: 3"))
    create = released.create

    def another_run_was_faster(body: dict[str, t.Any]) -> t.Any:
        released.create = create
        released.put(make.secret(1, "superseded", make.manifest))
        released.put(make.secret(2, "deployed", fake.manifest))
        live = released.get(WEB)
        live["spec"]["replicas"] = 3
        released.put(live)
        return create(body)

    released.create = another_run_was_faster
    assert present(fake)["changed"] is False
    assert "upgrade" not in fake.verbs()
    assert released.get(lease_ref("app", "shop")) is None


def test_a_release_that_never_rests_is_refused(present: t.Any, make: t.Any, released: t.Any) -> None:
    fake = make.helm(released, make.manifest.replace("replicas: 1", "replicas: 3"))
    create, numbers = released.create, iter(range(2, 100))

    def another_run_is_always_faster(body: dict[str, t.Any]) -> t.Any:
        released.put(make.secret(next(numbers), "deployed", make.manifest))
        return create(body)

    released.create = another_run_is_always_faster
    with pytest.raises(HarvisError, match=r"REL-LOCKED [\s\S]*it changes the release again and again"):
        present(fake)
    assert "upgrade" not in fake.verbs()


def test_an_orphaned_helm_is_left_to_end(present: t.Any, make: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "helm_at_work", lambda *_, **__: 4711)
    fake = make.helm(make.cluster(make.namespace, make.secret(1, "pending-install")), make.manifest)
    with pytest.raises(HarvisError, match="REL-LOCKED release shop/app: helm, process 4711, is working on it"):
        present(fake)


def test_a_rollout_that_fails_names_the_pods(present: t.Any, make: t.Any, released: t.Any, monkeypatch: t.Any) -> None:
    waiting = {"waiting": {"reason": "ErrImageNeverPull", "message": "not present"}}
    released.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}, "uid": "u1"},
            "spec": {"containers": [{"name": "web"}]},
            "status": {"phase": "Pending", "containerStatuses": [{"name": "web", "image": "web:2", "state": waiting}]},
        }
    )
    fake = make.helm(released, make.manifest.replace("web:1", "web:2"), failure=TIMED_OUT)
    looked = fake.run

    def upgrade_while_watched(argv: t.Any, **options: t.Any) -> t.Any:
        if argv[1] == "upgrade":
            watches[0].look()
            released.objects.pop(ObjectRef("v1", "Pod", "web-1", "shop"))
        return looked(argv, **options)

    from ansible_collections.harvis.platform.plugins.module_utils.release import apply

    watches: list[t.Any] = []
    real = apply.PodWatch

    def keep(*arguments: t.Any) -> t.Any:
        watches.append(real(*arguments))
        return watches[0]

    monkeypatch.setattr(apply, "PodWatch", keep)
    monkeypatch.setattr(fake, "run", upgrade_while_watched)
    with pytest.raises(HarvisError) as caught:
        present(fake)
    assert [(f.code, f.subject) for f in caught.value.findings] == [
        ("ROL-TIMEOUT", "release shop/app"),
        ("ROL-IMAGE", "shop/web-1 web"),
    ]
    assert released.get(lease_ref("app", "shop")) is None


def refusal(status: int, message: str) -> ApiRefusal:
    return ApiRefusal("Deployment shop/web", status, "Invalid", message)


REFUSALS: list[tuple[str, ApiRefusal, str]] = [
    (
        "an unknown field",
        refusal(500, ".spec.x: field not declared in schema"),
        "VAL-RENDER app/templates/app.yaml: Dep",
    ),
    (
        "an immutable field",
        refusal(422, "spec.selector: Forbidden: field is immutable"),
        "REL-IMMUTABLE app/templates/app.yaml: Dep",
    ),
    (
        "a fixed part of a stateful set",
        refusal(422, "spec: Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden"),
        "REL-IMMUTABLE app/templates/app.yaml: Deployment shop/web: spec changes",
    ),
    ("a bad value", refusal(422, "spec.replicas: must be non-negative"), "the cluster refuses the object"),
    ("no right", refusal(403, "cannot patch resource"), "REL-CLUSTER Deployment shop/web: cannot patch resource"),
]


@pytest.mark.parametrize(("answer", "message"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS])
def test_what_the_cluster_would_refuse_stops_before_anything_changes(
    present: t.Any, make: t.Any, released: t.Any, answer: ApiRefusal, message: str
) -> None:
    released.refusals[WEB] = answer
    fake = make.helm(released, make.manifest.replace("replicas: 1", "replicas: 2"))
    with pytest.raises(HarvisError, match=message):
        present(fake)
    assert set(fake.verbs()) == {"template"}
    assert released.written == []


def test_a_new_object_that_would_be_refused_stops_the_install(present: t.Any, make: t.Any) -> None:
    cluster = make.cluster(make.namespace)
    cluster.refusals[WEB] = refusal(422, "spec.replicas: must be non-negative")
    with pytest.raises(HarvisError, match="the cluster refuses the object"):
        present(make.helm(cluster, make.manifest))
    assert cluster.written == []


def test_a_complaint_does_not_repeat_a_secret(present: t.Any, make: t.Any, released: t.Any) -> None:
    released.refusals[WEB] = refusal(422, 'env.value: Invalid value: "hunter2-hunter2"')
    with pytest.raises(HarvisError, match="the cluster refuses the object") as caught:
        present(make.helm(released, make.manifest), secret_texts=("hunter2-hunter2",))
    assert "hunter2" not in str(caught.value)


def test_a_rendering_that_fails_stops_before_anything_changes(present: t.Any, make: t.Any) -> None:
    fake = make.helm(make.cluster(), render_failure="Error: values don't meet the specifications of the schema(s):\n")
    with pytest.raises(HarvisError, match="VAL-SCHEMA"):
        present(fake)
    assert fake.cluster.written == []


def test_absent_uninstalls_once(spec: ReleaseSpec, make: t.Any, released: t.Any) -> None:
    fake = make.helm(released, make.manifest)

    def absent(*, check_mode: bool) -> dict[str, t.Any]:
        return ensure_absent(spec, Helm(fake, "helm"), lambda: released, check_mode=check_mode)

    assert absent(check_mode=True)["reasons"] == ["the release is deployed"]
    assert fake.verbs() == []
    assert absent(check_mode=False)["changed"] is True
    assert fake.verbs() == ["uninstall"]
    assert absent(check_mode=False)["changed"] is False
    assert fake.verbs() == ["uninstall"]
