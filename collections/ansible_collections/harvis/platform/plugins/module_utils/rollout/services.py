"""Services that lead nowhere: nothing is selected, nothing selected is ready, or nobody has the port."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import counts, is_ready, path

SERVICE_LABEL = "kubernetes.io/service-name"


def selects(service: Object) -> bool:
    """Services without a selector are led by somebody else."""
    return bool(service["spec"].get("selector")) and service["spec"].get("type") != "ExternalName"


def ready_addresses(service: Object, slices: t.Iterable[Object]) -> list[str]:
    mine = [
        found
        for found in slices
        if (found["metadata"].get("labels") or {}).get(SERVICE_LABEL) == service["metadata"]["name"]
        and found["metadata"].get("namespace") == service["metadata"].get("namespace")
    ]
    return sorted(
        address
        for found in mine
        for endpoint in found.get("endpoints") or []
        # A condition that is not set means ready.
        if (endpoint.get("conditions") or {}).get("ready") is not False
        for address in endpoint.get("addresses") or []
    )


def no_endpoint(service: Object, pods: t.Iterable[Object], slices: t.Iterable[Object]) -> Finding | None:
    """Why nothing stands behind a Service; ``None`` where something does."""
    if ready_addresses(service, slices):
        return None
    members = [pod for pod in pods if counts(pod) and _matches(service, pod)]
    cause, evidence, fix = _why(service, members)
    return Finding("NET-ENDPOINT", f"Service {path(service)}", cause, evidence, fix)


def _matches(service: Object, pod: Object) -> bool:
    labels = pod["metadata"].get("labels") or {}
    same = pod["metadata"].get("namespace") == service["metadata"].get("namespace")
    return same and all(labels.get(name) == value for name, value in service["spec"]["selector"].items())


def _why(service: Object, members: list[Object]) -> tuple[str, str, str]:
    selector = ",".join(f"{name}={value}" for name, value in sorted(service["spec"]["selector"].items()))
    if not members:
        return (
            f"no pod has the labels that it selects ({selector})",
            "",
            "Give the pods these labels, or the Service the labels that they have.",
        )
    ready = [pod for pod in members if is_ready(pod)]
    if not ready:
        listed = ", ".join(path(pod) for pod in members)
        return (
            f"none of the {len(members)} pods that it selects is ready",
            listed,
            "Mend its pods; each says its cause.",
        )
    missing = _missing_ports(service, ready)
    if missing:
        return (
            f"no container of its pods has the port {missing[0]}",
            f"targetPort of {path(service)}: {', '.join(missing)}",
            "Name the port of the container, or correct the Service's targetPort.",
        )
    return (
        f"{len(ready)} pods that it selects are ready, and no endpoint was made of them",
        selector,
        "Look at kube-controller-manager: it makes the EndpointSlices.",
    )


def _missing_ports(service: Object, members: t.Iterable[Object]) -> list[str]:
    """Only a port that is called by a name must be declared by a container."""
    declared = {
        port.get("name")
        for pod in members
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or []
    }
    wanted = [port.get("targetPort") for port in service["spec"].get("ports") or []]
    return [name for name in wanted if isinstance(name, str) and name not in declared]
