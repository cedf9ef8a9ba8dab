"""Whether a container's live requests and limits are those of the values, however they are written."""

from __future__ import annotations

import typing as t
from decimal import Decimal

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, fail
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import path

Resources = t.Mapping[str, t.Any]
Amounts = dict[str, Decimal]
KINDS = ("requests", "limits")


def amounts(resources: Resources | None, subject: str) -> dict[str, Amounts]:
    """Quantities as numbers. As for the API server, a missing request is the limit, and zero is as good as nothing."""
    from kubernetes.utils.quantity import parse_quantity

    found: dict[str, Amounts] = {}
    for kind in KINDS:
        given = (resources or {}).get(kind) or {}
        try:
            found[kind] = {name: parse_quantity(str(text)) for name, text in given.items()}
        except (ValueError, ArithmeticError, AttributeError) as exc:
            raise fail(
                "PLB-INPUT", subject, f"{kind} cannot be read: {exc}", fix="Write quantities as 500m or 2Gi."
            ) from exc
    found["requests"] = {**found["limits"], **found["requests"]}
    return {kind: {name: amount for name, amount in given.items() if amount} for kind, given in found.items()}


def wrong_limits(pods: t.Iterable[Object], container: str, wanted: Resources | None) -> list[Finding]:
    """One finding per pod whose container has other resources."""
    findings = []
    for pod in pods:
        subject = f"{path(pod)} {container}"
        spec = next((spec for spec in pod["spec"]["containers"] if spec["name"] == container), None)
        if spec is None:
            findings.append(_finding(subject, "the pod has no such container", wanted))
        elif amounts(spec.get("resources"), subject) != amounts(wanted, subject):
            findings.append(_finding(subject, f"has {shown(spec.get('resources'))}", wanted))
    return findings


def _finding(subject: str, cause: str, wanted: Resources | None) -> Finding:
    return Finding(
        "ROL-LIMITS",
        subject,
        cause,
        evidence=f"the values say {shown(wanted)}",
        fix="`make up` puts the release back; where it does not help, a LimitRange or a webhook changes the pods.",
    )


def shown(resources: Resources | None) -> str:
    """``cpu 100m of 1, memory 256Mi of 1Gi`` (request of limit), in the words of the manifest."""
    requests, limits = ((resources or {}).get(kind) or {} for kind in KINDS)
    parts = []
    for name in sorted({*requests, *limits}):
        request, limit = requests.get(name, limits.get(name)), limits.get(name, "no limit")
        parts.append(f"{name} {request} of {limit}")
    return ", ".join(parts) or "no requests and no limits"
