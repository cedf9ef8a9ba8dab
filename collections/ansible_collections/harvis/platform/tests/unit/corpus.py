"""The corpus: cases of one fault each with their healthy twins, one YAML file a case (see corpus/README.md)."""

from __future__ import annotations

import functools
import shutil
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditRequest, Beside
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import NodeCapacity

FOLDER = Path(__file__).resolve().parents[1] / "corpus"
BASES = FOLDER / "_base"
KINDS = ("chart", "manifests", "sources", "playbooks")
KEYS = {"title", "fault", "code", "at", "kind", "base", "options", "faulty", "healthy"}
OPTIONS = {"values", "kubernetes", "nodes", "strict", "namespace", "release", "components", "beside", *KINDS}
GIB = 1 << 30


@dataclass(frozen=True)
class Case:
    """One case. ``faulty`` and ``healthy`` map a path to its text, or to None where the base's file is left out."""

    name: str
    title: str
    fault: str
    code: str
    kind: str
    faulty: dict[str, str | None]
    healthy: dict[str, str | None]
    at: dict[str, str] = field(default_factory=dict)
    base: str = ""
    options: dict[str, t.Any] = field(default_factory=dict)

    @property
    def file(self) -> str:
        return self.at.get("file", "")

    @property
    def line(self) -> int:
        """The line of ``at.file`` on which the code must be found; 0 where any will do."""
        if "line_with" not in self.at:
            return 0
        lines = self._text().splitlines()
        numbers = [n for n, line in enumerate(lines, 1) if self.at["line_with"] in line]
        assert len(numbers) == 1, f"{self.name}: {self.at['line_with']!r} must be in one line, it is in {numbers}"
        return numbers[0]

    def _text(self) -> str:
        changed = self.faulty.get(self.file)
        return changed if changed is not None else (BASES / self.base / self.file).read_text()

    def write(self, files: dict[str, str | None], folder: Path) -> Path:
        """The base with ``files`` over it."""
        if self.base:
            shutil.copytree(BASES / self.base, folder, dirs_exist_ok=True)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        return folder

    def request(self, folder: Path, helm: str) -> AuditRequest:
        """What the case's kind and options ask for, in ``folder``."""
        options = self.options
        parts = {self.kind: ".", **{kind: options[kind] for kind in KINDS if kind in options}}
        given = {key: options[key] for key in ("kubernetes", "strict", "namespace", "release") if key in options}
        return AuditRequest(
            **{kind: folder / part for kind, part in parts.items()},
            values=tuple(folder / name for name in options.get("values", [])),
            nodes=tuple(_node(node) for node in options.get("nodes", [])),
            components=options.get("components", {}),
            beside=tuple(_beside(folder, given) for given in options.get("beside", [])),
            helm=helm,
            base=folder,
            **given,
        )


def _beside(folder: Path, given: dict[str, t.Any]) -> Beside:
    values = tuple(folder / name for name in given.get("values", []))
    return Beside(folder / given["path"], values, given.get("namespace", ""), given.get("release", ""))


def _node(node: dict[str, float]) -> NodeCapacity:
    memory, card = int(node["memory_gib"] * GIB), int(node.get("gpu_memory_gib", 0) * GIB)
    return NodeCapacity(node["cpu"], memory, int(node.get("gpus", 0)), card)


@functools.cache
def cases() -> tuple[Case, ...]:
    """Every case, in the order of their paths. A case with an unknown or missing key is an error."""
    files = sorted(path for path in FOLDER.rglob("*.yml") if BASES not in path.parents)
    return tuple(_read(path) for path in files)


def _read(path: Path) -> Case:
    given = yaml.safe_load(path.read_text())
    unknown = (set(given) - KEYS) | (set(given.get("options") or {}) - OPTIONS)
    assert not unknown, f"{path}: unknown keys {sorted(unknown)}"
    assert given["kind"] in KINDS, f"{path}: {given['kind']!r} is no kind"
    return Case(name=str(path.relative_to(FOLDER).with_suffix("")), **{k: v for k, v in given.items() if v is not None})
