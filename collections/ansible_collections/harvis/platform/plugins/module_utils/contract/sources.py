"""Python sources as an interpreter would find them: a search path over files; modules are parsed, never run."""

from __future__ import annotations

import ast
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

LARGEST_SOURCE = 2 * 1024 * 1024
# Folders that no image needs, and that may be huge.
SKIPPED = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", "site-packages", ".harvis"})


@dataclass(frozen=True, eq=False)
class Module:
    """A parsed module. ``path`` is where it lies in the sources, ``is_package`` says that it is an ``__init__.py``."""

    name: str
    path: Path
    tree: ast.Module
    is_package: bool

    @property
    def package(self) -> str:
        """The package that its relative imports begin at."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def absolute(self, node: ast.ImportFrom) -> str:
        """The module that a ``from`` names, with its dots resolved."""
        if not node.level:
            return node.module or ""
        above = self.package.split(".")
        base = above[: len(above) - node.level + 1]
        return ".".join([*base, *([node.module] if node.module else [])])


@dataclass(frozen=True)
class Found:
    """What a dotted name leads to: a module's file, or a namespace package (a folder without ``__init__.py``)."""

    file: Path | None
    is_package: bool


@dataclass(eq=False)
class SourceTree:
    """Files of an image or a folder: ``files`` maps a path in it (``app/main.py``) to the file of the sources.

    ``search`` holds the folders of ``sys.path`` in order, in the same notation (empty for the root). ``notes`` is for
    what others find out about a node of a module, by the node's id.
    """

    files: t.Mapping[str, Path]
    search: tuple[str, ...]
    not_parsed: list[tuple[str, str]] = field(default_factory=list)
    _modules: dict[str, Module | None] = field(default_factory=dict)
    _folders: frozenset[str] | None = None
    _found: dict[str, Found | None] = field(default_factory=dict)
    notes: dict[int, t.Any] = field(default_factory=dict)

    def folders(self) -> frozenset[str]:
        if self._folders is None:
            found = {""}
            for path in self.files:
                parts = path.split("/")[:-1]
                found.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
            self._folders = frozenset(found)
        return self._folders

    def find(self, name: str, search: t.Sequence[str] | None = None) -> Found | None:
        """The module called ``name``, as Python's path finder decides: the first folder with its top package wins."""
        if search is not None:
            return self._look(name, list(search))
        if name not in self._found:
            self._found[name] = self._look(name, list(self.search))
        return self._found[name]

    def module(self, name: str) -> Module | None:
        """The parsed module, or None where there is no such file or it is no Python of this version."""
        if name not in self._modules:
            found = self.find(name)
            self._modules[name] = self._parse(name, found) if found and found.file else None
        return self._modules[name]

    def all_modules(self) -> list[str]:
        """Every module that can be imported by some name, once for each file."""
        names: dict[Path, str] = {}
        for folder in self.search:
            prefix = f"{folder}/" if folder else ""
            for path in sorted(p for p in self.files if p.startswith(prefix) and p.endswith(".py")):
                parts = path.removeprefix(prefix).removesuffix(".py").split("/")
                parts = parts[:-1] if parts[-1] == "__init__" else parts
                name = ".".join(parts)
                found = self.find(name) if parts and all(p.isidentifier() for p in parts) else None
                if found and found.file == self.files[path]:
                    names.setdefault(found.file, name)
        return sorted(names.values())

    def _look(self, name: str, folders: list[str]) -> Found | None:
        found: Found | None = None
        for part in name.split("."):
            found, folders = self._step(part, folders)
            if found is None:
                return None
        return found

    def _step(self, part: str, folders: t.Sequence[str]) -> tuple[Found | None, list[str]]:
        spaces = []
        for folder in folders:
            here = f"{folder}/{part}" if folder else part
            if f"{here}/__init__.py" in self.files:
                return Found(self.files[f"{here}/__init__.py"], True), [here]
            if f"{here}.py" in self.files:
                return Found(self.files[f"{here}.py"], False), []
            if here in self.folders():
                spaces.append(here)
        return (Found(None, True), spaces) if spaces else (None, [])

    def _parse(self, name: str, found: Found) -> Module | None:
        path = t.cast(Path, found.file)
        try:
            if path.stat().st_size > LARGEST_SOURCE:
                raise ValueError(f"larger than {LARGEST_SOURCE >> 20} MiB")
            return Module(name, path, ast.parse(path.read_bytes(), str(path)), found.is_package)
        except (OSError, ValueError, SyntaxError, RecursionError, MemoryError) as exc:
            self.not_parsed.append((str(path), f": {exc.msg if isinstance(exc, SyntaxError) else exc}"))
            return None


def folder_files(root: Path) -> dict[str, Path]:
    """Every file below ``root``, links and folders that belong to tools left out."""
    found: dict[str, Path] = {}
    pending = [root]
    while pending:
        folder = pending.pop()
        for entry in sorted(folder.iterdir()):
            if entry.is_symlink() or (entry.is_dir() and entry.name in SKIPPED):
                continue
            if entry.is_dir():
                pending.append(entry)
            elif entry.is_file():
                found[entry.relative_to(root).as_posix()] = entry
    return found
