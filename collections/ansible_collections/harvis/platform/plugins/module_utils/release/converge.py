"""Bringing a release to its description: read, plan, apply, and prove it by a second read."""

from __future__ import annotations

import contextlib
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Cluster, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release import pending
from ansible_collections.harvis.platform.plugins.module_utils.release.compare import described
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.explain import explain, hide, is_timeout
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.live import (
    FIELD_MANAGER,
    LiveObject,
    as_applied,
    read_live,
)
from ansible_collections.harvis.platform.plugins.module_utils.release.lock import hold
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import Manifest, parse_manifest
from ansible_collections.harvis.platform.plugins.module_utils.release.ownership import removals
from ansible_collections.harvis.platform.plugins.module_utils.release.plan import Plan, Recorded, Wanted, plan_release
from ansible_collections.harvis.platform.plugins.module_utils.release.selectors import selectors
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import History, Revision, read_history
from ansible_collections.harvis.platform.plugins.module_utils.release.watch import PodWatch

Connect = t.Callable[[], Cluster]


@dataclass(frozen=True)
class Situation:
    """All that was read for one decision."""

    history: History
    wanted: Wanted
    live: dict[ObjectRef, LiveObject]
    plan: Plan


def ensure_present(spec: ReleaseSpec, helm: Helm, connect: Connect, *, check_mode: bool) -> dict[str, t.Any]:
    """Install, upgrade, or do nothing; the module's result.

    Raises HarvisError: values or templates that cannot be used, another run at work, pods that do not get ready.
    """
    with _hiding_secrets(spec):
        return _ensure_present(spec, helm, connect, check_mode=check_mode)


def _ensure_present(spec: ReleaseSpec, helm: Helm, connect: Connect, *, check_mode: bool) -> dict[str, t.Any]:
    with ThreadPoolExecutor(1) as pool:
        # Helm renders in its own process while this one imports the kubernetes library.
        rendering = pool.submit(helm.render, spec, is_upgrade=True)
        cluster = connect()
        situation = _read(spec, helm, cluster, rendering)
    plan = situation.plan
    missing = _missing_namespaces(cluster, spec)
    reasons = [f"namespace {name} is missing" for name in missing] + list(plan.reasons)
    if reasons and not check_mode:
        _apply(spec, helm, cluster, situation, missing)
    history = read_history(cluster, spec.name, spec.namespace) if reasons and not check_mode else situation.history
    return _result(spec, history.last, reasons, plan, situation.wanted.manifest)


@contextlib.contextmanager
def _hiding_secrets(spec: ReleaseSpec) -> t.Iterator[None]:
    """The API server, helm and logs repeat values in their complaints."""
    try:
        yield
    except HarvisError as exc:
        hidden = [replace(f, cause=hide(f.cause, spec), evidence=hide(f.evidence, spec)) for f in exc.findings]
        raise ReleaseError(*hidden, **exc.details) from exc


def ensure_absent(spec: ReleaseSpec, helm: Helm, connect: Connect, *, check_mode: bool) -> dict[str, t.Any]:
    """Uninstall the release if it is there; claims and namespaces stay."""
    cluster = connect()
    history = read_history(cluster, spec.name, spec.namespace)
    reasons = [f"the release is {history.last.status}"] if history.is_installed and history.last else []
    before = _release(spec, history.last)
    if reasons and not check_mode:
        pending.refuse_if_held(cluster, history, spec)
        with hold(cluster, spec.name, spec.namespace):
            helm.uninstall(spec)
    diff = {"before": f"{before}\n" if reasons else "", "after": ""}
    return {"changed": bool(reasons), "reasons": reasons, "release": None, "diff": diff}


def _read(spec: ReleaseSpec, helm: Helm, cluster: Cluster, rendering: Future[str]) -> Situation:
    history = read_history(cluster, spec.name, spec.namespace)
    text = rendering.result()
    if not history.is_installed:
        # A chart may render otherwise for a first install (.Release.IsInstall).
        text = helm.render(spec, is_upgrade=False)
    wanted = Wanted(spec.values, parse_manifest(text, spec.namespace, cluster.namespaced))
    return _compare(spec, cluster, history, wanted)


def _compare(spec: ReleaseSpec, cluster: Cluster, history: History, wanted: Wanted) -> Situation:
    base = history.last_good if history.is_installed else None
    recorded = _recorded(base, cluster) if base else None
    live = read_live(cluster, wanted.manifest.objects, spec.name, spec.namespace)
    removed = _removed(cluster, recorded.manifest if recorded else None, wanted.manifest)
    plan = plan_release(wanted, recorded, live, removed, take_back_drift=spec.take_back_drift)
    state_reasons = pending.reasons(cluster, history, spec)
    return Situation(history, wanted, live, replace(plan, reasons=(*state_reasons, *plan.reasons)))


