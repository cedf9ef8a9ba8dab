"""Why a controller cannot make pods, from what the API server answered it."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding

# exceeded quota: small, requested: limits.memory=256Mi, used: limits.memory=0, limited: limits.memory=100Mi
_QUOTA = re.compile(r"exceeded quota: (?P<name>[^,]+), (?P<amounts>.+)", re.DOTALL)
_NO_AMOUNT = re.compile(r"failed quota: (?P<name>[^:]+): must specify (?P<what>.+)")
_DENIED = re.compile(r'admission webhook "(?P<name>[^"]+)" denied the request: ?(?P<why>.*)', re.DOTALL)
_UNCALLED = re.compile(r'failed calling webhook "(?P<name>[^"]+)": (?P<why>.*)', re.DOTALL)
_ACCOUNT = re.compile(r'serviceaccount "(?P<name>[^"]+)" not found')
_SECURITY = re.compile(r'violates PodSecurity "(?P<level>[^"]+)": (?P<why>.*)', re.DOTALL)
_LIMIT_RANGE = re.compile(r"(?P<why>(?:maximum|minimum) \S+ usage per (?:Container|Pod) is .+)", re.DOTALL)

_Say = t.Callable[[t.Mapping[str, str]], tuple[str, str, str]]


def _quota(found: t.Mapping[str, str]) -> tuple[str, str, str]:
    return (
        "ROL-QUOTA",
        f"quota {found['name']} is used up: {found['amounts']}",
        f"Raise ResourceQuota {found['name']}, or lower what the values ask for.",
    )


def _no_amount(found: t.Mapping[str, str]) -> tuple[str, str, str]:
    return (
        "ROL-QUOTA",
        f"quota {found['name']} counts what the pod does not state: {found['what']}",
        "State the requests and limits that it names for every container in the values, or add a LimitRange.",
    )


def _denied(found: t.Mapping[str, str]) -> tuple[str, str, str]:
    return (
        "ROL-WEBHOOK",
        f"webhook {found['name']} refuses them: {found['why'] or 'it gives no reason'}",
        "Give the pods what the webhook asks for, or exempt the namespace from it.",
    )


def _uncalled(found: t.Mapping[str, str]) -> tuple[str, str, str]:
    return (
        "ROL-WEBHOOK",
        f"webhook {found['name']} is asked about them and does not answer: {found['why']}",
        "Start what serves the webhook, or delete its configuration "
        "(`kubectl get mutatingwebhookconfigurations,validatingwebhookconfigurations`).",
    )


def _account(found: t.Mapping[str, str]) -> tuple[str, str, str]:
    return (
        "ROL-MISSING",
        f"ServiceAccount {found['name']} does not exist",
        "Make the ServiceAccount, or name one that exists.",
    )


def _security(found: t.Mapping[str, str]) -> tuple[str, str, str]:
    return (
        "ROL-WEBHOOK",
        f"the namespace allows pods of level {found['level']} only: {found['why']}",
        "Mend the securityContext that it names, or label the namespace with another "
        "pod-security.kubernetes.io/enforce.",
    )


def _limit_range(found: t.Mapping[str, str]) -> tuple[str, str, str]:
    return (
        "ROL-QUOTA",
        f"a LimitRange refuses them: {found['why']}",
        "Keep within it in the values, or change the LimitRange.",
    )


_MEANINGS: tuple[tuple[re.Pattern[str], _Say], ...] = (
    (_QUOTA, _quota),
    (_NO_AMOUNT, _no_amount),
    (_DENIED, _denied),
    (_UNCALLED, _uncalled),
    (_ACCOUNT, _account),
    (_SECURITY, _security),
    (_LIMIT_RANGE, _limit_range),
)


def refused(subject: str, there: int, wanted: int, message: str, look: str) -> Finding:
    """One finding about a workload of which ``there`` of ``wanted`` pods exist; ``look`` helps where nothing else."""
    short = f"{there} of {wanted} pods are there"
    for pattern, say in _MEANINGS:
        found = pattern.search(message)
        if found:
            code, cause, fix = say({name: text.strip() for name, text in found.groupdict().items()})
            return Finding(code, subject, f"{short}: {cause}", message[:300], fix)
    return Finding("ROL-MISSING", subject, short, message[:300], look)
