"""What nodes say of themselves: not ready, short of something, and which images they hold."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.images import repository
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import condition, path

PRESSURES = {
    "MemoryPressure": "memory",
    "DiskPressure": "disk space",
    "PIDPressure": "process numbers",
}
_COLLECTED = ("ImageGCFailed", "FreeDiskSpaceFailed")
# The kubelet reports no more images of a node than these, the largest first.
REPORTED_IMAGES = 50


def not_ready(pod: Object, nodes: t.Iterable[Object]) -> Finding | None:
    name = pod["spec"].get("nodeName")
    node = next((node for node in nodes if node["metadata"]["name"] == name), None)
    ready = condition(node, "Ready") if node else {"status": "True"}
    if not name or ready.get("status") == "True":
        return None
    return Finding(
        "ROL-NODE",
        path(pod),
        f"its node {name} is not ready: {ready.get('message') or ready.get('reason') or 'it says nothing'}",
        fix="Look at the kubelet's and containerd's logs on that node; `make up` starts what has stopped.",
    )


def pressed(node: Object) -> list[Finding]:
    """A node under pressure evicts pods, and the scheduler sends it no more."""
    name = node["metadata"]["name"]
    return [
        Finding(
            "ROL-PRESSURE",
            f"Node {name}",
            f"it is short of {short}: it evicts pods and takes no new ones",
            str(condition(node, kind).get("message") or condition(node, kind).get("reason") or ""),
            "Free disk space (`make up` removes old images of ours)."
            if kind == "DiskPressure"
            else f"End what takes the node's {short}, or lower what the values ask for.",
        )
        for kind, short in PRESSURES.items()
        if condition(node, kind).get("status") == "True"
    ]


def why_no_image(reference: str, node: Object | None, node_events: t.Iterable[Object]) -> tuple[str, str]:
    """(code, sentence) for an image that nobody serves and its node does not have; empty where nothing is known."""
    if node is None:
        return "", ""
    name = node["metadata"]["name"]
    if condition(node, "DiskPressure").get("status") == "True" or _collects(name, node_events):
        return "IMG-GONE", f"node {name} ran short of disk space, and its kubelet removes images that no pod uses"
    others = sorted(
        tag
        for image in node.get("status", {}).get("images") or []
        for tag in image.get("names") or []
        if repository(tag) == repository(reference) and "@" not in tag
    )
    if others:
        return "ROL-IMAGE", f"node {name} has {others[0]} instead: the newer image was left on another daemon"
    return "", ""


def _collects(node: str, node_events: t.Iterable[Object]) -> bool:
    return any(
        event.get("reason") in _COLLECTED and event.get("involvedObject", {}).get("name") == node
        for event in node_events
    )
