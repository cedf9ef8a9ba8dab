"""Whether pods that ask for a GPU come to run under the NVIDIA runtime."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Effective, Handler

RESOURCE = "nvidia.com/gpu"


def runtime_class_findings(
    effective: Effective,
    handler: Handler,
    classes: t.Sequence[dict[str, t.Any]],
    pods: t.Sequence[dict[str, t.Any]],
) -> list[Finding]:
    """RUN-CLASS for each pod that asks for a GPU and would start under another runtime.

    ``classes`` and ``pods`` are objects as Kubernetes gives them.
    """
    if effective.default == handler.name:
        return []
    handlers = {c["metadata"]["name"]: c.get("handler", "") for c in classes}
    checked = ((pod, _why(pod, handlers, handler)) for pod in pods if _asks_for_gpu(pod))
    return [_finding(pod, why, handler) for pod, why in checked if why]


def _asks_for_gpu(pod: dict[str, t.Any]) -> bool:
    spec = pod.get("spec", {})
    containers = [*spec.get("containers", []), *(spec.get("initContainers") or [])]
    # A limit alone is enough: the request of an extended resource follows it.
    return any(RESOURCE in ((c.get("resources") or {}).get("limits") or {}) for c in containers)


def _why(pod: dict[str, t.Any], handlers: dict[str, str], handler: Handler) -> str:
    name = pod["spec"].get("runtimeClassName", "")
    if not name:
        return f"names no runtimeClassName, and {handler.name} is not the node's default runtime"
    if name not in handlers:
        return f"names the RuntimeClass {name}, which does not exist"
    if handlers[name] != handler.name:
        return f"names the RuntimeClass {name}, whose handler is {handlers[name] or 'empty'} and not {handler.name}"
    return ""


def _finding(pod: dict[str, t.Any], why: str, handler: Handler) -> Finding:
    metadata = pod["metadata"]
    subject = f"{metadata.get('namespace', 'default')}/Pod/{metadata['name']}"
    fix = f"Make a RuntimeClass with handler: {handler.name} and name it in the pod, or make it the default runtime."
    return Finding("RUN-CLASS", subject, f"asks for a GPU and {why}", "", fix)
