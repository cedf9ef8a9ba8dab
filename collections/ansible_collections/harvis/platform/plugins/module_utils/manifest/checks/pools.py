"""MetalLB address pools that nobody announces."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.labels import matches, plain_labels
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject

_ADVERTISEMENTS = ("L2Advertisement", "BGPAdvertisement")


def unadvertised_pools(subject: AuditSubject) -> t.Iterator[Finding | NotChecked]:
    """NET-ADVERTISE: Services get addresses of the pool, and no host outside learns where they are."""
    advertisements = subject.objects.of_kind(*_ADVERTISEMENTS)
    for pool in subject.objects.of_kind("IPAddressPool"):
        if any(_selects(advertisement, pool) for advertisement in advertisements):
            continue
        named = sorted({str(n) for a in advertisements for n in a.get("/spec/ipAddressPools") or []})
        evidence = f"the advertisements select {', '.join(named)}" if named else "there is no advertisement"
        if advertisements and not named:
            evidence = "the advertisements lie in another namespace, or select other labels"
        cause = (
            f"no L2Advertisement or BGPAdvertisement selects pool {pool.name}: its addresses are given, not announced"
        )
        fix = f"Add an L2Advertisement in namespace {pool.namespace} with spec.ipAddressPools: [{pool.name}]."
        yield Finding.at("NET-ADVERTISE", pool.place("/metadata/name"), cause, evidence=evidence, fix=fix)


def _selects(advertisement: KubernetesObject, pool: KubernetesObject) -> bool:
    """An advertisement without names and selectors takes every pool of its namespace."""
    names = advertisement.get("/spec/ipAddressPools") or []
    selectors = advertisement.get("/spec/ipAddressPoolSelectors") or []
    if advertisement.namespace != pool.namespace:
        return False
    labels = plain_labels(pool.get("/metadata/labels"))
    by_label = any(isinstance(selector, dict) and matches(selector, labels) for selector in selectors)
    return (not names and not selectors) or pool.name in names or by_label
