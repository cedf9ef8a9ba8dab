"""Variables that are not what they look like: beaten, doubled, misnamed, set by Kubernetes, or with white space."""

from __future__ import annotations

import collections
import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.config import (
    config_data,
    key_pointer,
    read_config,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import (
    ENVIRONMENT_NAME,
    Variable,
    effective_environment,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.links import (
    link_finding,
    link_variables,
    linked_services,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects, pointer
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, pods
from ansible_collections.harvis.platform.plugins.module_utils.manifest.services import Directory

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# Last part of an image's name to the beginning of the variables that its program takes for its own settings.
_SETTINGS_OF_IMAGES = {
    "kafka": "KAFKA_",
    "cp-kafka": "KAFKA_",
    "cp-server": "KAFKA_",
    "cp-enterprise-kafka": "KAFKA_",
    "cp-zookeeper": "ZOOKEEPER_",
    "cp-schema-registry": "SCHEMA_REGISTRY_",
    "cp-kafka-connect": "CONNECT_",
    "cp-kafka-rest": "KAFKA_REST_",
    "cp-ksqldb-server": "KSQL_",
    "neo4j": "NEO4J_",
    "registry": "REGISTRY_",
    "solr": "SOLR_PORT",
    "mlflow": "MLFLOW_PORT",
}
# Bitnami's scripts read KAFKA_CFG_* and names of their own.
_OTHER_SCRIPTS = ("bitnami", "bitnamilegacy", "bitnamisecure")


def shadowed_variables(subject: AuditSubject) -> t.Iterator[Finding]:
    """ENV-SHADOWED: two ``envFrom`` sources differ about a key. (An ``env`` entry is meant to win.)"""
    for container in _containers(subject.objects):
        for variable in effective_environment(subject.objects, container).variables.values():
            sources = [*variable.shadowed, (variable.source, variable.value)]
            bulk = [(source, value) for source, value in sources if source.bulk]
            if len(bulk) < 2 or len({value for _, value in bulk}) < 2:
                continue
            (loser, _), (winner, _) = bulk[-2:]
            cause = f"{variable.name}: {winner} beats {loser}, and the values differ"
            fix = f"Keep {variable.name} in one of them, or set it under env, which always wins."
            place = container.place(winner.pointer)
            yield Finding.at("ENV-SHADOWED", place, cause, evidence="the last envFrom entry wins", fix=fix)


def doubled_variables(subject: AuditSubject) -> t.Iterator[Finding]:
    """ENV-TWICE: one name stands twice in ``env``."""
    for container in _containers(subject.objects):
        listed = container.body.get("env")
        places: dict[str, list[int]] = collections.defaultdict(list)
        for index, entry in enumerate(listed if isinstance(listed, list) else []):
            if isinstance(entry, dict) and entry.get("name"):
                places[str(entry["name"])].append(index)
        for name, indexes in places.items():
            if len(indexes) > 1:
                cause = f"{name} stands {len(indexes)} times under env of container {container.name}"
                evidence = "the last one wins on creation; server-side apply refuses the list, a patch keeps either"
                place = container.place(pointer("env", indexes[-1]))
                yield Finding.at("ENV-TWICE", place, cause, evidence=evidence, fix=f"Keep one entry for {name}.")


def odd_names(subject: AuditSubject) -> t.Iterator[Finding]:
    """ENV-NAME: ``envFrom`` takes a key that is no identifier."""
    said = set()
    for container in _containers(subject.objects):
        for name, variable in effective_environment(subject.objects, container).variables.items():
            source = variable.source
            config = read_config(subject.objects, source.kind, container.pod.namespace, source.object)
            if not source.bulk or config is None or _IDENTIFIER.fullmatch(name) or (config.address, name) in said:
                continue
            said.add((config.address, name))
            cause = (
                f"envFrom of {container.pod.owner.kind} {container.pod.owner.name} takes key {source.key} as a variable"
            )
            fix = "Call the key by letters, digits and underscores, or mount it as a file instead."
            place = config.place(key_pointer(config, source.key))
            yield Finding.at("ENV-NAME", place, cause, evidence=_outcome(name, subject.kubernetes), fix=fix)


def service_links(subject: AuditSubject) -> t.Iterator[Finding]:
    """ENV-LINKS: a Service's name makes Kubernetes set a variable that the image takes for a setting of its own."""
    directory = Directory(subject.objects)
    for pod in directory.pods:
        linked = linked_services(directory, pod)
        for container in pod.containers() if linked else ():
            beginning = _settings_of(str(container.body.get("image", "")))
            own = effective_environment(subject.objects, container).variables
            for service in linked if beginning else ():
                names = [name for name in link_variables(service) if name.startswith(beginning) and name not in own]
                if names:
                    yield link_finding(container, service, names)


def white_space(subject: AuditSubject) -> t.Iterator[Finding]:
    """ENV-NEWLINE: a Secret's value that becomes a variable begins or ends with white space."""
    said = set()
    for container in _containers(subject.objects):
        for variable in effective_environment(subject.objects, container).variables.values():
            source = variable.source
            config = read_config(subject.objects, source.kind, container.pod.namespace, source.object)
            if config is None or config.kind != "Secret" or (config.address, source.key) in said:
                continue
            where = _white_space(config_data(config).get(source.key) or "")
            if where:
                said.add((config.address, source.key))
                yield _newline(config.place(key_pointer(config, source.key)), variable, where)


def _containers(objects: Objects) -> list[Container]:
    return [container for pod in pods(objects) for container in pod.containers()]


def _outcome(name: str, kubernetes: str) -> str:
    minor = re.match(r"v?1\.(\d+)", kubernetes)
    if ENVIRONMENT_NAME.fullmatch(name):
        return "it is set, under a name that no shell can expand"
    if minor and int(minor[1]) < 32:
        return f"Kubernetes {kubernetes} leaves it out, and says so in an event only"
    return "since Kubernetes 1.32 it is set, under a name that no shell can expand; older versions leave it out"


def _settings_of(image: str) -> str:
    repository = image.partition("@")[0]
    *folders, last = repository.split("/")
    return "" if set(folders) & set(_OTHER_SCRIPTS) else _SETTINGS_OF_IMAGES.get(last.partition(":")[0], "")


def _white_space(value: str) -> str:
    if not value.strip() or "\n" in value.strip():
        return ""
    begins, ends = value != value.lstrip(), value != value.rstrip()
    what = "a newline" if value.endswith("\n") else "white space"
    return f"ends with {what}" if ends else "begins with white space" if begins else ""


def _newline(place: Place, variable: Variable, where: str) -> Finding:
    cause = f"the value that becomes variable {variable.name} {where}"
    fix = "Write the Secret with `printf %s` or `echo -n`, in YAML with `|-` instead of `|`, in a template with `trim`."
    return Finding.at("ENV-NEWLINE", place, cause, fix=fix)
