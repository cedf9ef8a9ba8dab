"""Which value of a chart decides a container's limit, from what its audit found out."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object


@dataclass(frozen=True)
class Leaves:
    """``by_field``: ``namespace/Kind/name:/pointer`` to the leaf of the values that changes it."""

    by_field: t.Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, audits: t.Iterable[str]) -> Leaves:
        """From results of ``chart_audit``; an audit that is not there, or is no audit, names nothing."""
        found: dict[str, str] = {}
        for place in audits:
            try:
                effects = json.loads(Path(place).read_text(encoding="utf-8"))["effects"]
                told = {effect: leaf for leaf, effects_of in effects.items() for effect in effects_of}
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                continue
            # A leaf that changes many fields (a namespace, a name) comes before the one that changes this alone.
            found.update(told)
        return cls(found)

    def limit(self, workload: Object | None, container: str, resource: str) -> str:
        """``the value workers.indexer.resources.limits.memory``, or in words where no audit names one."""
        words = f"the container's {resource} limit in the values"
        if workload is None:
            return words
        metadata = workload["metadata"]
        specs = ((workload["spec"].get("template") or {}).get("spec") or {}).get("containers") or []
        index = next((place for place, spec in enumerate(specs) if spec["name"] == container), None)
        pointer = f"/spec/template/spec/containers/{index}/resources/limits/{resource}"
        leaf = self.by_field.get(f"{metadata.get('namespace', '')}/{workload['kind']}/{metadata['name']}:{pointer}")
        return f"the value {leaf}" if leaf else words
