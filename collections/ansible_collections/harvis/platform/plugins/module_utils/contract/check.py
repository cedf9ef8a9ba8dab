"""``check_contract``: the sources of a repository against the objects that run them."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.contract import links, modules, unread, variables
from ansible_collections.harvis.platform.plugins.module_utils.contract.matching import (
    Candidates,
    Component,
    choose_application,
    component_of,
    find_candidates,
    image_name,
)
from ansible_collections.harvis.platform.plugins.module_utils.contract.programs import Program, find_program
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, fail
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import effective_environment
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, pods
from ansible_collections.harvis.platform.plugins.module_utils.manifest.services import Directory


def check_contract(
    objects: Objects, sources: Path, *, components: t.Mapping[str, t.Any] | None = None, strict: bool = False
) -> tuple[list[Finding], list[str]]:
    """Findings, and what could not be checked (a sentence each).

    ``components`` says, by the name of a container, workload or image, which ``source`` (folder), ``dockerfile`` and
    ``entry`` (module) belong to it, where names do not tell. ``strict`` wants every name that is read to be provided.
    Raises HarvisError (VAL-INPUT, PLB-INPUT) when the sources or an option cannot be used.
    """
    if not sources.is_dir():
        raise fail("VAL-INPUT", str(sources), "is no folder", fix="Name the folder of the sources.")
    return check_objects(objects, find_candidates(sources), components=components, strict=strict)


def check_objects(
    objects: Objects, candidates: Candidates, *, components: t.Mapping[str, t.Any] | None = None, strict: bool = False
) -> tuple[list[Finding], list[str]]:
    """As `check_contract`, for sources that are read already: what was found out about them is kept."""
    named = {name: Component.from_option(name, given) for name, given in (components or {}).items()}
    programs, not_checked = _programs(objects, candidates, named)
    parts = [unread.findings(programs, objects)]
    directory = Directory(objects)
    for program in programs:
        parts += [modules.findings(program), variables.findings(program, objects, strict=strict)]
        parts.append(links.findings(program, directory))
    not_checked += [text for part in parts for text in part.not_checked]
    unique = {(f.code, f.place, f.cause): f for part in parts for f in part.findings}
    return list(unique.values()), list(dict.fromkeys(not_checked))


def _programs(
    objects: Objects, candidates: Candidates, components: t.Mapping[str, Component]
) -> tuple[list[Program], list[str]]:
    containers = [c for pod in pods(objects) for c in pod.containers()]
    images = {image_name(c) for c in containers}
    programs: list[Program] = []
    not_checked = list(candidates.unreadable)
    for container in containers:
        given = effective_environment(objects, container)
        component = component_of(components, container)
        if component is not None:
            application = candidates.of_component(component)
        else:
            chosen = choose_application(candidates, container, given, images)
            if chosen is None:
                not_checked.append(f"{_where(container)}: no sources belong to its image {container.body.get('image')}")
                continue
            application = chosen
        programs.append(find_program(application, container, given, component.entry if component else ""))
    return programs, not_checked


def _where(container: Container) -> str:
    return f"{container.pod.owner.address} container {container.name}"
