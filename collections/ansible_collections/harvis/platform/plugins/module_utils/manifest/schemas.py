"""The offline schemas of ``kubernetes-validate``: which objects and fields a version of Kubernetes knows.

Only its files are used: its own ``validate`` reads them anew for each object and stops at the first error.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Body

GVK = tuple[str, str, str]
Schema = dict[str, t.Any]
_MINOR = re.compile(r"v?(\d+\.\d+)")


class NoSchemas(Exception):
    """The schemas of a version cannot be had; the message says why."""


@dataclass(frozen=True)
class Problem:
    """What is wrong at a place: ``unknown`` keys, or else ``wanted`` types."""

    path: tuple[str | int, ...]
    unknown: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Schemas:
    """Definitions of one version, by their names; ``kinds`` gives the definition of a (group, version, kind)."""

    definitions: Schema
    kinds: dict[GVK, str]
    registry: t.Any
    base: str

    def problems(self, gvk: GVK, body: Body) -> list[Problem]:
        return problems(self.schema(gvk), body, self.registry)

    def schema(self, gvk: GVK) -> Schema:
        return {"$ref": f"{self.base}#/$defs/{self.kinds[gvk]}"}

    def fields(self, gvk: GVK, path: t.Iterable[str | int]) -> list[str]:
        """The fields that the object at ``path`` may have."""
        schema: Schema = self._resolved(self.schema(gvk))
        for part in path:
            below = schema.get("items") if isinstance(part, int) else schema.get("properties", {}).get(part)
            schema = self._resolved(below if isinstance(below, dict) else {})
        return sorted(schema.get("properties", {}))

    def _resolved(self, schema: Schema) -> Schema:
        reference = str(schema.get("$ref", ""))
        return self.definitions.get(reference.rpartition("/")[2], {}) if reference else schema


def schemas_of(kubernetes: str) -> Schemas:
    """The schemas of a version's minor release. Raises NoSchemas."""
    match = _MINOR.match(kubernetes)
    if match is None:
        raise NoSchemas(f"{kubernetes!r} is no version of Kubernetes")
    return _load(match[1])


@functools.lru_cache(maxsize=2)
def _load(minor: str) -> Schemas:
    from referencing import Registry, Resource

    folders = _folders()
    if minor not in folders:
        there = sorted(folders, key=lambda v: [int(part) for part in v.split(".")])
        raise NoSchemas(f"there are schemas of Kubernetes {there[0]} to {there[-1]}, not of {minor}")
    content = json.loads((folders[minor] / "_definitions.json").read_text())
    registry = Resource.from_contents(content) @ Registry()
    kinds = {gvk: name for name, body in content["$defs"].items() for gvk in _gvks(body)}
    return Schemas(content["$defs"], kinds, registry, content["$id"])


def _gvks(body: Schema) -> t.Iterator[GVK]:
    listed = [(gvk["group"], gvk["version"], gvk["kind"]) for gvk in body.get("x-kubernetes-group-version-kind", [])]
    # DeleteOptions and the like are of every group: not objects that a release could hold.
    if len(listed) == 1:
        yield listed[0]


def _folders() -> dict[str, Path]:
    # find_spec, as importing the package would import what only its command line needs.
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        raise NoSchemas("the Python library kubernetes-validate, which holds the schemas, is not installed")
    base = Path(spec.origin).parent / "kubernetes-json-schema"
    found = {}
    for folder in base.glob("v*-local-strict"):
        match = _MINOR.match(folder.name)
        if match:
            found[match[1]] = folder
    if not found:
        raise NoSchemas("kubernetes-validate holds no schemas")
    return found


def problems(schema: Schema, body: Body, registry: t.Any = None) -> list[Problem]:
    """Keys that the schema does not have, and values of another type. Nothing else: the schemas call fields required
    that the API server fills in."""
    import jsonschema

    options = {"registry": registry} if registry is not None else {}
    found = []
    for error in jsonschema.Draft202012Validator(schema, **options).iter_errors(_as_sent(body)):
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties" and error.validator_value is False:
            known = error.schema.get("properties", {})
            # `$patch` and the like are for the tool that lays a patch over an object.
            unknown = sorted(key for key in error.instance if key not in known and not key.startswith("$"))
            found.append(Problem(path, tuple(unknown)))
        elif error.validator in ("type", "oneOf", "anyOf"):
            found.append(Problem(path, wanted=_types(error.schema)))
    return found


def _types(schema: Schema) -> tuple[str, ...]:
    one_of = [part for key in ("oneOf", "anyOf") for part in schema.get(key, [])]
    given = [schema.get("type", [])] if not one_of else [part.get("type", []) for part in one_of]
    names = {name for types in given for name in (types if isinstance(types, list) else [types])}
    return tuple(sorted(names - {"null"}))


def _as_sent(value: t.Any) -> t.Any:
    """What the API server looks at: keys are text, and a key without a value is as good as none."""
    if isinstance(value, dict):
        return {str(key): _as_sent(item) for key, item in value.items() if item is not None}
    return [_as_sent(item) for item in value] if isinstance(value, list) else value
