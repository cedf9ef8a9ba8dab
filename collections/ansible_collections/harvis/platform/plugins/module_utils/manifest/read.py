"""Objects from text: Helm's output, and manifest files as they lie in a repository."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import (
    CLUSTER_KINDS,
    Body,
    KubernetesObject,
    Lines,
    Objects,
    pointer,
)

MANIFEST_ENDINGS = (".yaml", ".yml", ".json")
LARGEST_FILE = 10 * 1024 * 1024
DEEPEST = 100
_DOCUMENTS = re.compile(r"^---(?=[ \t\r]|$).*$", re.MULTILINE)
_SOURCE = re.compile(r"^# Source: (?P<path>\S+)", re.MULTILINE)


@dataclass(frozen=True)
class FileLines:
    """Lines of an object that lies in a file as it is: the object's own fields know theirs."""

    file: str
    known: t.Mapping[str, int]

    def find(self, pointer: str) -> tuple[str, int]:
        while pointer and pointer not in self.known:
            pointer = pointer.rpartition("/")[0]
        return self.file, self.known.get(pointer, 1)


@dataclass(frozen=True)
class Reading:
    """What was read, what is wrong with it, and what could not be looked at (a sentence each)."""

    objects: Objects
    findings: tuple[Finding, ...] = ()
    not_checked: tuple[str, ...] = ()


LinesOf = t.Callable[[str, str, Body], Lines]
"""(source of the template as Helm names it, text of the rendered document, its body) → lines of that object."""


def read_rendered(text: str, namespace: str, lines_of: LinesOf) -> Reading:
    """The objects of ``helm template``'s output. A document that is no object is a VAL-RENDER finding."""
    objects: list[KubernetesObject] = []
    findings: list[Finding] = []
    for document in _DOCUMENTS.split(text):
        match = _SOURCE.search(document)
        source = match["path"] if match else ""
        try:
            body = _load(document)
        except ValueError as exc:
            place = Place(source, 1)
            findings.append(Finding.at("VAL-RENDER", place, "the rendered document is not YAML", evidence=str(exc)))
            continue
        objects += [_object(b, namespace, lines_of(source, document, b)) for b in _bodies(body)]
    return Reading(Objects(tuple(objects)), tuple(findings))


def read_manifests(folder: Path, namespace: str = "default") -> Reading:
    """Every object below ``folder``. Files that are not manifests (no apiVersion and kind) are passed over.

    A file that is not YAML or is larger than 10 MiB is not checked, and said to be. Links are not followed.
    """
    objects: list[KubernetesObject] = []
    not_checked: list[str] = []
    files = [folder] if folder.is_file() else sorted(p for p in folder.rglob("*") if p.suffix in MANIFEST_ENDINGS)
    for path in files:
        if path.is_symlink() or not path.is_file():
            continue
        if path.stat().st_size > LARGEST_FILE:
            not_checked.append(f"{path}: larger than {LARGEST_FILE >> 20} MiB")
            continue
        try:
            objects += _file_objects(path, namespace)
        except ValueError as exc:
            not_checked.append(f"{path}: {' '.join(str(exc).split())}")
    return Reading(Objects(tuple(objects)), (), tuple(not_checked))


def _file_objects(path: Path, namespace: str) -> t.Iterator[KubernetesObject]:
    text = path.read_bytes().decode()  # UnicodeDecodeError is a ValueError
    start = 0
    for document in [*_DOCUMENTS.finditer(text), None]:
        end = document.start() if document else len(text)
        part, first = text[start:end], text.count("\n", 0, start)
        start = document.end() if document else end
        body = _load(part)
        if not _bodies(body):
            continue
        known = node_lines(part, first)
        for below, item in _listed(body):
            mine = {p.removeprefix(below): line for p, line in known.items() if p.startswith(below)}
            yield _object(item, namespace, FileLines(str(path), mine))


def node_lines(text: str, before: int = 0) -> dict[str, int]:
    """JSON pointer to line of every node of a YAML document; ``before`` lines come before it.

    A value's line is its key's: that is where a person looks. Raises ValueError when the text is not YAML.
    """
    import yaml
    from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text

    found: dict[str, int] = {}
    walked: set[int] = set()

    def walk(node: yaml.Node, at: str, line: int, depth: int) -> None:
        found[at] = line
        # An alias is the anchor's own node: walking it again would let ten lines stand for billions.
        if depth > DEEPEST or id(node) in walked:
            return
        walked.add(id(node))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode):
                    walk(value, at + pointer(key.value), before + key.start_mark.line + 1, depth + 1)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                walk(value, at + pointer(index), before + value.start_mark.line + 1, depth + 1)

    try:
        root = yaml_text.compose(text)
    except yaml.YAMLError as exc:
        raise ValueError(str(exc)) from exc
    if root is not None:
        walk(root, "", before + root.start_mark.line + 1, 0)
    return found


def _load(text: str) -> t.Any:
    import yaml
    from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text

    try:
        return yaml_text.load(text)
    except (yaml.YAMLError, RecursionError) as exc:
        raise ValueError(str(exc)) from exc


def _bodies(body: t.Any) -> list[Body]:
    return [item for _, item in _listed(body)]


def _listed(body: t.Any) -> list[tuple[str, Body]]:
    """The objects in a document, each with its pointer: the document itself, or the items of a List."""
    if not isinstance(body, dict) or not isinstance(body.get("kind"), str) or "apiVersion" not in body:
        return []
    if body["kind"] == "List":
        items = body.get("items")
        return [(pointer("items", i), b) for i, b in enumerate(items if isinstance(items, list) else []) if _listed(b)]
    return [("", body)]


def _object(body: Body, namespace: str, lines: Lines) -> KubernetesObject:
    metadata = body.get("metadata")
    own = metadata.get("namespace") if isinstance(metadata, dict) else None
    return KubernetesObject(body, "" if body["kind"] in CLUSTER_KINDS else str(own or namespace), lines)
