"""Whether NetworkPolicies let one pod reach another, as the API defines them (``networking.k8s.io/v1``)."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import path

NAME_LABEL = "kubernetes.io/metadata.name"
DNS_PORT = 53


@dataclass(frozen=True)
class Policies:
    """The policies that are in force; ``labels`` are those of each namespace."""

    found: t.Sequence[Object] = ()
    labels: t.Mapping[str, t.Mapping[str, str]] = field(default_factory=dict)

    def hinder(self, source: Object, target: Object, port: int) -> Finding | None:
        """The policy that keeps ``source`` from this port of ``target``."""
        what = f"{path(target)} at port {port}"
        return self._closed(source, "Egress", target, port, f"{path(source)} may not reach {what}") or self._closed(
            target, "Ingress", source, port, f"{path(source)} is not let in to {what}"
        )

    def hinder_names(self, source: Object) -> Finding | None:
        """The policy that keeps ``source`` from every name server."""
        closing = self._about(source, "Egress")
        rules = [rule for policy in closing for rule in policy["spec"].get("egress") or []]
        if not closing or any(_has_port(source, rule.get("ports"), DNS_PORT) for rule in rules):
            return None
        return _finding(closing, source, f"{path(source)} may not reach the name server (port {DNS_PORT})")

    def _closed(self, pod: Object, direction: str, peer: Object, port: int, cause: str) -> Finding | None:
        closing = self._about(pod, direction)
        if not closing:
            return None
        side = direction.lower()
        # The port is always one of the pod that is asked.
        asked = peer if direction == "Egress" else pod
        for policy in closing:
            for rule in policy["spec"].get(side) or []:
                peers = rule.get("from" if direction == "Ingress" else "to")
                fits = not peers or any(self._is(peer, entry, policy) for entry in peers)
                if fits and _has_port(asked, rule.get("ports"), port):
                    return None
        return _finding(closing, pod, cause)

    def _about(self, pod: Object, direction: str) -> list[Object]:
        return [
            policy
            for policy in self.found
            if policy["metadata"].get("namespace") == pod["metadata"].get("namespace")
            and direction in _directions(policy)
            and _selected(policy["spec"].get("podSelector"), pod["metadata"].get("labels") or {})
        ]

    def _is(self, pod: Object, peer: Object, policy: Object) -> bool:
        if "ipBlock" in peer:
            return _in_block(pod.get("status", {}).get("podIP", ""), peer["ipBlock"])
        namespace = pod["metadata"].get("namespace", "")
        if peer.get("namespaceSelector") is not None:
            there = {NAME_LABEL: namespace, **self.labels.get(namespace, {})}
            if not _selected(peer["namespaceSelector"], there):
                return False
        elif namespace != policy["metadata"].get("namespace"):
            return False
        return _selected(peer.get("podSelector"), pod["metadata"].get("labels") or {})


def _directions(policy: Object) -> t.Sequence[str]:
    spec = policy["spec"]
    return spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])


def _selected(selector: t.Mapping[str, t.Any] | None, labels: t.Mapping[str, str]) -> bool:
    """An empty selector, or none, takes everything."""
    given = selector or {}
    if any(labels.get(name) != value for name, value in (given.get("matchLabels") or {}).items()):
        return False
    return all(_fits(entry, labels) for entry in given.get("matchExpressions") or [])


def _fits(expression: t.Mapping[str, t.Any], labels: t.Mapping[str, str]) -> bool:
    name, values = expression["key"], expression.get("values") or []
    return {
        "In": labels.get(name) in values,
        "NotIn": labels.get(name) not in values,
        "Exists": name in labels,
        "DoesNotExist": name not in labels,
    }.get(expression["operator"], True)


def _has_port(pod: Object, ports: t.Sequence[Object] | None, wanted: int) -> bool:
    if not ports:
        return True
    named = {
        port.get("name"): port.get("containerPort")
        for container in pod["spec"].get("containers") or []
        for port in container.get("ports") or []
    }
    for port in ports:
        if port.get("port") is None:
            return True
        first = named.get(port["port"], port["port"])
        if isinstance(first, int) and first <= wanted <= int(port.get("endPort", first)):
            return True
    return False


def _in_block(address: str, block: t.Mapping[str, t.Any]) -> bool:
    try:
        found = ipaddress.ip_address(address)
        inside = found in ipaddress.ip_network(block["cidr"])
        return inside and not any(found in ipaddress.ip_network(part) for part in block.get("except") or [])
    except ValueError:
        return False


def _finding(closing: t.Sequence[Object], pod: Object, cause: str) -> Finding:
    names = ", ".join(sorted(path(policy) for policy in closing))
    namespace = pod["metadata"].get("namespace", "")
    return Finding(
        "NET-POLICY",
        path(pod),
        cause,
        f"the NetworkPolicies about it allow other peers and ports: {names}",
        f"Let it through in one of them (`kubectl get networkpolicy -n {namespace} -o yaml`).",
    )
