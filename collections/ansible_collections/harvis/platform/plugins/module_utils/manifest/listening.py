"""On which ports a pod listens, as far as its objects show."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.manifest.addresses import is_dialled
from ansible_collections.harvis.platform.plugins.module_utils.manifest.config import config_data
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import effective_environment
from ansible_collections.harvis.platform.plugins.module_utils.manifest.mounts import mounted_files
from ansible_collections.harvis.platform.plugins.module_utils.manifest.names import words
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, Pod
from ansible_collections.harvis.platform.plugins.module_utils.manifest.services import (
    as_port,
    container_ports,
    serving,
)

LOOPBACK = r"(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])"
_ADDRESS = re.compile(rf"(?<![\w.-])(?!tcp:|udp:)(?:[A-Za-z][\w.-]*|{LOOPBACK}):\d+")
_NUMBER = re.compile(r"(?<!\d)\d{2,5}(?!\d)")
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
# Annotations by which a cluster adds containers to a pod: what those listen on is not in the manifest.
_INJECTORS = ("sidecar.istio.io/", "linkerd.io/", "dapr.io/", "vault.hashicorp.com/", "consul.hashicorp.com/")
_INJECTORS += ("kuma.io/", "sidecar.opentelemetry.io/", "sidecar.jaegertracing.io/")


@dataclass(frozen=True)
class Listening:
    """``ports`` are declared, probed or spoken of; ``unknown`` names what else may listen, if anything."""

    ports: frozenset[int]
    unknown: str = ""


def listening(objects: Objects, pod: Pod, asking: Container) -> Listening:
    """What ``asking`` can reach at localhost. A port that any container's settings mention counts: a declared port is
    documentation only, and many programs take theirs from an option."""
    if pod.spec.get("hostNetwork"):
        return Listening(frozenset(), "the node's own network")
    injected = [name for name in pod.annotations if name.startswith(_INJECTORS)]
    ports: set[int] = set()
    silent = ""
    for container in serving(pod):
        mine = {number for number, _ in container_ports(container)} | set(_probed(container))
        if not mine and container.field != asking.field:
            silent = f"container {container.name}, which declares no port"
        ports |= mine | _mentioned(objects, container)
    return Listening(frozenset(ports), f"what {injected[0]} adds" if injected else silent)


def _probed(container: Container) -> t.Iterator[int]:
    for probe in _PROBES:
        body = container.body.get(probe)
        for handler in ("httpGet", "tcpSocket", "grpc"):
            found = body.get(handler) if isinstance(body, dict) else None
            number = as_port(found.get("port")) if isinstance(found, dict) else None
            if number:
                yield number


def _mentioned(objects: Objects, container: Container) -> set[int]:
    """Numbers in arguments, environment and mounted settings that may be ports of the container's own."""
    texts = [*_arguments(container)]
    owner = {*words(container.name), *words(str(container.body.get("image", "")))}
    for name, variable in effective_environment(objects, container).variables.items():
        # OLLAMA_HOST of an Ollama container is where it listens, not where it connects to.
        own = words(name)[:1] and words(name)[0] in owner and "://" not in (variable.value or "")
        texts.append(_without_dialled("" if own else name, variable.value or "", own=bool(own)))
    for config, key in mounted_files(objects, container):
        text = config_data(config).get(key) or "" if config.kind == "ConfigMap" else ""
        texts += [_without_dialled(line.partition(":")[0].partition("=")[0], line) for line in text.splitlines()]
    found = (_NUMBER.findall(text) for text in texts)
    return {int(number) for numbers in found for number in numbers if int(number) < 65536}


def _arguments(container: Container) -> t.Iterator[str]:
    option = ""
    for part in ("command", "args"):
        listed = container.body.get(part)
        for raw in listed if isinstance(listed, list) else []:
            text = str(raw)
            name, equals, value = text.partition("=") if text.startswith("-") else (option, "=", text)
            yield _without_dialled(name, value)
            option = "" if equals else name


def _without_dialled(name: str, text: str, *, own: bool = False) -> str:
    """The text without the addresses in it, if by its name they are others' (or this very localhost)."""
    return text if own or not is_dialled(name) else _ADDRESS.sub("", text)
