"""VAL-DUPLICATE: a mapping has a key twice. Helm and kubectl keep the last one and say nothing; Flux refuses."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted
from ansible_collections.harvis.platform.plugins.module_utils.chart.locate import TemplateLines
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, pointer
from ansible_collections.harvis.platform.plugins.module_utils.manifest.read import LARGEST_FILE, FileLines
from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text

DEEPEST = 100
_DOCUMENTS = re.compile(r"^---(?=[ \t\r]|$).*$", re.MULTILINE)
_MERGE = "tag:yaml.org,2002:merge"


def duplicates_in_values(subject: AuditSubject) -> t.Iterator[Finding]:
    chart = subject.chart
    files = [*chart.overrides, *(part.defaults for part in chart.tree())] if chart else []
    for file in files:
        for twice in file.duplicates:
            place = Place(file.file, twice.line, dotted(twice.path))
            yield _finding(place, dotted(twice.path), f"{file.file}:{twice.first_line}")


def duplicates_in_objects(subject: AuditSubject) -> t.Iterator[Finding]:
    """In what templates print, and in manifests as they lie."""
    for item in subject.objects:
        if isinstance(item.lines, TemplateLines):
            yield from _printed_twice(item, item.lines)
    files = {item.lines.file for item in subject.objects if isinstance(item.lines, FileLines)}
    for name in sorted(files):
        path = Path(name)
        if path.is_file() and path.stat().st_size <= LARGEST_FILE:
            yield from _lying_twice(name, path.read_text(errors="replace"))


def _printed_twice(item: KubernetesObject, lines: TemplateLines) -> t.Iterator[Finding]:
    for path, line, first in twice(lines.document):
        field = pointer(*path)
        file, number = lines.place_of_line(line) or lines.find(field)
        before = lines.place_of_line(first) or (file, number)
        place = Place(file, number, "", item.address, field)
        yield _finding(place, dotted(path), f"{before[0]}:{before[1]}")


def _lying_twice(name: str, text: str) -> t.Iterator[Finding]:
    start = 0
    for match in [*_DOCUMENTS.finditer(text), None]:
        end = match.start() if match else len(text)
        above = text.count("\n", 0, start)
        for path, line, first in twice(text[start:end]):
            yield _finding(Place(name, above + line, dotted(path)), dotted(path), f"{name}:{above + first}")
        start = match.end() if match else end


def twice(text: str) -> list[tuple[ValuePath, int, int]]:
    """Path, line of the second and line of the first of each key that a mapping of the document has twice."""
    import yaml

    found: list[tuple[ValuePath, int, int]] = []
    walked: set[int] = set()

    def walk(node: t.Any, path: ValuePath) -> None:
        if node is None or id(node) in walked or len(path) > DEEPEST:
            return
        walked.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            for index, inner in enumerate(node.value):
                walk(inner, (*path, index))
        elif isinstance(node, yaml.MappingNode):
            seen: dict[str, int] = {}
            for key, inner in node.value:
                if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                    continue
                line = key.start_mark.line + 1
                if key.value in seen:
                    found.append(((*path, key.value), line, seen[key.value]))
                seen[key.value] = line
                walk(inner, (*path, key.value))

    try:
        walk(yaml_text.compose(text), ())
    except yaml.YAMLError:
        return []  # reading it says so
    return found


def _finding(place: Place, path: str, first: str) -> Finding:
    return Finding.at(
        "VAL-DUPLICATE",
        place,
        f"{path} stands twice in its mapping; the last one wins, and everything below the first is lost",
        evidence=f"the first one is at {first}",
        fix="Make one of the two.",
    )


DETECTORS = (duplicates_in_values, duplicates_in_objects)