def _recorded(revision: Revision, cluster: Cluster) -> Recorded:
    text = f"{revision.manifest}\n{revision.hooks}"
    return Recorded(revision, parse_manifest(text, revision.namespace, cluster.namespaced))


def _removed(cluster: Cluster, recorded: Manifest | None, wanted: Manifest) -> dict[ObjectRef, Object]:
    gone = [ref for ref in recorded.objects if ref not in wanted.objects] if recorded else []
    found = {ref: cluster.get(ref) for ref in gone}
    return {ref: body for ref, body in found.items() if body is not None}


def _missing_namespaces(cluster: Cluster, spec: ReleaseSpec) -> list[str]:
    return [name for name in spec.wanted_namespaces if cluster.get(ObjectRef("v1", "Namespace", name)) is None]


def _apply(spec: ReleaseSpec, helm: Helm, cluster: Cluster, situation: Situation, missing: list[str]) -> None:
    # What was read may be another run's half-done work: nothing is changed beside it.
    pending.refuse_if_held(cluster, situation.history, spec)
    for name in missing:
        cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    if not situation.plan.changed:
        return
    with hold(cluster, spec.name, spec.namespace):
        pending.recover(helm, situation.history, spec)
        if spec.take_back_drift:
            _take_away_hand_fields(cluster, situation.live)
        _upgrade(spec, helm, cluster, situation.wanted.manifest)
        _prove(spec, cluster, situation.wanted)


def _upgrade(spec: ReleaseSpec, helm: Helm, cluster: Cluster, manifest: Manifest) -> None:
    bodies = {ref: item.body for ref, item in manifest.objects.items()}
    with PodWatch(cluster, selectors(bodies)).running() as watch:
        result = helm.upgrade(spec)
    if not result.rc:
        return
    causes = watch.findings()
    if is_timeout(result):
        own = Finding("ROL-TIMEOUT", f"release {spec.namespace}/{spec.name}", f"not ready within {spec.timeout} s")
        raise ReleaseError(replace(own, evidence=result.tail), *causes)
    raise ReleaseError(*explain(result, spec), *causes)


def _prove(spec: ReleaseSpec, cluster: Cluster, wanted: Wanted) -> None:
    """Helm said it is done; the cluster is asked whether it is. What Helm left is applied directly."""
    history = read_history(cluster, spec.name, spec.namespace)
    after = _compare(spec, cluster, history, wanted)
    if not after.plan.drift or not spec.take_back_drift:
        return
    # First what hands added: an apply would move the versions that these removals are bound to.
    _take_away_hand_fields(cluster, after.live)
    for ref, live in after.live.items():
        if live.found is None or live.wanted is None or described(live.found) != described(live.wanted):
            body = as_applied(wanted.manifest.objects[ref].body, spec.name, spec.namespace)
            cluster.apply(body, manager=FIELD_MANAGER)
    left = _compare(spec, cluster, history, wanted).plan.drift
    if left:
        fix = "Something writes these fields back (an operator, a webhook, GitOps): find it in metadata.managedFields."
        raise ReleaseError(
            *(Finding("REL-DRIFT", text, "the change comes back after it was undone", fix=fix) for text in left)
        )


def _take_away_hand_fields(cluster: Cluster, live: dict[ObjectRef, LiveObject]) -> None:
    for ref, item in live.items():
        if item.found is None or not item.hand_fields:
            continue
        version = item.found["metadata"]["resourceVersion"]
        # List places count only in the version that was read.
        guard = {"op": "test", "path": "/metadata/resourceVersion", "value": version}
        try:
            cluster.patch(ref, [guard, *removals(item.hand_fields)])
        except ApiRefusal as exc:
            if exc.status not in (409, 422):
                raise


def _result(
    spec: ReleaseSpec, revision: Revision | None, reasons: list[str], plan: Plan, manifest: Manifest
) -> dict[str, t.Any]:
    return {
        "changed": bool(reasons),
        "reasons": [hide(reason, spec) for reason in reasons],
        "drift": [hide(text, spec) for text in plan.drift],
        "objects": plan.summary(),
        "images": manifest.images(),
        "release": _release(spec, revision),
        "diff": {side: hide(text, spec) for side, text in plan.diff().items()},
    }


def _release(spec: ReleaseSpec, revision: Revision | None) -> dict[str, t.Any] | None:
    return {"name": spec.name, "namespace": spec.namespace, **revision.summary()} if revision else None
