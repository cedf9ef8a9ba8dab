"""VAL-PARTIAL: a block such as resources is read key by key, and some key is left out, or some container."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.blocks import shaped_block
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.wiring import Wiring, said
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import pointer
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, pods


def left_out(wiring: Wiring, dead: t.Iterable[ValuePath]) -> dict[ValuePath, Finding]:
    """Dead leaves whose neighbours in the same block reach an object."""
    found: dict[ValuePath, Finding] = {}
    for path in dead:
        block = shaped_block(path)
        siblings = wiring.live_below(block) if block else []
        if siblings:
            found[path] = _left_out(wiring, path, block, siblings)
    return found


def _left_out(wiring: Wiring, path: ValuePath, block: ValuePath, siblings: list[ValuePath]) -> Finding:
    # The closest neighbour: the template has to grow a line beside the one that reads it.
    nearest = max(siblings, key=lambda one: (_common(one, path), siblings.index(one)))
    reads = wiring.reads_of(nearest)
    mine = wiring.place(path)
    place = Place(reads[0].file, reads[0].line, dotted(path)) if reads else mine
    reached = sorted({str(effect) for effect in wiring.effects.effects[nearest]})
    return Finding.at(
        "VAL-PARTIAL",
        place,
        f"{dotted(block)} is read in part: {dotted(nearest)} reaches an object, {dotted(path)} does not",
        evidence=f"{dotted(path)} is set at {said(mine)}; {dotted(nearest)} reaches {reached[0]}",
        fix=f"Read the whole block there: {{{{ toYaml .Values.{dotted(block)} | nindent … }}}}",
    )


def second_container(wiring: Wiring) -> t.Iterator[Finding]:
    """A component's resources reach one container of its pod; another one made from the same component has none."""
    for pod in pods(wiring.subject.objects):
        running = [container for container in pod.containers() if not container.initial]
        without = [container for container in running if not container.body.get("resources")]
        for container in without:
            for other in running:
                component = _component_of(wiring, other) if other not in without else ()
                if component and _configured_by(wiring, container, component):
                    yield _unlimited(wiring, component, container, other)
                    break


def _component_of(wiring: Wiring, container: Container) -> ValuePath:
    """The block whose ``resources`` reach the container."""
    field = container.field + pointer("resources")
    for path in _reaching(wiring, container, field):
        if "resources" in path[1:]:
            return path[: path.index("resources", 1)]
    return ()


def _configured_by(wiring: Wiring, container: Container, component: ValuePath) -> bool:
    """Whether the container's image is the component's own, and no resources of its own are there to be set."""
    own = (*component, container.name, "resources")
    image = _reaching(wiring, container, container.field + pointer("image"))
    direct = any(path[: len(component)] == component and "resources" not in path for path in image)
    return direct and not wiring.below(own) and not _has_resources(wiring, image, component)


def _has_resources(wiring: Wiring, image: list[ValuePath], component: ValuePath) -> bool:
    """A sidecar's block (``component.exporter.image``) that could have resources of its own, or has."""
    return any(len(path) > len(component) + 2 or wiring.below((*path[:-1], "resources")) == [] for path in image)


def _reaching(wiring: Wiring, container: Container, field: str) -> list[ValuePath]:
    address = container.pod.owner.address
    return [
        path
        for path, effects in wiring.effects.effects.items()
        if any(e.object == address and (e.field == field or e.field.startswith(field + "/")) for e in effects)
    ]


def _unlimited(wiring: Wiring, component: ValuePath, container: Container, other: Container) -> Finding:
    block = (*component, "resources")
    place = container.place()
    return Finding.at(
        "VAL-PARTIAL",
        Place(place.file, place.line, dotted(block), place.object, place.field),
        f"{dotted(block)} reaches container {other.name}; container {container.name} of the same component has none",
        evidence=f"{dotted(block)} is set at {said(wiring.place(block))}; {container.name} is rendered without any",
        fix=f"Give container {container.name} resources in the template too.",
    )


def _common(one: ValuePath, other: ValuePath) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
