"""Whether the images of an old revision are still where the kubelet finds them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import Manifest
from ansible_collections.harvis.platform.plugins.module_utils.release.records import Record
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import Revision
from ansible_collections.harvis.platform.plugins.module_utils.rollout.images import canonical

# The kubelet reports no more than this (nodeStatusMaxImages), so behind it "not reported" proves nothing.
_REPORTED = 50


@dataclass(frozen=True)
class Missing:
    """Images that no node reports: ``gone`` can come from nowhere, ``to_pull`` are for a registry to give."""

    gone: tuple[str, ...] = ()
    to_pull: tuple[str, ...] = ()


def missing_images(cluster: Cluster, manifest: Manifest, record: Record) -> Missing:
    """Which images of ``manifest`` no node has; nothing where the nodes do not report all that they have."""
    reported = [(node.get("status") or {}).get("images") or [] for node in cluster.find("v1", "Node")]
    if not reported or any(len(images) >= _REPORTED for images in reported):
        return Missing()
    known = {canonical(name) for images in reported for image in images for name in image.get("names") or []}
    missing = [image for image in manifest.images() if canonical(image) not in known]
    never = _never_pulled(manifest)
    gone = [image for image in missing if image in never or _was_imported(record.images.get(image, ""))]
    return Missing(tuple(gone), tuple(image for image in missing if image not in gone))


def refused(missing: Missing, record: Record, revision: Revision) -> list[Finding]:
    """The findings for images that are gone."""
    return [_finding(image, record, revision) for image in missing.gone]


def _was_imported(image_id: str) -> bool:
    """The runtime names the repository of an image that it pulled; one that was brought to the node has none."""
    return bool(image_id) and "@" not in image_id


def _never_pulled(manifest: Manifest) -> set[str]:
    found: set[str] = set()
    for item in manifest.objects.values():
        _walk(item.body.get("spec"), found)
    return found


def _walk(value: t.Any, found: set[str]) -> None:
    if isinstance(value, list):
        for item in value:
            _walk(item, found)
    elif isinstance(value, dict):
        if value.get("imagePullPolicy") == "Never" and value.get("image"):
            found.add(str(value["image"]))
        for item in value.values():
            _walk(item, found)


def _finding(image: str, record: Record, revision: Revision) -> Finding:
    evidence = f"it was {record.images[image]}" if image in record.images else ""
    source = f" from source {record.source}" if record.source else ""
    fix = f"Build the image again{source} and deliver it, or go back to a younger revision."
    cause = f"revision {revision.number} runs this image, and no node has it (it was pruned)"
    return Finding("REL-IMAGES", image, cause, evidence, fix)
