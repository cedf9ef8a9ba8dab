"""Flux objects that report success for what was not applied, or does not work."""

from __future__ import annotations

import re
import typing as t
from pathlib import PurePath

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, Detector, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.config import config_data, read_config
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, pointer

Result = t.Iterator[Finding | NotChecked]
_GROUPS = {
    "HelmRelease": "helm.toolkit.fluxcd.io",
    "HelmChart": "source.toolkit.fluxcd.io",
    "Kustomization": "kustomize.toolkit.fluxcd.io",
}
# Sources whose revision says nothing about the chart's version.
_BY_REVISION = ("GitRepository", "Bucket")
_SUBSTITUTE = "kustomize.toolkit.fluxcd.io/substitute"
# ${NAME}, also with an operation (${NAME%.*}); not escaped ($${NAME}), and not with a default of its own (${NAME:-x}).
_BRACED = re.compile(r"(?<!\$)\$\{#?(?P<name>[A-Za-z_]\w*)(?!\w|:?[-=])[^}]*\}")


def fixed_versions(subject: AuditSubject) -> t.Iterator[Finding]:
    """GOP-VERSION: new templates in git are applied only when somebody raises the chart's version."""
    places = [(item, "/spec/chart/spec") for item in _flux(subject, "HelmRelease")]
    places += [(item, "/spec") for item in _flux(subject, "HelmChart")]
    for item, field in places:
        chart = item.get(field)
        source = item.get(field + "/sourceRef/kind")
        if isinstance(chart, dict) and source in _BY_REVISION and chart.get("reconcileStrategy") != "Revision":
            cause = (
                f"the chart comes from a {source} and is applied again only when the version in its Chart.yaml rises"
            )
            evidence = f"reconcileStrategy: {chart.get('reconcileStrategy', 'ChartVersion (the default)')}"
            where = "reconcileStrategy" if "reconcileStrategy" in chart else "sourceRef"
            fix = "Set reconcileStrategy: Revision, or raise the version with every change."
            yield Finding.at("GOP-VERSION", item.place(f"{field}/{where}"), cause, evidence=evidence, fix=fix)


def unwatched_drift(subject: AuditSubject) -> t.Iterator[Finding]:
    """GOP-DRIFT: the HelmRelease stays Ready whatever happens to its objects."""
    for item in _flux(subject, "HelmRelease"):
        mode = item.get("/spec/driftDetection/mode", "disabled")
        if mode not in ("enabled", "warn") and not item.get("/spec/suspend"):
            cause = f"HelmRelease {item.name} compares releases only: an object that is changed or deleted stays so"
            fix = "Set spec.driftDetection.mode: enabled; fields that others own go under spec.driftDetection.ignore."
            has = item.get("/spec/driftDetection") is not None
            place = item.place("/spec/driftDetection" if has else "/spec")
            yield Finding.at("GOP-DRIFT", place, cause, evidence=f"driftDetection: {mode}", fix=fix)


def unproven_success(subject: AuditSubject) -> t.Iterator[Finding]:
    """GOP-WAIT: Ready says that the API server took the objects, and no more; or a list of checks is ignored."""
    for item in _flux(subject, "Kustomization"):
        checks = [f"/spec/{name}" for name in ("healthChecks",) if item.get(f"/spec/{name}")]
        if item.get("/spec/suspend"):
            continue
        if item.get("/spec/wait") is True and checks:
            cause = f"wait: true of Kustomization {item.name} makes Flux ignore its list of healthChecks"
            fix = "Keep one of them: wait for everything, or the list."
            yield Finding.at("GOP-WAIT", item.place(checks[0]), cause, fix=fix)
        elif item.get("/spec/wait") is not True and not checks:
            cause = f"Kustomization {item.name} is Ready as soon as its objects are stored, whether or not they work"
            fix = "Set spec.wait: true with a spec.timeout, or name the workloads under spec.healthChecks."
            place = item.place("/spec/wait" if "wait" in (item.get("/spec") or {}) else "/spec")
            yield Finding.at("GOP-WAIT", place, cause, evidence="wait is false by default", fix=fix)
    for item in _flux(subject, "HelmRelease"):
        for action in ("install", "upgrade"):
            if item.get(f"/spec/{action}/disableWait") is True:
                cause = f"HelmRelease {item.name} is Ready after an {action} before its pods are"
                place = item.place(f"/spec/{action}/disableWait")
                yield Finding.at(
                    "GOP-WAIT", place, cause, fix=f"Remove {action}.disableWait; raise spec.timeout if need be."
                )


