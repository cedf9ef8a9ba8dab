"""Charts that nobody renders: values, reads, effects and objects written down by a test, for its detectors."""

from __future__ import annotations

import re
import textwrap
import typing as t
from pathlib import Path

import yaml
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, Detector
from ansible_collections.harvis.platform.plugins.module_utils.chart.dependency import read_dependencies
from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Effect, EffectMap, Guard
from ansible_collections.harvis.platform.plugins.module_utils.chart.files import Chart
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.chart.values_file import read_values
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, Objects, pointer
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import TEMPLATES
from ansible_collections.harvis.platform.plugins.module_utils.manifest.read import FileLines

CONTAINERS = "/spec/template/spec/containers"
_PART = re.compile(r'\["(?P<quoted>[^"]+)"\]|\[(?P<index>\d+)\]|(?P<plain>[^.\[]+)')
# Code, file, line and leaf of a finding.
Told = tuple[str, str, int, str]


def path(text: str) -> ValuePath:
    """The inverse of ``dotted``."""
    return tuple(int(m["index"]) if m["index"] else m["quoted"] or m["plain"] for m in _PART.finditer(text))


def read(name: str, place: str, **more: t.Any) -> Reference:
    """A read of ``.Values.name`` at ``file:line`` below templates/."""
    file, _, line = place.partition(":")
    return Reference(path(name), f"templates/{file}", int(line), f".Values.{name}", **more)


def workload(
    name: str, *containers: str, kind: str = "Deployment", api: str = "apps/v1", file: str = "", **metadata: t.Any
) -> KubernetesObject:
    """An object with these containers, or with one of its own name."""
    body: dict[str, t.Any] = {"apiVersion": api, "kind": kind, "metadata": {"name": name, **metadata}}
    if kind in TEMPLATES:
        body["spec"] = {"template": {"spec": {"containers": [{"name": one} for one in containers or (name,)]}}}
    return KubernetesObject(body, "default", FileLines(f"templates/{file or name}.yaml", {}))


def made(
    values: str,
    *,
    effects: t.Mapping[str, str | t.Sequence[str]] | None = None,
    reads: t.Sequence[Reference] = (),
    objects: t.Sequence[KubernetesObject] = (),
    override: str = "",
    dormant: t.Mapping[str, tuple[str, t.Any, str]] | None = None,
    breaking: t.Mapping[str, str] | None = None,
    metadata: str = "{}",
) -> AuditSubject:
    """``effects`` and ``dormant`` take a leaf, or a block whose leaves keep their place below the field, to
    ``Kind/name:field``. Leaves that ``effects`` does not have are dead."""
    chart = _chart(textwrap.dedent(values), textwrap.dedent(override), yaml.safe_load(metadata))
    leaves = chart.leaves()
    found: dict[ValuePath, frozenset[Effect]] = {leaf: frozenset() for leaf in leaves}
    for name, fields in (effects or {}).items():
        for leaf in _below(leaves, path(name)):
            listed = [fields] if isinstance(fields, str) else fields
            found[leaf] |= {_effect(one, leaf[len(path(name)) :]) for one in listed}
    asleep = {
        path(name): Guard(path(guard), value, frozenset([_effect(field, ())]))
        for name, (guard, value, field) in (dormant or {}).items()
    }
    broken = {path(name): message for name, message in (breaking or {}).items()}
    return AuditSubject(
        Objects(tuple(objects)), chart, chart.values(), leaves, EffectMap(found, asleep, broken), tuple(reads)
    )


def told(detectors: t.Iterable[Detector], given: AuditSubject) -> list[Told]:
    """What the detectors find; what could not be checked is no finding."""
    found = [one for detector in detectors for one in detector(given) if isinstance(one, Finding)]
    return [(f.code, f.place.file, f.place.line, f.place.leaf) for f in found if f.place]


def _chart(values: str, override: str, metadata: dict[str, t.Any]) -> Chart:
    return Chart(
        root=Path("made"),
        at=(),
        source="made",
        metadata=metadata,
        dependencies=read_dependencies(metadata, ()),
        templates=(),
        defaults=read_values("values.yaml", values.encode()),
        schema="",
        subcharts=(),
        overrides=(read_values("mine.yaml", override.encode()),) if override else (),
    )


def _below(leaves: t.Iterable[ValuePath], block: ValuePath) -> list[ValuePath]:
    found = [leaf for leaf in leaves if leaf[: len(block)] == block]
    assert found, f"the values have no {block}"
    return found


def _effect(text: str, rest: ValuePath) -> Effect:
    address, _, field = text.partition(":")
    return Effect(f"default/{address}", field + pointer(*rest))
