"""``Dependency``: what a chart's Chart.yaml says about one of its subcharts."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath


@dataclass(frozen=True)
class ImportedValues:
    """``import-values``: what lies at ``child`` in the subchart's values lies at ``parent`` in the chart's own too."""

    child: ValuePath
    parent: ValuePath


@dataclass(frozen=True)
class Dependency:
    """An entry of ``dependencies``. ``conditions`` and ``tags`` are paths in values, from the root chart's."""

    name: str
    version: str
    repository: str
    alias: str
    conditions: tuple[ValuePath, ...]
    tags: tuple[ValuePath, ...]
    imports: tuple[ImportedValues, ...]

    @property
    def key(self) -> str:
        """The key in the chart's values below which the subchart's values lie."""
        return self.alias or self.name


def read_dependencies(metadata: t.Mapping[str, t.Any], at: ValuePath) -> tuple[Dependency, ...]:
    """Those of a Chart.yaml whose chart's values begin at ``at``."""
    listed = metadata.get("dependencies")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    return tuple(_dependency(entry, at) for entry in entries if entry.get("name"))


def _dependency(entry: dict[str, t.Any], at: ValuePath) -> Dependency:
    conditions = [part.strip() for part in str(entry.get("condition") or "").split(",")]
    tags = entry.get("tags")
    imports = entry.get("import-values")
    return Dependency(
        name=str(entry["name"]),
        version=str(entry.get("version") or ""),
        repository=str(entry.get("repository") or ""),
        alias=str(entry.get("alias") or ""),
        conditions=tuple((*at, *part.split(".")) for part in conditions if part),
        # Helm looks for tags in the top chart's values alone.
        tags=tuple(("tags", str(tag)) for tag in (tags if isinstance(tags, list) else [])),
        imports=tuple(filter(None, map(_import, imports if isinstance(imports, list) else []))),
    )


def _import(entry: t.Any) -> ImportedValues | None:
    if isinstance(entry, str):
        return ImportedValues(("exports", *entry.split(".")), ())
    if isinstance(entry, dict) and "child" in entry and "parent" in entry:
        return ImportedValues(_path(entry["child"]), _path(entry["parent"]))
    return None


def _path(text: t.Any) -> ValuePath:
    return tuple(part for part in str(text).split(".") if part)
