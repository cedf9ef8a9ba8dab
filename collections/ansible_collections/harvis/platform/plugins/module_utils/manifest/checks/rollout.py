"""What a rollout waits for, and who decides how many pods there are."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, Detector
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject
from ansible_collections.harvis.platform.plugins.module_utils.manifest.updates import surge_and_unavailable

# KEDA's autoscaler names its target as Kubernetes' own does, and may leave out the kind.
AUTOSCALERS = {"HorizontalPodAutoscaler": "", "ScaledObject": "Deployment"}


def waits_for_a_pod(subject: AuditSubject) -> t.Iterator[Finding]:
    """Helm's ``--wait`` and `Available` want replicas less maxUnavailable ready pods: that must not be none."""
    for deployment in subject.objects.of_kind("Deployment"):
        replicas = deployment.get("/spec/replicas", 1)
        if not isinstance(replicas, int) or replicas < 1 or deployment.get("/spec/strategy/type") == "Recreate":
            continue
        _, unavailable = surge_and_unavailable(deployment)
        if unavailable >= replicas:
            field = "/spec/strategy/rollingUpdate/maxUnavailable"
            yield Finding.at(
                "ROL-ZEROWAIT",
                deployment.place(field),
                f"all {replicas} pods may be unavailable: a rollout counts as done with none ready"
                if replicas > 1
                else "the only pod may be unavailable: a rollout counts as done with none ready",
                evidence=f"replicas {replicas}, maxUnavailable {deployment.get(field, '25% (default)')}",
                fix="Set maxUnavailable below replicas, or strategy.type to Recreate where the old pod must go first.",
            )


def replicas_have_one_owner(subject: AuditSubject) -> t.Iterator[Finding]:
    """Each upgrade sets fixed replicas back, and the autoscaler starts again from there."""
    for autoscaler in subject.objects.of_kind(*AUTOSCALERS):
        target = _target(subject, autoscaler)
        if target and target.get("/spec/replicas") is not None:
            yield Finding.at(
                "ROL-REPLICAS",
                target.place("/spec/replicas"),
                f"{target.kind} {target.name} fixes {target.get('/spec/replicas')} replicas, which "
                f"{autoscaler.kind} {autoscaler.name} owns",
                evidence=autoscaler.place("/spec/scaleTargetRef").file,
                fix="Leave out spec.replicas while the autoscaler is there.",
            )


def _target(subject: AuditSubject, autoscaler: KubernetesObject) -> KubernetesObject | None:
    reference = autoscaler.get("/spec/scaleTargetRef")
    if not isinstance(reference, dict):
        return None
    kind = str(reference.get("kind") or AUTOSCALERS[autoscaler.kind])
    return subject.objects.find(kind, autoscaler.namespace, str(reference.get("name", "")))


DETECTORS: tuple[Detector, ...] = (waits_for_a_pod, replicas_have_one_owner)
