"""VAL-OPEN: a schema that refuses unknown keys at the root and takes any below."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import pointer
from ansible_collections.harvis.platform.plugins.module_utils.manifest.read import node_lines

DEEPEST = 60
MOST = 8
# Keywords that say what a map may hold besides its properties.
_CLOSING = frozenset(
    ["additionalProperties", "unevaluatedProperties", "patternProperties", "$ref", "allOf", "anyOf", "oneOf"]
)


def open_schemas(subject: AuditSubject) -> t.Iterator[Finding | NotChecked]:
    for part in subject.chart.tree() if subject.chart else ():
        if not part.schema.strip() or part.at:
            continue  # a subchart's schema is its author's affair
        file = str(part.root / "values.schema.json")
        try:
            schema = json.loads(part.schema)
        except (ValueError, RecursionError) as exc:
            yield NotChecked(f"{file}: is not JSON: {exc}")
            continue
        if isinstance(schema, dict) and schema.get("additionalProperties") is False:
            yield from _open(file, part.schema, schema)


def _open(file: str, text: str, schema: dict[str, t.Any]) -> t.Iterator[Finding]:
    nodes = [(at, name) for at, name in _nodes(schema) if name]
    if not nodes:
        return
    lines = node_lines(text)
    names = ", ".join(name for _, name in nodes[:MOST]) + (f" and {len(nodes) - MOST} more" if nodes[MOST:] else "")
    yield Finding.at(
        "VAL-OPEN",
        Place(file, lines.get(nodes[0][0], 1), nodes[0][1]),
        f"the schema refuses unknown keys at its root and takes any below {names}",
        evidence=f"{nodes[0][1]} lists its properties without additionalProperties: false",
        fix="Add additionalProperties: false to each of them.",
    )


def _nodes(schema: t.Any, at: str = "", name: str = "", depth: int = 0) -> t.Iterator[tuple[str, str]]:
    """Pointer and dotted name of each object below the root that lists properties and takes others too."""
    if not isinstance(schema, dict) or depth > DEEPEST:
        return
    properties = schema.get("properties")
    if isinstance(properties, dict) and properties:
        if not _CLOSING & set(schema):
            yield at, name
        for key, inner in properties.items():
            below = f"{name}.{key}" if name else str(key)
            yield from _nodes(inner, at + pointer("properties", key), below, depth + 1)


DETECTORS = (open_schemas,)
