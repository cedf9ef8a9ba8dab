"""Addresses that lead nowhere: localhost with nobody there, Services and ports that do not exist."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.addresses import Address, addresses
from ansible_collections.harvis.platform.plugins.module_utils.manifest.listening import LOOPBACK, listening
from ansible_collections.harvis.platform.plugins.module_utils.manifest.names import meant
from ansible_collections.harvis.platform.plugins.module_utils.manifest.services import (
    Directory,
    Service,
    container_ports,
    serving,
)

Result = t.Iterator[Finding | NotChecked]
_LOOPBACK = re.compile(LOOPBACK)
_INSTANCE_LABELS = ("app.kubernetes.io/instance", "release")


def localhost_addresses(subject: AuditSubject) -> Result:
    """NET-LOCALHOST: a container connects to its own pod, where nothing listens on that port."""
    directory = Directory(subject.objects)
    for address in _once(directory):
        port = address.effective_port
        if not _LOOPBACK.fullmatch(address.host) or port is None or address.container.initial:
            continue
        pod = address.container.pod
        known = listening(subject.objects, pod, address.container)
        if port in known.ports:
            continue
        if known.unknown:
            yield NotChecked(
                f"whether {address.text} ({address.name}) is answered in the pod of {pod.owner.address}: that depends"
                f" on {known.unknown}"
            )
        elif not address.in_file or _offered(directory, port):
            yield _localhost(address, port, directory)


def unknown_services(subject: AuditSubject) -> Result:
    """NET-SERVICE: a host name is a slip of a Service's name, or looks for it in another namespace."""
    directory = Directory(subject.objects)
    elsewhere: set[str] = set()
    for address in _once(directory):
        named = _named(directory, address)
        if named is None or directory.find(*named) or named[1] in _host_aliases(address):
            continue
        cause = _misnamed(directory, *named)
        if cause:
            fix = f"Write the Service's own name in {address.name}; from another namespace, <service>.<namespace>.svc."
            yield Finding.at("NET-SERVICE", address.place, cause, evidence=f"{address.name}: {address.text}", fix=fix)
        elif address.port or address.scheme:
            elsewhere.add(f"Service {named[1]} in namespace {named[0]} ({address.name})")
    for text in sorted(elsewhere):
        yield NotChecked(f"whether there is a {text}: it is not among the objects")


def unknown_ports(subject: AuditSubject) -> Result:
    """NET-SERVICEPORT: an address names a port that its Service does not offer."""
    directory = Directory(subject.objects)
    for address in _once(directory):
        named = _named(directory, address)
        service = directory.find(*named) if named else None
        # Behind a headless Service or an alias there are other hosts, which have ports of their own.
        if service is None or service.is_headless or service.is_alias or not service.ports():
            continue
        offered = [port.number for port in service.ports()]
        port = address.port if address.scheme not in ("http", "https") else address.effective_port
        if port is None or port in offered or (address.port is None and _has_port_beside(directory, address)):
            continue
        cause = f"Service {service.name} offers {_numbers(offered)}, not {port}"
        evidence = f"{address.name}: {address.text}; {service.object.place('/spec/ports')}"
        fix = f"Write port {offered[0]} in {address.name}, or add {port} to the Service."
        yield Finding.at("NET-SERVICEPORT", address.place, cause, evidence=evidence, fix=fix)


def _once(directory: Directory) -> t.Iterator[Address]:
    """Every address, said once: a ConfigMap's is read by many containers, of which the first stands for all."""
    seen = set()
    for pod in directory.pods:
        for address in addresses(directory.objects, pod):
            mark = (address.place.object, address.place.field, address.name, address.text, pod.namespace)
            if mark not in seen or _LOOPBACK.fullmatch(address.host):
                seen.add(mark)
                yield address


def _localhost(address: Address, port: int, directory: Directory) -> Finding:
    pod = address.container.pod
    declared = sorted({number for c in serving(pod) for number, _ in container_ports(c)})
    ports = _numbers(declared) if declared else "no port"
    cause = f"{address.text} is the pod itself, and no container of {pod.owner.kind} {pod.owner.name} listens on {port}"
    services = _offered(directory, port)
    fix = "Name the Service of the program that is meant; only containers of one pod share localhost."
    if services:
        fix = f"Write the Service's name: {' or '.join(sorted({_host(s, pod.namespace) for s in services}))}."
    evidence = f"{address.name}: {address.text}; its containers declare {ports}"
    return Finding.at("NET-LOCALHOST", address.place, cause, evidence=evidence, fix=fix)


def _offered(directory: Directory, port: int) -> list[Service]:
    return [s for s in directory.known_services if any(p.number == port for p in s.ports())]


def _host(service: Service, namespace: str) -> str:
    return service.name if service.namespace == namespace else f"{service.name}.{service.namespace}.svc"


def _named(directory: Directory, address: Address) -> tuple[str, str] | None:
    host = address.host
    if _LOOPBACK.fullmatch(host) or re.fullmatch(r"[\d.]+|\[.*", host) or not re.search("[a-z]", host):
        return None
    return directory.named(host, address.container.pod.namespace)


def _misnamed(directory: Directory, namespace: str, name: str) -> str:
    """Why the name cannot be right; empty when it may name a Service of somebody else's."""
    if namespace not in directory.namespaces or _made_by_operator(directory, namespace, name):
        return ""
    here = [s for s in directory.known_services if s.namespace == namespace]
    other = [s for s in directory.known_services if s.name == name]
    if other:
        return f"Service {name} lies in namespace {other[0].namespace}, not in {namespace}"
    near = meant(name, (s.name for s in here)) or _with_release(name, here)
    return f"there is no Service {name} in namespace {namespace}; there is {near}" if near else ""


def _with_release(name: str, services: list[Service]) -> str:
    """The Service whose name is this one behind the release's own name."""
    for service in services:
        labels = service.object.get("/metadata/labels", {})
        instances = [str(labels[key]) for key in _INSTANCE_LABELS if key in labels] if isinstance(labels, dict) else []
        if any(service.name == f"{instance}-{name}" for instance in instances):
            return service.name
    return ""


def _made_by_operator(directory: Directory, namespace: str, name: str) -> bool:
    """Whether a custom resource of that beginning may have made it (Cluster ``pg`` makes Service ``pg-rw``)."""
    every = (*directory.objects, *directory.objects.beside)
    custom = (o for o in every if "." in o.api_version.partition("/")[0] and o.namespace == namespace)
    return any(o.name and name.startswith(o.name) for o in custom if not _is_kubernetes(o.api_version))


def _is_kubernetes(api_version: str) -> bool:
    group = api_version.partition("/")[0]
    return "." not in group or group.endswith(".k8s.io")


def _host_aliases(address: Address) -> set[str]:
    aliases = address.container.pod.spec.get("hostAliases")
    listed = [a.get("hostnames") or [] for a in aliases or [] if isinstance(a, dict)]
    return {str(name).partition(".")[0] for names in listed for name in names}


def _has_port_beside(directory: Directory, address: Address) -> bool:
    """Whether another variable may hold the port that the URL does not."""
    mine = (a.name for a in addresses(directory.objects, address.container.pod))
    stem = address.name.rpartition("_")[0]
    env = address.container.body.get("env")
    names = [*mine, *(str(e.get("name", "")) for e in env or [] if isinstance(e, dict))]
    return any(name.startswith(stem) and "PORT" in name.upper() for name in names if name != address.name)


def _numbers(numbers: t.Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
