"""Why a controller cannot make pods, from what the API server answered it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding


@dataclass(frozen=True)
class Refusal:
    """Words of the API server, and what they mean. ``cause`` and ``fix`` take the pattern's names in braces."""

    words: str
    code: str
    cause: str
    fix: str


_REFUSALS = (
    # exceeded quota: small, requested: limits.memory=256Mi, used: limits.memory=0, limited: limits.memory=100Mi
    Refusal(
        r"exceeded quota: (?P<name>[^,]+), (?P<amounts>.+)",
        "ROL-QUOTA",
        "quota {name} is used up: {amounts}",
        "Raise ResourceQuota {name}, or lower what the values ask for.",
    ),
    Refusal(
        r"failed quota: (?P<name>[^:]+): must specify (?P<what>.+)",
        "ROL-QUOTA",
        "quota {name} counts what the pod does not state: {what}",
        "State the requests and limits that it names for every container in the values, or add a LimitRange.",
    ),
    Refusal(
        r'admission webhook "(?P<name>[^"]+)" denied the request: ?(?P<why>.*)',
        "ROL-WEBHOOK",
        "webhook {name} refuses them: {why}",
        "Give the pods what the webhook asks for, or exempt the namespace from it.",
    ),
    Refusal(
        r'failed calling webhook "(?P<name>[^"]+)": (?P<why>.*)',
        "ROL-WEBHOOK",
        "webhook {name} is asked about them and does not answer: {why}",
        "Start what serves the webhook, or delete its configuration "
        "(`kubectl get mutatingwebhookconfigurations,validatingwebhookconfigurations`).",
    ),
    Refusal(
        r'serviceaccount "(?P<name>[^"]+)" not found',
        "ROL-MISSING",
        "ServiceAccount {name} does not exist",
        "Make the ServiceAccount, or name one that exists.",
    ),
    Refusal(
        r'violates PodSecurity "(?P<level>[^"]+)": (?P<why>.*)',
        "ROL-WEBHOOK",
        "the namespace allows pods of level {level} only: {why}",
        "Mend the securityContext that it names, or label the namespace with another "
        "pod-security.kubernetes.io/enforce.",
    ),
    Refusal(
        r"(?P<why>(?:maximum|minimum) \S+ usage per (?:Container|Pod) is .+)",
        "ROL-QUOTA",
        "a LimitRange refuses them: {why}",
        "Keep within it in the values, or change the LimitRange.",
    ),
)
_NO_REASON = "it gives no reason"


def refused(subject: str, there: int, wanted: int, message: str, look: str) -> Finding:
    """One finding about a workload of which ``there`` of ``wanted`` pods exist; ``look`` helps where nothing else."""
    short = f"{there} of {wanted} pods are there"
    for refusal in _REFUSALS:
        if found := re.search(refusal.words, message, re.DOTALL):
            said = {name: text.strip() or _NO_REASON for name, text in found.groupdict().items()}
            cause = refusal.cause.format_map(said)
            return Finding(refusal.code, subject, f"{short}: {cause}", message[:300], refusal.fix.format_map(said))
    return Finding("ROL-MISSING", subject, short, message[:300], look)
