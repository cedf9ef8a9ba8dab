"""Custom resources against the CustomResourceDefinitions that come with them."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, Objects
from ansible_collections.harvis.platform.plugins.module_utils.manifest.schemas import GVK, Schema

_TYPES = ("object", "array", "string", "integer", "number", "boolean")


def definitions(objects: Objects) -> dict[GVK, Schema]:
    """JSON schemas of the custom resources that are defined among the objects, or beside them."""
    found = {}
    for crd in objects.known("CustomResourceDefinition"):
        group, kind = str(crd.get("/spec/group", "")), str(crd.get("/spec/names/kind", ""))
        for version, schema in _versions(crd):
            found[group, version, kind] = _root(schema)
    return found


def _versions(crd: KubernetesObject) -> t.Iterator[tuple[str, Schema]]:
    versions = crd.get("/spec/versions")
    for version in versions if isinstance(versions, list) else []:
        if isinstance(version, dict) and version.get("served", True):
            schema = version.get("schema")
            schema = schema.get("openAPIV3Schema") if isinstance(schema, dict) else None
            yield str(version.get("name", "")), schema if isinstance(schema, dict) else {}


def _root(schema: Schema) -> Schema:
    """Every object has apiVersion, kind and metadata, whether its schema says so or not."""
    strict = _strict(schema)
    if "properties" in strict:
        strict["properties"] = {**strict["properties"], "apiVersion": {}, "kind": {}, "metadata": {}}
    return strict


def _strict(schema: t.Any) -> Schema:
    """A structural schema's fields and types, closed where the API server drops what it does not know
    (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning)."""
    if not isinstance(schema, dict) or schema.get("x-kubernetes-embedded-resource"):
        return {}
    result: Schema = {}
    if schema.get("type") in _TYPES and not schema.get("x-kubernetes-int-or-string"):
        result["type"] = schema["type"]
    if "items" in schema:
        result["items"] = _strict(schema["items"])
    properties, others = schema.get("properties"), schema.get("additionalProperties")
    if isinstance(properties, dict):
        result["properties"] = {name: _strict(below) for name, below in properties.items()}
    if isinstance(others, dict):
        result["additionalProperties"] = _strict(others)
    elif isinstance(properties, dict) and not others and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = False
    return result
