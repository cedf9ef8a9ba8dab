"""VAL-NESTED on a template's line: a block that is known to Kubernetes lands under the wrong parent (``nindent``)."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.blocks import (
    CONTENT,
    HOLDERS,
    PARENTS,
    placed_block,
)
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.wiring import Wiring, said
from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Effect
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import (
    KubernetesObject,
    pointer,
    pointer_parts,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import TEMPLATES

# A Job of batch.volcano.sh has pods elsewhere.
VERSIONS = frozenset(["v1", "apps/v1", "batch/v1"])


def misplaced_blocks(subject: AuditSubject) -> t.Iterator[Finding]:
    wiring = Wiring(subject)
    objects = {
        item.address: item for item in subject.objects if item.kind in TEMPLATES and item.api_version in VERSIONS
    }
    told: set[tuple[str, int]] = set()
    for path, effects in wiring.effects.effects.items():
        at = placed_block(path)
        if at < 0:
            continue
        for effect in sorted(effects):
            item = objects.get(effect.object)
            parent = _wrong_parent(path, at, effect, item.kind) if item else None
            if item is None or parent is None:
                continue
            finding = _finding(path[: at + 1], effect, item, parent, wiring)
            if finding.place and (finding.place.file, finding.place.line) not in told:
                told.add((finding.place.file, finding.place.line))
                yield finding


def _wrong_parent(path: ValuePath, at: int, effect: Effect, kind: str) -> str | None:
    """Where the block lies, if it is not where Kubernetes looks for it."""
    name, rest = str(path[at]), [str(part) for part in path[at + 1 :]]
    parts = pointer_parts(effect.field)
    if name in parts:
        parent = pointer(*parts[: parts.index(name)])
        return None if _has_place(name, parent, kind) else parent
    # One value of the block may be read for something else, such as a probe's path for another probe.
    if rest and parts[-len(rest) :] == rest and rest[0] in CONTENT.get(name, rest):
        parent = pointer(*parts[: -len(rest)])
        return parent if HOLDERS.fullmatch(parent) else None
    return None


def _has_place(name: str, parent: str, kind: str) -> bool:
    pod = pointer(*TEMPLATES[kind], "spec")
    inside = parent == pod or parent.startswith((f"{pod}/", "/spec/volumeClaimTemplates/"))
    return inside and PARENTS[name].fullmatch(parent) is not None


def _finding(block: ValuePath, effect: Effect, item: KubernetesObject, parent: str, wiring: Wiring) -> Finding:
    reads = [ref for ref in wiring.reads_of(block) if ref.use in ("print", "range")]
    file, line = (reads[0].file, reads[0].line) if reads else item.lines.find(parent)
    return Finding.at(
        "VAL-NESTED",
        Place(file, line, dotted(block), effect.object, effect.field),
        f"{dotted(block)} lands under {parent or '/'}, where Kubernetes does not look for {block[-1]}",
        evidence=f"set at {said(wiring.place(block))}; it changes {effect}",
        fix="Correct the indentation (nindent) of this line, and that of the key above it.",
    )


DETECTORS = (misplaced_blocks,)
