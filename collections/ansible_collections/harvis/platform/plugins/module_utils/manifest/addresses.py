"""Network addresses that pods are given: in their environment, their arguments, and mounted ConfigMaps."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.config import (
    config_data,
    key_pointer,
    read_config,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import (
    Variable,
    effective_environment,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.mounts import mounted_files
from ansible_collections.harvis.platform.plugins.module_utils.manifest.names import words
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects, pointer
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, Pod
from ansible_collections.harvis.platform.plugins.module_utils.manifest.services import as_port

SCHEME_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443, "redis": 6379, "postgres": 5432, "postgresql": 5432}
SCHEME_PORTS |= {"mysql": 3306, "mongodb": 27017, "amqp": 5672, "nats": 4222}

_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)"
_URL = re.compile(
    rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:[^\s/@\"']*@)?(?P<host>{_HOST})(?::(?P<port>\d{{1,5}}))?(?=[/?#,;\s\"']|$)"
)
_PAIRS = re.compile(rf"{_HOST}:\d{{2,5}}(?:\s*,\s*{_HOST}:\d{{2,5}})*")
_ASSIGNMENT = re.compile(
    r"^\s*(?:export\s+)?(?:-\s+)?[\"']?(?P<name>[A-Za-z_][\w.-]*)[\"']?\s*(?::\s|=)\s*(?P<value>\S.*)$"
)
_FLAG = re.compile(r"^--?(?P<name>[A-Za-z][\w.-]*)(?:=(?P<value>.*))?$", re.DOTALL)

# A file of these endings is a program's settings; scripts and web pages speak of addresses for many reasons.
SETTINGS_ENDINGS = (".yaml", ".yml", ".json", ".toml", ".ini", ".properties", ".env")

# An address under such a name is one to listen on, one for browsers and other hosts, or the program's own.
_NOT_DIALLED = frozenset(
    words(
        """LISTEN LISTENER LISTENERS BIND ADVERTISE ADVERTISED PUBLIC EXTERNAL ORIGIN ORIGINS CORS CSRF REDIRECT
        REDIRECTS CALLBACK ALLOWED TRUSTED NO NON NONPROXY COOKIE DOMAIN DOMAINS ISSUER SITE FRONTEND ROOT WEBSITE
        CANONICAL WEBHOOK HEALTH HEALTHCHECK LIVENESS READINESS PROBE PING METRICS ADMIN SELF DEBUG JMX PPROF STATUS
        NEXTAUTH VITE REACT EXAMPLE LOCAL IMAGE REPOSITORY REGISTRY NAMESPACE SCHEMA"""
    )
)
_NOT_DIALLED_ALONE = frozenset({"URL", "BASE_URL", "APP_URL", "SERVER_URL", "WEB_URL", "HOST_URL", "HOST", "HOSTNAME"})
_DIALLED = frozenset(
    words(
        """URL URLS URI URIS ENDPOINT ENDPOINTS SERVER SERVERS BROKER BROKERS BOOTSTRAP ADDR ADDRESS ADDRESSES HOST
        HOSTS HOSTNAME DSN UPSTREAM TARGET TARGETS BACKEND PEERS CONNECT CONNECTION DATABASE"""
    )
)


@dataclass(frozen=True)
class Address:
    """A host that a container is told to talk to. ``name`` is the variable, option or key that says so.

    ``port`` is None when none is written; ``scheme`` is empty where there is no URL. ``place`` is where the text
    stands, which is in the ConfigMap when it comes from one.
    """

    host: str
    port: int | None
    scheme: str
    name: str
    container: Container
    place: Place
    in_file: bool = False

    @property
    def effective_port(self) -> int | None:
        return self.port or SCHEME_PORTS.get(self.scheme.rpartition("+")[0] or self.scheme)

    @property
    def text(self) -> str:
        """As written, without user, password and path: it may come from a Secret."""
        shown = f"{self.host}:{self.port}" if self.port else self.host
        return f"{self.scheme}://{shown}" if self.scheme else shown


def addresses(objects: Objects, pod: Pod) -> t.Iterator[Address]:
    """Every address that a container of the pod dials, by what its name says; those to listen on are left out."""
    for container in pod.containers():
        yield from _of_environment(objects, container)
        yield from _of_arguments(objects, container)
        yield from _of_files(objects, container)


def is_dialled(name: str) -> bool:
    """Whether an address under this name is one that the program connects to, as far as a name can say."""
    parts = words(name)
    return not _NOT_DIALLED.intersection(parts) and "_".join(parts) not in _NOT_DIALLED_ALONE


def hosts(name: str, text: str) -> t.Iterator[tuple[str, str, int | None]]:
    """(scheme, host, port) of every address in a value with this name."""
    urls = list(_URL.finditer(text))
    for url in urls:
        yield url["scheme"].lower(), url["host"], as_port(url["port"])
    if urls or not _DIALLED.intersection(words(name)):
        return
    if _PAIRS.fullmatch(text.strip()):
        for pair in text.split(","):
            host, _, port = pair.strip().rpartition(":")
            yield "", host, as_port(port)
    elif re.fullmatch(_HOST, text.strip()) and words(name)[-1] in ("HOST", "HOSTNAME", "SERVER"):
        yield "", text.strip(), None


def _of_environment(objects: Objects, container: Container) -> t.Iterator[Address]:
    environment = effective_environment(objects, container)
    for name, variable in environment.variables.items():
        if variable.value and is_dialled(name) and "\n" not in variable.value.strip():
            for scheme, host, port in hosts(name, variable.value):
                beside = environment.variables.get(_port_name(name))
                port = port or (as_port(beside.value) if beside and not scheme else None)
                yield Address(host, port, scheme, name, container, _place(objects, container, variable))


def _port_name(name: str) -> str:
    """``DB_HOST`` has its port in ``DB_PORT``."""
    stem, separator, _ = name.rpartition("_")
    return f"{stem}{separator}PORT"


def _place(objects: Objects, container: Container, variable: Variable) -> Place:
    source = variable.source
    if source.object:
        config = read_config(objects, source.kind, container.pod.namespace, source.object)
        if config:
            return config.place(key_pointer(config, source.key))
    return container.place(source.pointer + ("/value" if source.kind == "value" else ""))


def _of_arguments(objects: Objects, container: Container) -> t.Iterator[Address]:
    environment = effective_environment(objects, container)
    said = {(address.host, address.port) for address in _of_environment(objects, container)}
    for name, raw, at in _options(container):
        value = environment.expand(raw)
        # A shell line is a program of its own: what it does with an address, nobody knows.
        if not is_dialled(name) or re.search(r"\s", value.strip()):
            continue
        for scheme, host, port in hosts(name, value):
            if value == raw or (host, port) not in said:
                yield Address(host, port, scheme, "--" + name, container, container.place(at))


def _options(container: Container) -> t.Iterator[tuple[str, str, str]]:
    """(name, value, JSON pointer of the value) of ``--name=value`` and of ``--name value``."""
    for part in ("command", "args"):
        listed = container.body.get(part)
        option = ""
        for index, raw in enumerate(listed if isinstance(listed, list) else []):
            flag = _FLAG.match(str(raw))
            name, value = (flag["name"], flag["value"] or "") if flag else (option, str(raw))
            option = name if flag and flag["value"] is None else ""
            if name and value:
                yield name, value, pointer(part, index)


def _of_files(objects: Objects, container: Container) -> t.Iterator[Address]:
    for config, key in mounted_files(objects, container):
        if config.kind != "ConfigMap" or not key.endswith(SETTINGS_ENDINGS):
            continue
        for line in (config_data(config).get(key) or "").splitlines():
            match = _ASSIGNMENT.match(line)
            if match and is_dialled(match["name"]) and _DIALLED.intersection(words(match["name"])):
                place = config.place(key_pointer(config, key))
                for scheme, host, port in hosts(match["name"], match["value"].strip(" \t\"',")):
                    if scheme:
                        yield Address(host, port, scheme, match["name"], container, place, in_file=True)
