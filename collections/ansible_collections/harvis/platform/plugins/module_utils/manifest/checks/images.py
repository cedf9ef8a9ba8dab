"""Image references that name another image tomorrow."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, Detector
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import pods

_MUTABLE = re.compile(
    r"latest|main|master|dev|devel|develop|development|edge|nightly|snapshot|unstable|testing|staging|stable|canary|head"
    r"|trunk|rolling|current|release|prod|production",
    re.IGNORECASE,
)


def mutable_tags(subject: AuditSubject) -> t.Iterator[Finding]:
    """IMG-MUTABLE: the tag moves, and a node that has an image of that name never looks again."""
    for pod in pods(subject.objects):
        for container in pod.containers():
            image = str(container.body.get("image") or "")
            tag = tag_of(image)
            policy = str(
                container.body.get("imagePullPolicy") or ("Always" if tag in ("", "latest") else "IfNotPresent")
            )
            if not image or "@" in image or policy == "Always" or (tag and not _MUTABLE.fullmatch(tag)):
                continue
            said = f"tag {tag}" if tag else "no tag, which means latest,"
            cause = f"container {container.name} has {said} with imagePullPolicy {policy}: a node keeps what it has"
            fix = "Name a version or, better, a digest (image@sha256:…); or set imagePullPolicy: Always."
            yield Finding.at("IMG-MUTABLE", container.place("/image"), cause, evidence=f"image: {image}", fix=fix)


def tag_of(image: str) -> str:
    """The tag of a reference, empty without one; a colon before the last slash belongs to a registry's port."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


DETECTORS: tuple[Detector, ...] = (mutable_tags,)
