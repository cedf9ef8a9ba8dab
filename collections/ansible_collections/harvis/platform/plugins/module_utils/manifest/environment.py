"""The environment of a container as the kubelet builds it: ``envFrom`` in order, then ``env``, expanded."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.manifest.config import config_data, read_config
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Body, Objects, pointer
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container

# What the kubelet took as a variable's name up to Kubernetes 1.31; since 1.32 nearly any printable text will do.
ENVIRONMENT_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_SOURCES = {"configMapRef": "ConfigMap", "secretRef": "Secret"}
_KEY_SOURCES = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}
_RUNTIME_SOURCES = {"fieldRef": "fieldPath", "resourceFieldRef": "resource", "fileKeyRef": "key"}
_EXPANSION = re.compile(r"\$(?:\$|\((?P<name>[^)]*)\))")


@dataclass(frozen=True)
class Source:
    """Where a value comes from. ``pointer`` is a JSON pointer below the container.

    ``kind`` is ``value``, ``ConfigMap``, ``Secret``, or the name of a source that only the running pod has
    (``fieldRef`` …); ``object`` and ``key`` say which object and which of its keys (of a field: its path).
    """

    kind: str
    pointer: str
    object: str = ""
    key: str = ""
    optional: bool = False

    @property
    def bulk(self) -> bool:
        """Whether it is an ``envFrom`` entry, which takes all keys of an object."""
        return self.pointer.startswith("/envFrom")

    def __str__(self) -> str:
        return f"{self.kind} {self.object} key {self.key}" if self.object else self.kind


@dataclass(frozen=True)
class Variable:
    """One variable. ``value`` is None when only the running pod knows it; ``written`` is it before expansion.

    ``shadowed`` are the earlier sources of the same name, with their values, that this one beats.
    """

    name: str
    value: str | None
    source: Source
    written: str | None = None
    shadowed: tuple[tuple[Source, str | None], ...] = ()


@dataclass(frozen=True)
class Unresolved:
    """A reference that gives nothing: its object is not among the objects, or lacks the key.

    ``name`` is the variable that it would set, empty for a whole ``envFrom`` source.
    """

    name: str
    source: Source
    object_found: bool


@dataclass(frozen=True)
class Environment:
    """``complete`` is false where a whole source is not among the objects: it may set names that we do not know.

    A variable from an object that is not among the objects has no value, unless it is optional: then nobody knows
    whether it is there. From an object that lacks the key it is not there. ``unresolved`` has both kinds of references.
    """

    variables: dict[str, Variable] = field(default_factory=dict)
    unresolved: tuple[Unresolved, ...] = ()
    complete: bool = True

    def expand(self, text: str) -> str:
        """``$(NAME)`` replaced as Kubernetes does in commands and arguments; unknown names stay as they are."""
        return expand(text, {name: v.value for name, v in self.variables.items()})


def effective_environment(objects: Objects, container: Container) -> Environment:
    """The merged environment of one container, without what Services and the image itself add."""
    builder = _Builder(objects, container.pod.namespace)
    for index, entry in enumerate(_entries(container.body, "envFrom")):
        builder.add_all(entry, pointer("envFrom", index))
    for index, entry in enumerate(_entries(container.body, "env")):
        builder.add_one(entry, pointer("env", index))
    return Environment(builder.variables, tuple(builder.unresolved), builder.complete)


def expand(text: str, known: t.Mapping[str, str | None]) -> str:
    """``$(NAME)`` by its value and ``$$`` by ``$``, in one pass; what has no known value stays as it is."""

    def replace(match: re.Match[str]) -> str:
        if match["name"] is None:
            return "$"
        value = known.get(match["name"])
        return match[0] if value is None else value

    return _EXPANSION.sub(replace, text)


class _Builder:
    """Collects variables in the kubelet's order (``makeEnvironmentVariables``)."""

    def __init__(self, objects: Objects, namespace: str) -> None:
        self.objects = objects
        self.namespace = namespace
        self.variables: dict[str, Variable] = {}
        self.unresolved: list[Unresolved] = []
        self.complete = True

    def add_all(self, entry: Body, at: str) -> None:
        prefix = str(entry.get("prefix") or "")
        for reference, kind in _SOURCES.items():
            body = entry.get(reference)
            if not isinstance(body, dict) or not body.get("name"):
                continue
            name, optional = str(body["name"]), bool(body.get("optional"))
            config = read_config(self.objects, kind, self.namespace, name)
            if config is None:
                self.complete = False
                self.unresolved.append(Unresolved("", Source(kind, at, name, "", optional), False))
                continue
            for key, value in config_data(config).items():
                self._set(prefix + key, value, Source(kind, at, name, key, optional))

    def add_one(self, entry: Body, at: str) -> None:
        name = str(entry.get("name", ""))
        value = entry.get("value")
        if not name:
            return
        if value not in (None, ""):
            text = str(value)
            known = {k: v.value for k, v in self.variables.items()} if "$" in text else {}
            self._set(name, expand(text, known), Source("value", at), text)
        elif isinstance(entry.get("valueFrom"), dict):
            self._from(name, entry["valueFrom"], at)
        else:
            self._set(name, "", Source("value", at), "")

    def _from(self, name: str, body: Body, at: str) -> None:
        for reference, what in _RUNTIME_SOURCES.items():
            if isinstance(body.get(reference), dict):
                self._set(name, None, Source(reference, at, "", str(body[reference].get(what, ""))))
        for reference, kind in _KEY_SOURCES.items():
            if isinstance(body.get(reference), dict):
                self._from_key(name, kind, body[reference], at)

    def _from_key(self, name: str, kind: str, body: Body, at: str) -> None:
        optional = bool(body.get("optional"))
        source = Source(kind, at, str(body.get("name", "")), str(body.get("key", "")), optional)
        config = read_config(self.objects, kind, self.namespace, source.object)
        data = config_data(config) if config else {}
        if source.key in data:
            self._set(name, data[source.key], source)
            return
        self.unresolved.append(Unresolved(name, source, config is not None))
        if config is None and not optional:
            self._set(name, None, source)

    def _set(self, name: str, value: str | None, source: Source, written: str | None = None) -> None:
        beaten = self.variables.get(name)
        shadowed = (*beaten.shadowed, (beaten.source, beaten.value)) if beaten else ()
        self.variables[name] = Variable(name, value, source, value if written is None else written, shadowed)


def _entries(body: Body, key: str) -> list[Body]:
    listed = body.get(key)
    # Places in the list are pointers: entries that are no mappings keep theirs.
    return [entry if isinstance(entry, dict) else {} for entry in listed] if isinstance(listed, list) else []
