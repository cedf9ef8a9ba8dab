"""Writing down that a release works, and with which images it did."""

from __future__ import annotations

import datetime as dt
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import release_error
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import Manifest, parse_manifest
from ansible_collections.harvis.platform.plugins.module_utils.release.records import read_records, write_record
from ansible_collections.harvis.platform.plugins.module_utils.release.selectors import selectors
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import read_history


def mark(
    cluster: Cluster, name: str, namespace: str, *, verified: bool, note: str = "", check_mode: bool = False
) -> dict[str, t.Any]:
    """Say of the deployed revision whether it passed; changed when that, the note or the images were otherwise.

    Raises ReleaseError (REL-REVISION) where nothing is deployed.
    """
    history = read_history(cluster, name, namespace)
    revision = history.deployed
    if revision is None or revision is not history.last:
        state = f"revision {history.last.number} is {history.last.status}" if history.last else "it is not installed"
        fix = "Apply the release first; what is half done cannot be verified."
        raise release_error("REL-REVISION", f"release {namespace}/{name}", f"nothing to mark: {state}", fix=fix)
    known = read_records(cluster, name, namespace).of(revision)
    images = _running(cluster, parse_manifest(revision.manifest, namespace, cluster.namespaced))
    changes: dict[str, t.Any] = {"verified": verified, "note": note, "images": images}
    before = {key: getattr(known, key) for key in changes}
    if before != changes and not check_mode:
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        known = write_record(cluster, history, revision, **changes, verified_at=now)
    diff = {"before": before, "after": changes}
    release = {"name": name, "namespace": namespace, **revision.summary(), **known.summary()}
    return {"changed": before != changes, "release": release, "diff": diff}


def _running(cluster: Cluster, manifest: Manifest) -> dict[str, str]:
    """The identity of each image of the release, as the kubelets report it for the pods that run."""
    wanted = selectors({ref: item.body for ref, item in manifest.objects.items()})
    named, found = set(manifest.images()), dict[str, str]()
    for namespace in sorted({selector.namespace for selector in wanted}):
        for pod in cluster.find("v1", "Pod", namespace=namespace):
            if any(selector.matches(pod) for selector in wanted):
                found |= {image: identity for image, identity in _identities(pod) if image in named}
    return {image: found.get(image, "") for image in sorted(named)}


def _identities(pod: Object) -> t.Iterator[tuple[str, str]]:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    for kind, of_kind in (("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")):
        ids = {state["name"]: str(state.get("imageID") or "") for state in status.get(of_kind) or []}
        for container in spec.get(kind) or []:
            if ids.get(container["name"]):
                yield str(container["image"]), ids[container["name"]]
