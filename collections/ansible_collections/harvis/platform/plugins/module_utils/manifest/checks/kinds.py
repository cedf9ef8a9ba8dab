"""Objects and fields that the cluster's version does not know: refused, or dropped without a word."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, Detector, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.custom_resources import definitions
from ansible_collections.harvis.platform.plugins.module_utils.manifest.names import meant
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, pointer
from ansible_collections.harvis.platform.plugins.module_utils.manifest.schemas import (
    GVK,
    NoSchemas,
    Problem,
    Schema,
    Schemas,
    problems,
    schemas_of,
)

# Kubernetes' own groups, of which every object has a schema. Others that end in k8s.io are of add-ons.
_GROUPS = """
admissionregistration.k8s.io apiextensions.k8s.io apiregistration.k8s.io apps authentication.k8s.io
authorization.k8s.io autoscaling batch certificates.k8s.io coordination.k8s.io discovery.k8s.io events.k8s.io
extensions flowcontrol.apiserver.k8s.io internal.apiserver.k8s.io networking.k8s.io node.k8s.io policy
rbac.authorization.k8s.io resource.k8s.io scheduling.k8s.io settings.k8s.io storage.k8s.io storagemigration.k8s.io
"""
GROUPS = frozenset({"", *_GROUPS.split()})
# Files of kubectl and of OpenShift look like objects of the core group.
_FOREIGN = frozenset({("", "v1", kind) for kind in ("Config", "Template", "DeploymentConfig", "Route", "BuildConfig")})


def known_to_the_version(subject: AuditSubject) -> t.Iterator[Finding | NotChecked]:
    try:
        schemas = schemas_of(subject.kubernetes)
    except NoSchemas as exc:
        yield NotChecked(f"whether Kubernetes {subject.kubernetes} knows every object and field: {exc}")
        return
    custom = definitions(subject.objects)
    unchecked: dict[str, None] = {}
    for item in subject.objects:
        gvk = _gvk(item)
        if gvk in custom:
            yield from _custom(item, custom[gvk])
        elif gvk in schemas.kinds:
            yield from _fields(item, gvk, schemas)
        elif gvk[0] in GROUPS and gvk not in _FOREIGN:
            yield _unserved(item, gvk, schemas, subject.kubernetes)
        else:
            unchecked[f"{item.api_version} {item.kind}"] = None
    for kind in unchecked:
        yield NotChecked(f"fields of {kind}: its definition is not among the objects")


def _gvk(item: KubernetesObject) -> GVK:
    group, _, version = item.api_version.rpartition("/")
    return group, version, item.kind


def _unserved(item: KubernetesObject, gvk: GVK, schemas: Schemas, version: str) -> Finding:
    served = sorted({"/".join(filter(None, k[:2])) for k in schemas.kinds if k[2] == item.kind and k[0] in GROUPS})
    near = meant(item.kind, {kind for group, _, kind in schemas.kinds if group == gvk[0]})
    fix = f"Write apiVersion: {served[-1]}." if served else f"Did you mean {near}?" if near else ""
    return Finding.at(
        "REL-UNKNOWN",
        item.place("/apiVersion" if served else "/kind"),
        f"Kubernetes {version} does not serve {item.api_version} {item.kind}",
        evidence=f"it serves {', '.join(served)} {item.kind}" if served else "",
        fix=fix or "Use a kind that this version serves.",
    )


def _fields(item: KubernetesObject, gvk: GVK, schemas: Schemas) -> t.Iterator[Finding]:
    # Clusters write the status; what generators leave there is not looked at.
    body = {key: value for key, value in item.body.items() if key != "status"}
    for problem in schemas.problems(gvk, body):
        for key in problem.unknown:
            yield _unknown(item, (*problem.path, key), *_advice(item, gvk, problem, key, schemas))
        if problem.wanted:
            yield _mistyped(item, problem)


def _custom(item: KubernetesObject, schema: Schema) -> t.Iterator[Finding]:
    for problem in problems(schema, {key: value for key, value in item.body.items() if key != "status"}):
        for key in problem.unknown:
            yield _unknown(item, (*problem.path, key), "", "See the CustomResourceDefinition for its fields.")
        if problem.wanted:
            yield _mistyped(item, problem)


def _unknown(item: KubernetesObject, path: tuple[str | int, ...], evidence: str, fix: str) -> Finding:
    where = pointer(*path[:-1]) or "the object"
    cause = f"{path[-1]} is no field of {where} in {item.api_version} {item.kind}"
    return Finding.at("REL-UNKNOWN", item.place(pointer(*path)), cause, evidence=evidence, fix=fix)


def _mistyped(item: KubernetesObject, problem: Problem) -> Finding:
    # Never the value: it may be a secret.
    wanted = " or ".join(problem.wanted)
    is_now = _type(item.get(pointer(*problem.path)))
    cause = f"{pointer(*problem.path)} must be {wanted} in {item.api_version} {item.kind}, and is {is_now}"
    fix = "Quote it." if wanted == "string" and is_now in ("integer", "number", "boolean") else f"Make it {wanted}."
    return Finding.at("REL-UNKNOWN", item.place(pointer(*problem.path)), cause, fix=fix)


def _type(value: t.Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _advice(item: KubernetesObject, gvk: GVK, problem: Problem, key: str, schemas: Schemas) -> tuple[str, str]:
    """Evidence and fix: the level at which the field is known, or a field of nearly that name."""
    levels = [problem.path[:depth] for depth in range(len(problem.path) - 1, -1, -1)]
    here = item.get(pointer(*problem.path))
    below = [(*problem.path, str(name)) for name, value in here.items() if isinstance(value, dict | list)]
    for level in (*levels, *below):
        if level != problem.path and key in schemas.fields(gvk, level):
            where = pointer(*level) or "the object itself"
            depth = "deep" if len(level) < len(problem.path) else "shallow"
            return f"{key} is a field of {where}", f"It is indented too {depth}: move it to {where}."
    near = meant(key, schemas.fields(gvk, problem.path))
    return "", f"Did you mean {near}?" if near else "Remove it, or move it to where it belongs."


DETECTORS: tuple[Detector, ...] = (known_to_the_version,)
