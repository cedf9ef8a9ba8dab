"""Registry of finding codes; docs, reports and SARIF rules are made from it.

A code is ``<AREA>-<WORD>`` and stays stable for ever: users accept, grep and link it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.StrEnum):
    """How much a finding weighs; an ``ERROR`` stops what would come next."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Code:
    """One kind of finding: its stable name, default severity and a one-line title."""

    name: str
    severity: Severity
    title: str


def _error(name: str, title: str) -> Code:
    return Code(name, Severity.ERROR, title)


_ALL = (
    _error("RES-MEMORY", "The host has too little memory for the platform"),
    _error("RES-DISK", "A folder the platform writes to has too little free space"),
    _error("NET-PORT", "A port the platform needs is held by another program"),
    _error("NET-TLS", "A package registry's certificate is not trusted by this host"),
    _error("NET-REGISTRY", "A package registry cannot be reached"),
    _error("PLB-FOREIGN", "The host runs a cluster that is not ours"),
    _error("PLB-VERSION", "The wanted Kubernetes version cannot run on this host"),
    _error("PLB-INPUT", "A variable of the inventory cannot be used"),
    _error("PLB-PROCESS", "A program the platform runs failed"),
    _error("PLB-LIBRARY", "A Python library that a module needs is missing"),
    _error("IMG-DOCKER", "Docker is present and cannot be used"),
    _error("IMG-BUILD", "An image or program could not be built"),
    _error("IMG-SOURCE", "The sources of an image cannot be read"),
    _error("IMG-ORIGIN", "None of the allowed ways to get an artefact worked"),
    _error("IMG-MISSING", "A cluster node does not see an image"),
    _error("IMG-DAEMON", "An image was left on a daemon that the cluster does not use"),
    _error("IMG-STALE", "A running image is not the one made from today's sources"),
    _error("VAL-SCHEMA", "A value is refused by the chart's schema"),
    _error("VAL-RENDER", "The chart cannot be rendered with these values"),
    _error("REL-FAILED", "The release could not be applied"),
    _error("REL-LOCKED", "Another operation on the release is in progress"),
    _error("REL-DRIFT", "Live objects differ from the release"),
    _error("REL-CLUSTER", "The cluster cannot be reached or refuses the request"),
    _error("ROL-TIMEOUT", "Pods did not become ready in time"),
    _error("ROL-RESTART", "A container restarted since its deployment"),
    _error("ROL-IMAGE", "A container's image cannot be had by its node"),
    _error("ROL-CRASH", "A container ends again and again"),
    _error("ROL-MEMORY", "A container was killed for its memory"),
    _error("ROL-CONFIG", "A container cannot be created from its specification"),
    _error("ROL-SCHEDULE", "No node takes a pod"),
    _error("ROL-VOLUME", "A pod's volume cannot be had"),
    _error("ROL-SANDBOX", "A node cannot set up a pod's network or sandbox"),
    _error("ROL-PROBE", "A container runs and does not pass its probe"),
    _error("ROL-EVICTED", "A pod was evicted from its node"),
    _error("ROL-NODE", "A pod's node is not ready"),
    _error("ROL-MISSING", "A workload has fewer pods than it asks for"),
    _error("ROL-LIMITS", "A container's live resources are not those of the values"),
    _error("GPU-COUNT", "The nodes offer fewer GPUs than the platform needs"),
    _error("KFK-UNREACHABLE", "The broker cannot be reached"),
    _error("KFK-DRIFT", "A topic differs from its description in a way that cannot be mended"),
    _error("KFK-REFUSED", "The broker refused to create or change a topic"),
    _error("PRB-CONTENT", "An endpoint answers something else than it promises"),
    _error("PRB-UNREACHABLE", "An endpoint does not answer"),
    _error("PRB-FAILED", "A check of the platform failed"),
    _error("PRB-DEGRADED", "An endpoint answers with less than it promises, and says so"),
    _error("PRB-SLOW", "An endpoint did not answer within its time limit"),
    _error("PRB-LEFTOVER", "A memory written by the verification could not be deleted"),
)

CODES: dict[str, Code] = {code.name: code for code in _ALL}
