"""Blocks of values that have Kubernetes' own shape: where they belong in an object, and what can be in them."""

from __future__ import annotations

import re

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath

_POD = r"(?:/spec|/spec/template/spec|/spec/jobTemplate/spec/template/spec)"
_CONTAINER = rf"{_POD}/(?:initContainers|containers|ephemeralContainers)/\d+"
_CLAIM = r"/spec/volumeClaimTemplates/\d+/spec"
_EPHEMERAL = rf"{_POD}/volumes/\d+/ephemeral/volumeClaimTemplate/spec"

# Field to the parents that it may have in an object that runs pods.
PARENTS: dict[str, re.Pattern[str]] = {
    **{name: re.compile(_POD) for name in ("nodeSelector", "tolerations", "affinity", "topologySpreadConstraints")},
    **{name: re.compile(_CONTAINER) for name in ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle")},
    "resources": re.compile(rf"{_CONTAINER}|{_POD}|{_CLAIM}|{_EPHEMERAL}"),
}
# Where the content of a block lies whose own key was left out, or is indented less than it.
HOLDERS = re.compile(
    rf"(?:/spec|/spec/template|/spec/jobTemplate|/spec/jobTemplate/spec|{_POD}|{_CONTAINER})(?:/securityContext)?"
)
_PROBE = frozenset(
    [
        "exec",
        "httpGet",
        "tcpSocket",
        "grpc",
        "initialDelaySeconds",
        "periodSeconds",
        "timeoutSeconds",
        "successThreshold",
        "failureThreshold",
        "terminationGracePeriodSeconds",
    ]
)
_SECURITY = frozenset(
    [
        "allowPrivilegeEscalation",
        "appArmorProfile",
        "capabilities",
        "privileged",
        "procMount",
        "readOnlyRootFilesystem",
        "runAsGroup",
        "runAsNonRoot",
        "runAsUser",
        "seLinuxOptions",
        "seccompProfile",
        "windowsOptions",
        "fsGroup",
        "fsGroupChangePolicy",
        "supplementalGroups",
        "supplementalGroupsPolicy",
        "sysctls",
    ]
)
# Block to what may stand right below it.
FIELDS: dict[str, frozenset[str]] = {
    "resources": frozenset(["requests", "limits"]),
    "livenessProbe": _PROBE,
    "readinessProbe": _PROBE,
    "startupProbe": _PROBE,
    "securityContext": _SECURITY,
    "podSecurityContext": _SECURITY,
    "containerSecurityContext": _SECURITY,
}

# The same for every block of which that is known.
CONTENT = {
    **FIELDS,
    "affinity": frozenset(["nodeAffinity", "podAffinity", "podAntiAffinity"]),
    "lifecycle": frozenset(["postStart", "preStop", "stopSignal"]),
}


def shaped_block(path: ValuePath) -> ValuePath:
    """The block of Kubernetes' shape that the leaf lies in, or ()."""
    for at in range(len(path) - 2, -1, -1):
        fields = FIELDS.get(str(path[at]))
        if fields and path[at + 1] in fields:
            # resources.limits has a free key below it; resources.limits alone is no leaf.
            return path[: at + 1] if path[at] != "resources" or len(path) == at + 3 else ()
    return ()


def placed_block(path: ValuePath) -> int:
    """Index of the block in the path that has a place of its own in an object, or -1."""
    return next((at for at in range(len(path) - 1, -1, -1) if path[at] in PARENTS), -1)
