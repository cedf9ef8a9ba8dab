"""Whether what runs is the image that it should be, by reference and by the identity that the kubelet reports."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import containers, path

Images = t.Mapping[str, str]
Changes = t.Mapping[str, t.Sequence[str]]
NO_CHANGES: Changes = {}
MOST_FILES = 12
DEFAULT_DOMAIN, DEFAULT_FOLDER = "docker.io", "library"


def canonical(reference: str) -> str:
    """A reference in full, as runtimes write it: ``python`` is ``docker.io/library/python:latest``."""
    name, _, digest = reference.partition("@")
    head, slash, _ = name.partition("/")
    if not slash or not ("." in head or ":" in head or head == "localhost"):
        name = f"{DEFAULT_DOMAIN}/{name if slash else f'{DEFAULT_FOLDER}/{name}'}"
    tagged = ":" in name.rpartition("/")[2]
    if digest:
        return f"{name.rpartition(':')[0] if tagged else name}@{digest}"
    return name if tagged else f"{name}:latest"


def wrong_images(pods: t.Sequence[Object], wanted: Images, ids: Images, changes: Changes = NO_CHANGES) -> list[Finding]:
    """What is wrong with the images of one workload's pods.

    ``ids`` are the known identities by reference, ``changes`` the files in which an older image's sources differ from
    today's, by its reference.
    """
    return [finding for pod in pods for name in wanted for finding in _wrong(pod, name, wanted[name], ids, changes)]


def changed_files(reference: str, changes: Changes) -> str:
    """``a.py, b.py and 3 more``: where this image's sources differ from today's; empty where nothing is known."""
    known = {_name_and_tag(name): lines for name, lines in changes.items()}
    lines = list(known.get(_name_and_tag(reference), ()))
    more = f" and {len(lines) - MOST_FILES} more" if len(lines) > MOST_FILES else ""
    return ", ".join(lines[:MOST_FILES]) + more


def stray_images(
    pods: t.Iterable[Object], wanted: t.Collection[str], judged: t.Container[tuple[str, str]], changes: Changes
) -> dict[str, list[Finding]]:
    """By pod: containers that nobody expects by name and that run an older image of one that today's sources make.

    ``judged`` are (``namespace/pod``, container) that are compared with what is expected of them.
    """
    today = {canonical(reference) for reference in wanted}
    repositories = {repository(reference): reference for reference in wanted}
    found: dict[str, list[Finding]] = {}
    for pod in pods:
        for spec in [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]:
            image, place = spec.get("image", ""), (path(pod), spec["name"])
            if place in judged or canonical(image) in today or repository(image) not in repositories:
                continue
            files = changed_files(image, changes)
            evidence = f"today's sources make {repositories[repository(image)]}"
            evidence += f"; changed since: {files}" if files else ""
            found.setdefault(path(pod), []).append(_stale(" ".join(place), f"runs {image}", evidence))
    return found


def repository(reference: str) -> str:
    """The name without tag and digest, in full."""
    name = canonical(reference).partition("@")[0]
    return name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name


def _name_and_tag(reference: str) -> str:
    """An image made here has a tag of its content, and keeps it on every registry that it is brought to."""
    return reference.rpartition("/")[2]


def _wrong(pod: Object, container: str, wanted: str, ids: Images, changes: Changes) -> list[Finding]:
    subject = f"{path(pod)} {container}"
    state = next((state for state in containers(pod) if state["name"] == container), None)
    spec = next((spec for spec in pod["spec"]["containers"] if spec["name"] == container), None)
    if spec is None:
        return [_stale(subject, "the pod has no such container", f"wanted {wanted}")]
    if canonical(spec["image"]) != canonical(wanted):
        files = changed_files(spec["image"], changes)
        told = f"; changed since: {files}" if files else ""
        return [_stale(subject, f"runs {spec['image']}", f"today's sources make {wanted}{told}")]
    if state is None or not state.get("imageID"):
        fix = "The pod's own row says why it does not start."
        return [Finding("ROL-TIMEOUT", subject, "the kubelet reports no image yet", fix=fix)]
    expected = known_identities(wanted, ids)
    if expected and identity(state["imageID"]) not in expected:
        cause = f"runs {identity(state['imageID'])} under the name {wanted}"
        return [_stale(subject, cause, f"expected {' or '.join(sorted(expected))}")]
    return []


def known_identities(reference: str, ids: Images) -> set[str]:
    """What the image must be: the digest in its reference, the one its delivery reported, or nothing known."""
    pinned = canonical(reference).partition("@")[2]
    return {identity(found) for found in (pinned, ids.get(reference, "")) if found}


def identity(image_id: str) -> str:
    """The bare digest of ``sha256:…``, ``repository@sha256:…`` or ``docker-pullable://…``."""
    return image_id.rpartition("@")[2].rpartition("//")[2]


def _stale(subject: str, cause: str, evidence: str) -> Finding:
    fix = "`make up` or playbooks/redeploy.yml builds, delivers and rolls out the images of today's sources."
    return Finding("IMG-STALE", subject, cause, evidence=evidence, fix=fix)


def seen(pods: t.Sequence[Object], wanted: Images) -> str:
    """What runs, in one line: reference and the beginning of the identity."""
    shown: dict[str, str] = {}
    for pod in pods:
        for state in containers(pod):
            if state["name"] in wanted:
                shown[wanted[state["name"]]] = identity(state.get("imageID", ""))[:19]
    return ", ".join(f"{reference} is {found}" for reference, found in sorted(shown.items()))
