"""Back to a revision that Helm still has: any of them, or the last that passed verification."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster
from ansible_collections.harvis.platform.plugins.module_utils.release import pending
from ansible_collections.harvis.platform.plugins.module_utils.release.apply import change, hiding_secrets
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError, release_error
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.lock import hold
from ansible_collections.harvis.platform.plugins.module_utils.release.managed import find_managers, held_off, said
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import parse_manifest
from ansible_collections.harvis.platform.plugins.module_utils.release.node_images import (
    Missing,
    missing_images,
    refused,
)
from ansible_collections.harvis.platform.plugins.module_utils.release.plan import Wanted
from ansible_collections.harvis.platform.plugins.module_utils.release.queue import queued, refuse_if_moved
from ansible_collections.harvis.platform.plugins.module_utils.release.records import (
    Records,
    read_records,
    write_record,
)
from ansible_collections.harvis.platform.plugins.module_utils.release.situation import read_situation, to_result
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import History, Revision, read_history

VERIFIED = "verified"
_REACHABLE = ("deployed", "superseded", "failed")


def ensure_rolled_back(
    spec: ReleaseSpec, helm: Helm, connect: t.Callable[[], Cluster], to: str, *, check_mode: bool
) -> dict[str, t.Any]:
    """Have the objects and values of revision ``to`` (a number, or ``verified``); nothing where they are live already.

    Raises ReleaseError (REL-REVISION, REL-IMAGES) before anything changes where there is no way back.
    """
    once = functools.cache(connect)
    with hiding_secrets(spec):
        return queued(spec, once, lambda: _ensure(spec, helm, once(), to, check_mode=check_mode))


def _ensure(spec: ReleaseSpec, helm: Helm, cluster: Cluster, to: str, *, check_mode: bool) -> dict[str, t.Any]:
    history = read_history(cluster, spec.name, spec.namespace)
    records = read_records(cluster, spec.name, spec.namespace)
    target = find_target(spec, history, records, to)
    text = f"{target.manifest}\n{target.hooks}"
    wanted = Wanted(target.values, parse_manifest(text, spec.namespace, cluster.namespaced))
    situation = read_situation(spec, cluster, history, wanted)
    managers = find_managers(spec, cluster, [item.found for item in situation.live.values() if item.found])
    reasons = list(situation.plan.reasons)
    if reasons:
        managers.refuse(cluster, spec.gitops)
    missing = missing_images(cluster, wanted.manifest, records.of(target)) if reasons else Missing()
    if missing.gone:
        raise ReleaseError(*refused(missing, records.of(target), target))
    if reasons and not check_mode:
        pending.refuse_if_held(cluster, history, spec)
        with hold(cluster, spec.name, spec.namespace) as grip, held_off(spec, cluster, managers):
            refuse_if_moved(cluster, history, spec)
            change(spec, cluster, situation, grip, lambda stop: helm.rollback_and_wait(spec, target.number, stop))
            history = read_history(cluster, spec.name, spec.namespace)
            _remember(cluster, history, records, target)
    result = to_result(spec, history.last, reasons, situation)
    return {
        **result,
        "rolled_back_to": target.number,
        "images_to_pull": list(missing.to_pull),
        "findings": [found.to_dict() for found in said(spec, managers, changed=bool(reasons))],
        "managers": managers.to_result(spec),
    }


def find_target(spec: ReleaseSpec, history: History, records: Records, to: str) -> Revision:
    """The revision that is meant; raises ReleaseError (REL-REVISION) where there is none."""
    if not history.is_installed:
        raise _no_target(spec, history, records, "the release is not installed")
    if to == VERIFIED:
        found = records.last_verified(history)
        cause = "no revision that Helm still has passed verification"
    else:
        found = next((r for r in history.revisions if str(r.number) == to), None)
        cause = f"revision {to} is not there (any more)"
    if found is None:
        raise _no_target(spec, history, records, cause)
    if found.status not in _REACHABLE:
        raise _no_target(spec, history, records, f"revision {to} was never finished: it is {found.status}")
    return found


def _remember(cluster: Cluster, history: History, records: Records, target: Revision) -> None:
    """The new revision is made of the old one's source; whether it works is for a new verification to say."""
    if history.last:
        known = records.of(target)
        changes: dict[str, t.Any] = {"source": known.source, "images": known.images, "rolled_back_to": target.number}
        write_record(cluster, history, history.last, **changes)


def _no_target(spec: ReleaseSpec, history: History, records: Records, cause: str) -> ReleaseError:
    shown = [
        f"{r.number} {r.status} at {r.updated}{', verified' if records.of(r).verified else ''}"
        for r in history.revisions
    ]
    fix = "Name one of the revisions that are there; a run of playbooks/verify.yml marks the deployed one as verified."
    evidence = "\n".join(shown) or "Helm has no revision of it"
    return release_error("REL-REVISION", f"release {spec.namespace}/{spec.name}", cause, evidence=evidence, fix=fix)
