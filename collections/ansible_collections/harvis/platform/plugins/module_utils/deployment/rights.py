"""Whether the user of the kubeconfig may do what a release needs, asked of the cluster before anything is built."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object

_REVIEWS = "authorization.k8s.io/v1"
_WRITE = ("get", "list", "create", "update", "patch", "delete")


@dataclass(frozen=True)
class Needed:
    """Verbs on one resource in one namespace."""

    group: str
    resource: str
    verbs: tuple[str, ...]


# Helm's records, the charts' objects, the lease of a run; pods are watched while they start, and replaced where what
# they started from is no longer so.
NEEDED = (
    Needed("", "secrets", _WRITE),
    Needed("", "configmaps", _WRITE),
    Needed("", "services", _WRITE),
    Needed("", "persistentvolumeclaims", _WRITE),
    Needed("apps", "deployments", _WRITE),
    Needed("apps", "statefulsets", _WRITE),
    Needed("coordination.k8s.io", "leases", ("get", "create", "update", "delete")),
    Needed("", "pods", ("get", "list", "watch", "delete")),
    Needed("", "pods/log", ("get",)),
    Needed("", "events", ("list",)),
)


def missing_rights(cluster: Cluster, namespace: str) -> list[Finding]:
    """One finding for a namespace in which something is refused; it names each verb and resource."""
    rules, complete = _rules(cluster, namespace)
    refused = {
        needed: [
            verb
            for verb in needed.verbs
            if not any(_allows(rule, needed, verb) for rule in rules)
            # Webhooks and others may allow what no rule says.
            and (complete or not _may(cluster, namespace, needed, verb))
        ]
        for needed in NEEDED
    }
    lacking = [f"{', '.join(verbs)} on {_called(needed)}" for needed, verbs in refused.items() if verbs]
    if not lacking:
        return []
    cause = f"the user of the kubeconfig may not: {'; '.join(lacking)}"
    fix = "Bind a Role with these verbs to the user in this namespace, or use another kubeconfig."
    return [
        Finding("REL-RIGHTS", f"namespace {namespace}", cause, "the cluster's own answer (SelfSubjectRulesReview)", fix)
    ]


def may_create_namespace(cluster: Cluster) -> bool:
    return _may(cluster, "", Needed("", "namespaces", ("create",)), "create")


def _rules(cluster: Cluster, namespace: str) -> tuple[list[dict[str, t.Any]], bool]:
    """All rules in one answer, and whether they say everything."""
    body = cluster.create(_review("SelfSubjectRulesReview", {"namespace": namespace}))
    status = body.get("status") or {}
    return list(status.get("resourceRules") or ()), not status.get("incomplete")


def _allows(rule: dict[str, t.Any], needed: Needed, verb: str) -> bool:
    # A rule for certain names does not allow what is to be created under any.
    return (
        not rule.get("resourceNames")
        and bool({verb, "*"} & set(rule.get("verbs") or ()))
        and bool({needed.group, "*"} & set(rule.get("apiGroups") or ()))
        and bool({needed.resource, "*"} & set(rule.get("resources") or ()))
    )


def _may(cluster: Cluster, namespace: str, needed: Needed, verb: str) -> bool:
    resource, _, subresource = needed.resource.partition("/")
    attributes = {"namespace": namespace, "verb": verb, "group": needed.group, "resource": resource}
    spec = {"resourceAttributes": {**attributes, "subresource": subresource}}
    body = cluster.create(_review("SelfSubjectAccessReview", spec))
    return bool((body.get("status") or {}).get("allowed"))


def _review(kind: str, spec: dict[str, t.Any]) -> Object:
    return {"apiVersion": _REVIEWS, "kind": kind, "metadata": {}, "spec": spec}


def _called(needed: Needed) -> str:
    return f"{needed.resource}.{needed.group}" if needed.group else needed.resource
