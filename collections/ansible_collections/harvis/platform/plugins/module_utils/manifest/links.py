"""Service links: the variables that Kubernetes sets for Services in pods that do not refuse them."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, Pod
from ansible_collections.harvis.platform.plugins.module_utils.manifest.services import Directory, Service


def linked_services(directory: Directory, pod: Pod) -> list[Service]:
    """The Services that bring variables into the pod; headless ones and aliases bring none."""
    if pod.spec.get("enableServiceLinks") is False:
        return []
    mine = (service for service in directory.known_services if service.namespace == pod.namespace)
    return [s for s in mine if not s.is_headless and not s.is_alias and s.ports()]


def port_variable(service: Service) -> str:
    """The name that programs take for the number of a port; its value is ``tcp://10.0.0.7:9092``."""
    return f"{_stem(service)}_PORT"


def link_variables(service: Service) -> list[str]:
    """Their names for one Service."""
    stem = _stem(service)
    names = [f"{stem}_SERVICE_HOST", f"{stem}_SERVICE_PORT", port_variable(service)]
    listed = service.spec.get("ports")
    for port in service.ports():
        body = listed[port.index] if isinstance(listed, list) else {}
        named = str(body.get("name") or "").upper().replace("-", "_")
        names += [f"{stem}_SERVICE_PORT_{named}"] if named else []
        way = f"{stem}_PORT_{port.number}_{str(body.get('protocol') or 'TCP').upper()}"
        names += [way, f"{way}_PROTO", f"{way}_PORT", f"{way}_ADDR"]
    return names


def link_finding(container: Container, service: Service, names: list[str], seen: str = "") -> Finding:
    """ENV-LINKS for names that the container's program takes for settings of its own; ``seen`` says how one knows."""
    cause = (
        f"for Service {service.name} Kubernetes sets {names[0]} in container {container.name}, which reads such names"
    )
    evidence = seen or ", ".join(names[:6]) + (" …" if len(names) > 6 else "")
    fix = "Set enableServiceLinks: false in the pod's spec, or give the Service another name."
    return Finding.at("ENV-LINKS", container.pod.place("/spec"), cause, evidence=evidence, fix=fix)


def _stem(service: Service) -> str:
    return service.name.upper().replace("-", "_")
