"""``AuditSubject``: everything the detectors look at, read once."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import EffectMap
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf, ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.chart.files import Chart


@dataclass(frozen=True)
class NodeCapacity:
    """What one node has to give: CPU cores, bytes of memory, GPUs, and bytes of memory of one GPU."""

    cpu: float
    memory: int
    gpus: int
    gpu_memory: int = 0


@dataclass(frozen=True)
class AuditSubject:
    """A chart with its values, or manifests alone (then ``chart`` is None and there are no leaves).

    ``rerender`` gives the objects for other values (leaf paths to new values, laid over the audited ones); it is there
    for charts only, and gives no object of the chart where the values make rendering fail. ``nodes`` is empty where no
    host is known: what needs one is then not checked, and said to be. ``folder`` is that of what is audited, and
    ``sources`` that of the applications' Python sources.
    """

    objects: Objects
    chart: Chart | None = None
    values: dict[str, t.Any] = field(default_factory=dict)
    leaves: dict[ValuePath, Leaf] = field(default_factory=dict)
    effects: EffectMap | None = None
    references: tuple[Reference, ...] = ()
    rerender: t.Callable[[t.Mapping[ValuePath, t.Any]], Objects] | None = None
    kubernetes: str = "v1.34.4"
    nodes: tuple[NodeCapacity, ...] = ()
    folder: Path | None = None
    sources: Path | None = None


@dataclass(frozen=True)
class NotChecked:
    """Something that could not be looked at: neither a finding nor a pass. ``reason`` is a sentence."""

    reason: str


Detector = t.Callable[[AuditSubject], t.Iterable[Finding | NotChecked]]
