"""Which pods hold the GPUs that another one waits for."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import GPU
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.snapshot import offer
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object
from ansible_collections.harvis.platform.plugins.module_utils.manifest.demand import amounts, demand, requests
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Pod


class _Live:
    """An object that was read from the cluster lies in no file."""

    def find(self, pointer: str) -> tuple[str, int]:
        del pointer
        return "", 0


def asked(pod: Object, resource: str = GPU) -> int:
    """How many the scheduler sets aside for a pod."""
    owner = KubernetesObject(pod, pod["metadata"].get("namespace", ""), _Live())
    return int(demand(Pod(owner, "", pod)).get(resource, 0))


def holders(pods: t.Iterable[Object], resource: str = GPU) -> dict[str, dict[str, int]]:
    """By node, the pods that hold GPUs and how many. A pod that has ended holds nothing."""
    held: dict[str, dict[str, int]] = {}
    for pod in pods:
        if holds(pod, resource):
            held.setdefault(pod["spec"]["nodeName"], {})[_name(pod)] = asked(pod, resource)
    return held


def holds(pod: Object, resource: str = GPU) -> bool:
    over = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return bool(pod["spec"].get("nodeName")) and not over and asked(pod, resource) > 0


def grant(pod: Object, resource: str = GPU) -> str:
    """The pod and how many each of its containers holds: cards are granted to containers one by one."""
    each = _each(pod, resource)
    return f"{_name(pod)} ({', '.join(f'{name} {count}' for name, count in sorted(each.items()))})"


def free(node: Object, pods: t.Iterable[Object], resource: str = GPU) -> int:
    """Shares of a node that no pod holds."""
    held = holders(pods, resource).get(node["metadata"]["name"], {})
    return offer(node).allocatable.get(resource, 0) - sum(held.values())


def waiting_pods(cluster: Cluster) -> list[Finding]:
    """A finding for each pod that waits for a GPU."""
    pods, nodes = cluster.find("v1", "Pod"), cluster.find("v1", "Node")
    return [_explained(pod, pods, nodes) for pod in pods if _waits(pod)]


def _waits(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    scheduled = next((c for c in conditions if c["type"] == "PodScheduled"), {})
    return scheduled.get("status") == "False" and GPU in str(scheduled.get("message")) and asked(pod) > 0


def _explained(pod: Object, pods: t.Sequence[Object], nodes: t.Sequence[Object]) -> Finding:
    count = asked(pod)
    offers = {node["metadata"]["name"]: offer(node).allocatable.get(GPU, 0) for node in nodes}
    if count > max(offers.values(), default=0):
        return _too_much(pod, count, offers)
    place = Place(object=f"{pod['metadata']['namespace']}/Pod/{pod['metadata']['name']}")
    held = holders(pods)
    said = [
        f"{node}: {', '.join(f'{name} {n}' for name, n in sorted(held.get(node, {}).items())) or 'nobody'} of {total}"
        for node, total in sorted(offers.items())
        if total
    ]
    names = sorted({name for node in held for name in held[node] if offers.get(node)})
    cause = f"waits for {count} {GPU}; what there is has been promised to {', '.join(names) or 'no pod'}"
    if not names:
        cause = f"waits for {count} {GPU}, and the nodes that have as many refuse it for another reason"
    return Finding.at(
        "PLG-PROMISED",
        place,
        cause,
        evidence="; ".join([*said, _message(pod)]),
        fix="End a pod that no longer needs its card, or raise gpu_plugin_shares (memory of the card is not divided).",
    )


def _too_much(pod: Object, count: int, offers: t.Mapping[str, int]) -> Finding:
    """Cards are granted to containers one by one, so those of a pod add up."""
    each = _each(pod, GPU)
    named = ", ".join(f"{name} {n}" for name, n in each.items())
    cause = f"asks for {count} {GPU}, and no node has as many"
    if len(each) > 1:
        cause = f"its containers each ask for their own {GPU}, {count} together, and no node has as many"
    return Finding.at(
        "GPU-POD",
        Place(object=f"{pod['metadata']['namespace']}/Pod/{pod['metadata']['name']}"),
        cause,
        evidence=f"{named}; nodes: {', '.join(f'{n} {c}' for n, c in sorted(offers.items()))}",
        fix=f"Set gpu_plugin_shares to {count}, so that the containers share the card; or let only one ask for it.",
    )


def _each(pod: Object, resource: str) -> dict[str, int]:
    containers = pod["spec"].get("containers") or []
    return {c["name"]: int(requests(c).get(resource, 0)) for c in containers if amounts(c, "limits").get(resource)}


def _message(pod: Object) -> str:
    conditions = pod["status"]["conditions"]
    return str(next(c for c in conditions if c["type"] == "PodScheduled").get("message", ""))


def _name(pod: Object) -> str:
    return f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}"
