"""Services among the objects: which pods each selects, and which Service a host name means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ansible_collections.harvis.platform.plugins.module_utils.manifest.labels import has_all, plain_labels
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Body, KubernetesObject, Objects
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, Pod, pods


@dataclass(frozen=True)
class ServicePort:
    """One port of a Service. ``target`` is a container port's number, or its name."""

    number: int
    target: int | str
    index: int


@dataclass(frozen=True)
class Service:
    """A Service of Kubernetes' own kind."""

    object: KubernetesObject

    @property
    def name(self) -> str:
        return self.object.name

    @property
    def namespace(self) -> str:
        return self.object.namespace

    @property
    def spec(self) -> Body:
        spec = self.object.body.get("spec")
        return spec if isinstance(spec, dict) else {}

    @property
    def selector(self) -> dict[str, str]:
        return plain_labels(self.spec.get("selector"))

    @property
    def is_headless(self) -> bool:
        return self.spec.get("clusterIP") == "None"

    @property
    def is_alias(self) -> bool:
        return self.spec.get("type") == "ExternalName"

    def ports(self) -> list[ServicePort]:
        found = []
        listed = self.spec.get("ports")
        for index, body in enumerate(listed if isinstance(listed, list) else []):
            number = as_port(body.get("port")) if isinstance(body, dict) else None
            if number is not None:
                target = body.get("targetPort")
                found.append(ServicePort(number, _target(target, number), index))
        return found

    def selects(self, pod: Pod) -> bool:
        return bool(self.selector) and pod.namespace == self.namespace and has_all(pod.labels, self.selector)


@dataclass(frozen=True)
class Directory:
    """What cluster DNS would know of these objects."""

    objects: Objects

    @cached_property
    def services(self) -> list[Service]:
        return [Service(o) for o in self.objects.of_kind("Service") if o.api_version == "v1"]

    @cached_property
    def known_services(self) -> list[Service]:
        """Those of other releases among them."""
        return [Service(o) for o in self.objects.known("Service") if o.api_version == "v1"]

    @cached_property
    def pods(self) -> list[Pod]:
        return pods(self.objects)

    @cached_property
    def namespaces(self) -> set[str]:
        return {o.namespace for o in (*self.objects, *self.objects.beside) if o.namespace}

    def find(self, namespace: str, name: str) -> Service | None:
        return next((s for s in self.known_services if (s.namespace, s.name) == (namespace, name)), None)

    def named(self, host: str, namespace: str) -> tuple[str, str] | None:
        """(namespace, Service) that a host name means to a pod in ``namespace``; None for names outside the cluster.

        A name with dots and without ``svc`` is cluster-internal only if its last part is a namespace of ours:
        ``redis.io`` is nobody's Service.
        """
        parts = host.rstrip(".").split(".")
        if len(parts) == 1:
            return namespace, parts[0]
        if "svc" in parts[2:4]:
            at = parts.index("svc", 2)
            return parts[at - 1], parts[at - 2]
        if len(parts) == 2 and self.find(namespace, parts[1]):
            return namespace, parts[1]
        if len(parts) in (2, 3) and parts[-1] in self.namespaces:
            return parts[-1], parts[-2]
        return None


def container_ports(container: Container) -> list[tuple[int, str]]:
    """Number and name (empty without one) of each declared port."""
    listed = container.body.get("ports")
    bodies = [b for b in listed if isinstance(b, dict)] if isinstance(listed, list) else []
    numbered = [(as_port(b.get("containerPort")), str(b.get("name") or "")) for b in bodies]
    return [(number, name) for number, name in numbered if number is not None]


def serving(pod: Pod) -> list[Container]:
    """The containers that run while the pod does (sidecars among them)."""
    return [c for c in pod.containers() if not c.initial]


def as_port(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isdigit() and 0 < int(text) < 65536 and not isinstance(value, bool) else None


def _target(value: object, default: int) -> int | str:
    if value in (None, "", 0):
        return default
    return as_port(value) or str(value)
