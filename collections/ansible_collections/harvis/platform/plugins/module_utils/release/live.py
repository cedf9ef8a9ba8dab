"""What the cluster has, beside what it would have: each object read, and applied on the server as a dry run.

The dry run is the API server's own answer to "would this manifest change anything": defaults, quantities
("1000m" is "1") and list items by key are compared exactly as the server stores them.
"""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.kube import (
    ApiRefusal,
    Cluster,
    Object,
    ObjectRef,
    UnknownKind,
)
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.leftovers import Failed, leftovers
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import ManifestObject, as_stored
from ansible_collections.harvis.platform.plugins.module_utils.release.ownership import HandField, hand_fields, without
from ansible_collections.harvis.platform.plugins.module_utils.release.replace import is_fixed

FIELD_MANAGER = "helm"
_PARALLEL = 8


@dataclass(frozen=True)
class LiveObject:
    """One object of the manifest. ``found`` is None when it is not there; ``wanted`` is the server's
    answer to the dry run, None when the server could not say (its namespace or CRD comes with the release)."""

    ref: ObjectRef
    found: Object | None
    wanted: Object | None
    hand_fields: tuple[HandField, ...] = ()
    fixed: str = ""  # what the server says of a field that only a new object can have otherwise


def read_live(
    cluster: Cluster,
    objects: t.Mapping[ObjectRef, ManifestObject],
    release: str,
    namespace: str,
    failed: t.Mapping[ObjectRef, t.Sequence[Failed]] | None = None,
) -> dict[ObjectRef, LiveObject]:
    """Every object of a manifest, read and dry-run in parallel. ``failed`` is how revisions that failed had them.

    Raises ReleaseError with one finding for each object that the server would refuse.
    """
    with ThreadPoolExecutor(_PARALLEL) as pool:
        jobs = {
            ref: pool.submit(_read, cluster, item, release, namespace, (failed or {}).get(ref, ()))
            for ref, item in objects.items()
        }
    found: dict[ObjectRef, LiveObject] = {}
    findings: list[Finding] = []
    for ref, job in jobs.items():
        try:
            found[ref] = job.result()
        except HarvisError as exc:
            findings += exc.findings
    if findings:
        raise ReleaseError(*dict.fromkeys(findings))
    return found


def as_applied(body: Object, release: str, namespace: str) -> Object:
    """``body`` with the marks that Helm adds to each object when it applies it."""
    metadata = dict(body["metadata"])
    metadata["labels"] = {**(metadata.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
    metadata["annotations"] = {
        **(metadata.get("annotations") or {}),
        "meta.helm.sh/release-name": release,
        "meta.helm.sh/release-namespace": namespace,
    }
    return {**body, "metadata": metadata}


def _read(
    cluster: Cluster, item: ManifestObject, release: str, namespace: str, failed: t.Sequence[Failed]
) -> LiveObject:
    try:
        found = cluster.get(item.ref)
    except UnknownKind:
        return LiveObject(item.ref, None, None)
    body = as_applied(item.body, release, namespace)
    try:
        wanted = cluster.apply(body, manager=FIELD_MANAGER, dry_run=True)
    except ApiRefusal as exc:
        if found is None and exc.status == 404:
            return LiveObject(item.ref, None, None)
        if found is not None and exc.status == 422 and is_fixed(exc.message):
            return LiveObject(item.ref, found, None, fixed=exc.message)
        raise _refused(item, exc) from exc
    if found is None:
        return LiveObject(item.ref, None, wanted)
    # The server's answer still has what hands added: a dry run takes away only what Helm itself owned.
    by_hand = tuple(hand_fields(found, as_stored(body)))
    by_hand += tuple(leftovers(cluster, found, as_stored(body), failed)) if failed else ()
    kept = [field for field in by_hand if _has(wanted, field)]
    return LiveObject(item.ref, found, without(wanted, kept), by_hand)


def _has(body: Object, field: HandField) -> bool:
    node: t.Any = body
    for step in field.steps:
        known: t.Container[t.Any] = (
            node if isinstance(node, dict) else range(len(node) if isinstance(node, list) else 0)
        )
        if step not in known:
            return False
        node = node[step]
    return True


def _refused(item: ManifestObject, exc: ApiRefusal) -> HarvisError:
    subject = f"{item.source or 'manifest'}: {item.ref}"
    if "not declared in schema" in exc.message or "unknown field" in exc.message:
        fix = (
            "Correct the template: a field of this name and place does not exist in this kind (check the indentation)."
        )
        return ReleaseError(Finding("VAL-RENDER", subject, "a field is unknown to the cluster", exc.message, fix))
    if exc.status in (400, 422, 500):
        fix = "Correct the value or the template that makes this field."
        return ReleaseError(Finding("VAL-RENDER", subject, "the cluster refuses the object", exc.message, fix))
    return exc
