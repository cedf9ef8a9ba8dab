"""Whether a change of configuration reaches the processes that read it."""

from __future__ import annotations

import hashlib
import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.consumers import (
    Consumption,
    Way,
    consumptions,
    rolls_by_itself,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import pointer, pointer_parts
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Pod, pods

Result = t.Iterator[Finding | NotChecked]
_LONG_RUNNING = ("Deployment", "StatefulSet", "DaemonSet")
_CHECKSUM = re.compile(r"checksum|\bsha(?:1|256)\b|(?:^|[/._-])hash", re.IGNORECASE)
# Other annotations that people change to restart pods.
_RESTARTS = re.compile(r"checksum|hash|sha256|rollme|timestamp|restartedAt|revision", re.IGNORECASE)
_OF_NOTHING = frozenset(new(b"").hexdigest() for new in (hashlib.sha256, hashlib.sha1, hashlib.md5))
_KINDS_BY_WORD = {"config": "ConfigMap", "configmap": "ConfigMap", "cm": "ConfigMap", "secret": "Secret"}


class _Watch:
    """Which values change what of which object, asked object by object."""

    def __init__(self, subject: AuditSubject) -> None:
        self.is_known = subject.effects is not None
        self._fields: dict[str, dict[ValuePath, list[str]]] = {}
        for path, effects in (subject.effects.effects if subject.effects else {}).items():
            for effect in effects:
                self._fields.setdefault(effect.object, {}).setdefault(path, []).append(effect.field)

    def leaves(self, use: Consumption) -> set[ValuePath]:
        """The values that change what the pod reads of the object."""
        changed = self._fields.get(use.config.address, {})
        return {path for path, fields in changed.items() if any(_is_read(field, use) for field in fields)}

    def changes(self, leaf: ValuePath, owner: str, below: str) -> bool:
        """Whether the value changes the field ``below`` of an object, a part of it, or all that it is in."""
        fields = self._fields.get(owner, {}).get(leaf, ())
        return any((field + "/").startswith(below + "/") or (below + "/").startswith(field + "/") for field in fields)


def unrolled_changes(subject: AuditSubject) -> Result:
    """ENV-UNROLLED (variables) and ENV-SUBPATH (files): the object changes, the pods that read it stay."""
    watch, unseen = _Watch(subject), []
    for pod in _workloads(subject):
        empty = {use.config.address for annotation in _dead_checksums(subject, watch, pod) for use in annotation[1]}
        for use in consumptions(subject.objects, pod):
            if use.way is Way.FILE or rolls_by_itself(pod, use.config) or use.config.address in empty:
                continue
            if subject.chart is None and not watch.is_known and use.way is Way.VARIABLE:
                unseen += [] if _restarts(pod) else [use]
                continue
            why = _why_unrolled(watch, use)
            if why:
                yield _unrolled(use, why)
    if unseen:
        names = ", ".join(sorted({f"{use.config.kind} {use.config.name}" for use in unseen}))
        yield NotChecked(f"whether pods restart when {names} changes: plain manifests do not say what restarts them")


def idle_checksums(subject: AuditSubject) -> Result:
    """ENV-CHECKSUM: a checksum annotation outside the pod template, or one that never changes."""
    watch = _Watch(subject)
    for pod in _workloads(subject):
        outside = pod.owner.get("/metadata/annotations") or {}
        for name in outside if isinstance(outside, dict) and consumptions(subject.objects, pod) else ():
            if str(name).startswith("checksum/") and name not in pod.annotations:
                place = pod.owner.place(pointer("metadata", "annotations", name))
                cause = f"{name} annotates the {pod.owner.kind}, not its pods: a new value restarts nothing"
                fix = "Move it to spec.template.metadata.annotations."
                yield Finding.at("ENV-CHECKSUM", place, cause, fix=fix)
        for name, uses, evidence in _dead_checksums(subject, watch, pod):
            place = pod.place(pointer("metadata", "annotations", name))
            objects = ", ".join(f"{use.config.kind} {use.config.name}" for use in uses)
            cause = f"{name} stays the same when {objects} changes"
            fix = 'Hash the rendered template: {{ include (print $.Template.BasePath "/<file>") . | sha256sum }}.'
            yield Finding.at("ENV-CHECKSUM", place, cause, evidence=evidence, fix=fix)


def _workloads(subject: AuditSubject) -> list[Pod]:
    return [pod for pod in pods(subject.objects) if pod.owner.kind in _LONG_RUNNING]


def _restarts(pod: Pod) -> bool:
    return any(_RESTARTS.search(name) for name in pod.annotations)


def _why_unrolled(watch: _Watch, use: Consumption) -> str:
    """Evidence that a change stays unseen; empty when it does not, or when nothing changes the object."""
    if not watch.is_known:
        return "" if _restarts(use.pod) else "its pod template has no checksum of it"
    owner, template = use.pod.owner.address, use.pod.field
    leaves = [leaf for leaf in sorted(watch.leaves(use), key=dotted) if not watch.changes(leaf, owner, template)]
    shown = ", ".join(map(dotted, leaves[:3])) + (" …" if len(leaves) > 3 else "")
    return f"changing {shown} changes the {use.config.kind} and nothing in the pod template" if leaves else ""


def _is_read(field: str, use: Consumption) -> bool:
    parts = pointer_parts(field)
    is_data = parts[:1] in (["data"], ["stringData"], ["binaryData"])
    return is_data and (len(parts) == 1 or parts[1] in use.keys)


def _dead_checksums(subject: AuditSubject, watch: _Watch, pod: Pod) -> list[tuple[str, list[Consumption], str]]:
    """(annotation, the objects that it promises to watch, evidence) for each that none of their changes changes."""
    checksums = {name: value for name, value in pod.annotations.items() if _CHECKSUM.search(name)}
    found = []
    for name, value in checksums.items():
        uses = _promised(subject, pod, name, only=len(checksums) == 1)
        if not watch.is_known:
            if uses and value in _OF_NOTHING:
                found.append((name, uses, "it is the checksum of an empty text"))
            continue
        leaves = {leaf for use in uses for leaf in watch.leaves(use)}
        field = pod.field + pointer("metadata", "annotations", name)
        if any(watch.changes(leaf, pod.owner.address, field) for leaf in leaves):
            continue
        owner = pod.owner.address
        unseen = sorted((leaf for leaf in leaves if not watch.changes(leaf, owner, pod.field)), key=dotted)
        if unseen:
            found.append((name, uses, f"changing {dotted(unseen[0])} changes the object and not the annotation"))
    return found


def _promised(subject: AuditSubject, pod: Pod, annotation: str, *, only: bool) -> list[Consumption]:
    """What the annotation is about, by its name; all that the pod reads when it is the only one."""
    uses = [use for use in consumptions(subject.objects, pod) if not rolls_by_itself(pod, use.config)]
    word = annotation.rpartition("/")[2].lower()
    kind = _KINDS_BY_WORD.get(word.removesuffix("s"))
    chosen = [use for use in uses if use.config.kind == kind] if kind else [u for u in uses if word in u.config.name]
    return chosen or (uses if only else [])


def _unrolled(use: Consumption, why: str) -> Finding:
    owner = f"{use.pod.owner.kind} {use.pod.owner.name}"
    config = f"{use.config.kind} {use.config.name}"
    fix = (
        'Annotate the pod template: checksum/config: {{ include (print $.Template.BasePath "/<file>") . | sha256sum }}.'
    )
    if use.way is Way.VARIABLE:
        cause = f"{owner} reads {config} at its start, and no change of it restarts the pods"
        return Finding.at("ENV-UNROLLED", use.place, cause, evidence=why, fix=fix)
    cause = f"{owner} mounts a file of {config} by subPath, which never changes in a running pod"
    fix = f"Mount the whole folder instead of a subPath. Or a restart on change. {fix}"
    return Finding.at("ENV-SUBPATH", use.place, cause, evidence=why, fix=fix)
