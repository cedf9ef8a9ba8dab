"""Doing what a plan says, with a helm command in the middle, and the proof that it is done."""

from __future__ import annotations

import contextlib
import threading
import typing as t
from dataclasses import replace

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Cluster, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.process import CommandResult
from ansible_collections.harvis.platform.plugins.module_utils.release.compare import described
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.explain import explain, hide, is_timeout
from ansible_collections.harvis.platform.plugins.module_utils.release.live import FIELD_MANAGER, LiveObject, as_applied
from ansible_collections.harvis.platform.plugins.module_utils.release.lock import Grip
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import Manifest
from ansible_collections.harvis.platform.plugins.module_utils.release.ownership import removals
from ansible_collections.harvis.platform.plugins.module_utils.release.plan import Wanted
from ansible_collections.harvis.platform.plugins.module_utils.release.replace import delete_first
from ansible_collections.harvis.platform.plugins.module_utils.release.reread import give_back
from ansible_collections.harvis.platform.plugins.module_utils.release.selectors import selectors
from ansible_collections.harvis.platform.plugins.module_utils.release.situation import Situation, read_situation
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import read_history
from ansible_collections.harvis.platform.plugins.module_utils.release.watch import PodWatch

# A helm command that ends early once the event is set.
Command = t.Callable[[threading.Event], CommandResult]


@contextlib.contextmanager
def hiding_secrets(spec: ReleaseSpec) -> t.Iterator[None]:
    """The API server, helm and logs repeat values in their complaints."""
    try:
        yield
    except HarvisError as exc:
        hidden = [replace(f, cause=hide(f.cause, spec), evidence=hide(f.evidence, spec)) for f in exc.findings]
        raise ReleaseError(*hidden, **exc.details) from exc


def change(spec: ReleaseSpec, cluster: Cluster, situation: Situation, grip: Grip, command: Command) -> None:
    """Make way, run ``command``, and prove that the cluster is as wanted.

    Raises ReleaseError when helm fails, when pods do not get ready, and when the lease is lost.
    """
    grip.keep()
    if spec.take_back_drift:
        _take_away_hand_fields(cluster, situation.live)
        give_back(spec, cluster, situation)
    delete_first(cluster, situation.plan.replaced, spec.timeout)
    _run(spec, cluster, situation.wanted.manifest, command)
    grip.keep()
    if situation.exact:
        _prove(spec, cluster, situation.wanted)


def _run(spec: ReleaseSpec, cluster: Cluster, manifest: Manifest, command: Command) -> None:
    bodies = {ref: item.body for ref, item in manifest.objects.items()}
    with PodWatch(cluster, selectors(bodies)).running() as watch:
        result = command(watch.hopeless)
    if not result.rc:
        return
    if watch.hopeless.is_set():
        raise ReleaseError(*watch.findings())
    causes, explained = watch.findings(), explain(result, spec)
    if is_timeout(result) and not any(finding.code == "REL-HOOK" for finding in explained):
        own = Finding("ROL-TIMEOUT", f"release {spec.namespace}/{spec.name}", f"not ready within {spec.timeout} s")
        raise ReleaseError(replace(own, evidence=result.tail), *causes)
    raise ReleaseError(*explained, *causes)


def _prove(spec: ReleaseSpec, cluster: Cluster, wanted: Wanted) -> None:
    """Helm said it is done; the cluster is asked whether it is. What Helm left is applied directly."""
    history = read_history(cluster, spec.name, spec.namespace)
    after = read_situation(spec, cluster, history, wanted)
    if not after.plan.drift or not spec.take_back_drift:
        return
    # First what hands added: an apply would move the versions that these removals are bound to.
    _take_away_hand_fields(cluster, after.live)
    for ref, live in after.live.items():
        if live.found is None or live.wanted is None or described(live.found) != described(live.wanted):
            body = as_applied(wanted.manifest.objects[ref].body, spec.name, spec.namespace)
            cluster.apply(body, manager=FIELD_MANAGER)
    left = read_situation(spec, cluster, history, wanted).plan.drift
    if left:
        fix = "Something writes these fields back (an operator, a webhook, GitOps): find it in metadata.managedFields."
        raise ReleaseError(
            *(Finding("REL-DRIFT", text, "the change comes back after it was undone", fix=fix) for text in left)
        )


def _take_away_hand_fields(cluster: Cluster, live: dict[ObjectRef, LiveObject]) -> None:
    for ref, item in live.items():
        # What is deleted and made anew needs no tidying.
        if item.found is None or not item.hand_fields or item.fixed:
            continue
        version = item.found["metadata"]["resourceVersion"]
        # List places count only in the version that was read.
        guard = {"op": "test", "path": "/metadata/resourceVersion", "value": version}
        try:
            cluster.patch(ref, [guard, *removals(item.hand_fields)])
        except ApiRefusal as exc:
            if exc.status not in (409, 422):
                raise