def blanked_variables(subject: AuditSubject) -> Result:
    """GOP-SUBSTITUTE: Flux replaces every ``${NAME}`` in the manifests, also those that were meant for a shell."""
    for kustomization in _flux(subject, "Kustomization"):
        names, unknown = _substitutes(kustomization, subject)
        if not names and not unknown:
            continue
        for item in subject.objects:
            if item is kustomization or _opted_out(item) or not _belongs(item, kustomization):
                continue
            for field, text in _texts(item.body, ""):
                lost = sorted({match["name"] for match in _BRACED.finditer(text)} - names)
                if lost and unknown:
                    yield NotChecked(
                        f"whether {unknown} provides {', '.join(lost)} for {item.address}: it is not among the objects"
                    )
                elif lost:
                    yield _blanked(item, field, lost, kustomization)


def _flux(subject: AuditSubject, kind: str) -> list[KubernetesObject]:
    return [item for item in subject.objects.of_kind(kind) if item.api_version.startswith(_GROUPS[kind] + "/")]


def _substitutes(kustomization: KubernetesObject, subject: AuditSubject) -> tuple[set[str], str]:
    """The names that have a value, and the first source of values that is not among the objects."""
    inline = kustomization.get("/spec/postBuild/substitute")
    names = {str(name) for name in inline} if isinstance(inline, dict) else set()
    unknown = ""
    for source in kustomization.get("/spec/postBuild/substituteFrom") or []:
        if isinstance(source, dict):
            kind, name = str(source.get("kind", "")), str(source.get("name", ""))
            config = read_config(subject.objects, kind, kustomization.namespace, name)
            names |= set(config_data(config)) if config else set()
            unknown = unknown or ("" if config else f"{kind} {name}")
    return names, unknown


def _opted_out(item: KubernetesObject) -> bool:
    marks = (item.get("/metadata/annotations") or {}, item.get("/metadata/labels") or {})
    return any(isinstance(mark, dict) and mark.get(_SUBSTITUTE) == "disabled" for mark in marks)


def _belongs(item: KubernetesObject, kustomization: KubernetesObject) -> bool:
    """Whether the object's file lies below the Kustomization's path, wherever the repository lies."""
    wanted = [part for part in PurePath(str(kustomization.get("/spec/path") or "")).parts if part not in (".", "/")]
    folders = list(PurePath(item.place().file).parent.parts)
    starts = range(len(folders) - len(wanted) + 1)
    return any(folders[start : start + len(wanted)] == wanted for start in starts)


def _texts(value: t.Any, at: str) -> t.Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from _texts(below, at + pointer(key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _texts(below, at + pointer(index))


def _blanked(item: KubernetesObject, field: str, lost: list[str], kustomization: KubernetesObject) -> Finding:
    shown = ", ".join("${" + name + "}" for name in lost)
    cause = (
        f"postBuild of Kustomization {kustomization.name} replaces {shown} by nothing: its substitutes do not have them"
    )
    evidence = f"{len(lost)} braced names without a value; newer versions of Flux can fail here instead"
    fix = (
        f"Write $${{{lost[0]}}} for a variable of the shell, add it to postBuild.substitute, or annotate the object"
        f" {_SUBSTITUTE}: disabled."
    )
    return Finding.at("GOP-SUBSTITUTE", item.place(field), cause, evidence=evidence, fix=fix)


DETECTORS: tuple[Detector, ...] = (fixed_versions, unwatched_drift, unproven_success, blanked_variables)
