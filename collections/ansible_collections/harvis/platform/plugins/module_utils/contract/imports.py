"""Imports that would fail in the image, as far as that is certain."""

from __future__ import annotations

import ast
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.contract import distributions
from ansible_collections.harvis.platform.plugins.module_utils.contract.requirements import Requirements
from ansible_collections.harvis.platform.plugins.module_utils.contract.sources import Module, SourceTree

_GUARDS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException", ""})
_PLATFORM_MODULES = frozenset({"__main__", "distutils", "_typeshed"})


@dataclass(frozen=True)
class FailedImport:
    """``kind``: ``path`` (in no searched folder), ``hidden`` (another folder comes first), ``copy`` (not in the image),
    ``module`` or ``name`` (the sources have no such), ``distribution`` (not installed), ``unsure``."""

    kind: str
    module: str
    file: Path
    line: int
    folder: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What else is around: the whole context, and what is installed."""

    context: t.Mapping[str, Path]
    requirements: Requirements


def failed_imports(tree: SourceTree, modules: t.Sequence[str], around: Surroundings) -> list[FailedImport]:
    """Imports at the top level of ``modules`` that nothing guards."""
    found: dict[tuple[Path, int, str], FailedImport] = {}
    for name in modules:
        module = tree.module(name)
        for node in _plain_imports(module.tree.body) if module else []:
            for failed in _of_statement(tree, t.cast(Module, module), node, around):
                found.setdefault((failed.file, failed.line, failed.module), failed)
    return list(found.values())


def _plain_imports(body: t.Sequence[ast.stmt]) -> t.Iterator[ast.Import | ast.ImportFrom]:
    """Import statements that surely run when the module is imported, and end it when they fail."""
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif isinstance(node, ast.Try) and not any(_guards(h) for h in node.handlers):
            yield from _plain_imports([*node.body, *node.orelse, *node.finalbody])


def _guards(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any((n.attr if isinstance(n, ast.Attribute) else getattr(n, "id", "")) in _GUARDS for n in types)


def _of_statement(
    tree: SourceTree, module: Module, node: ast.Import | ast.ImportFrom, around: Surroundings
) -> t.Iterator[FailedImport]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _of_module(tree, module, node.lineno, alias.name, around)
        return
    origin = module.absolute(node)
    failed = list(_of_module(tree, module, node.lineno, origin, around)) if origin else []
    yield from failed
    if not failed and origin and tree.find(origin):
        for alias in node.names:
            if alias.name != "*" and not has_name(tree, origin, alias.name):
                yield FailedImport("name", f"{origin}.{alias.name}", module.path, node.lineno)


def _of_module(
    tree: SourceTree, module: Module, line: int, name: str, around: Surroundings
) -> t.Iterator[FailedImport]:
    top = name.partition(".")[0]
    if tree.find(name) or top in sys.stdlib_module_names or top in _PLATFORM_MODULES:
        return
    if tree.find(top):
        found = tree.find(top)
        if found and found.file is None:
            # A namespace package: parts of it may be installed.
            verdict = _installed(name, top, around.requirements)
            if verdict != "no":
                return
        hidden = next((f for f in tree.search if tree.find(name, [f])), None)
        kind = "module" if hidden is None else "hidden"
        yield FailedImport(kind, name, module.path, line, hidden or "")
        return
    verdict = _installed(name, top, around.requirements)
    if verdict == "yes":
        return
    folder = folder_with(tree, name)
    if folder is not None:
        yield FailedImport("path", name, module.path, line, folder)
    elif _lies_in(around.context, name) is not None:
        yield FailedImport("copy", name, module.path, line, _lies_in(around.context, name) or "")
    else:
        yield FailedImport("distribution" if verdict == "no" else "unsure", name, module.path, line)


def missing_module(tree: SourceTree, name: str, around: Surroundings) -> str:
    """Why a module that is started is not found: ``path``, ``copy``, ``no`` (nothing can bring it), else ``unsure``."""
    if folder_with(tree, name) is not None:
        return "path"
    if _lies_in(around.context, name) is not None:
        return "copy"
    return _installed(name, name.partition(".")[0], around.requirements)


def _installed(name: str, top: str, requirements: Requirements) -> str:
    """``yes``, ``no``, or ``unsure``: another image, or something unknown, may bring it."""
    brought, all_known = distributions.closure(requirements.names)
    providers = distributions.providers(top) | {distributions.normal(name)}
    if brought & providers or any(distributions.may_bring(d, top) for d in brought):
        return "yes"
    if any(top.lower() in package.lower() for package in requirements.system):
        return "yes"
    if not requirements.files and not requirements.names:
        return "unsure"
    if not requirements.is_complete or not distributions.is_known_import(top):
        return "unsure"
    return "no" if requirements.is_locked or all_known else "unsure"


def folder_with(tree: SourceTree, name: str) -> str | None:
    """A folder of the image that would have to be searched."""
    return _lies_in(tree.files, name, tree)


def _lies_in(files: t.Mapping[str, Path], name: str, tree: SourceTree | None = None) -> str | None:
    """The folder below which ``name`` lies, the one nearest to the root."""
    tail = name.replace(".", "/")
    found = []
    for path in files:
        for ending in (f"{tail}.py", f"{tail}/__init__.py"):
            if path == ending or path.endswith(f"/{ending}"):
                folder = path.removesuffix(ending).rstrip("/")
                if tree is None or folder not in tree.search:
                    found.append(folder)
    return min(found, key=lambda f: (f.count("/"), f)) if found else None


def has_name(tree: SourceTree, module: str, name: str) -> bool:
    """Whether ``from module import name`` can work; true when that cannot be told."""
    if tree.find(f"{module}.{name}"):
        return True
    source = tree.module(module)
    if source is None:
        found = tree.find(module)
        return not (found and found.file is None)
    return _defines(tree, source, name, set())


def _defines(tree: SourceTree, module: Module, name: str, seen: set[str]) -> bool:
    seen.add(module.name)
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name in (
            name,
            "__getattr__",
        ):
            return True
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
            return True
        if isinstance(node, ast.Name) and node.id in ("globals", "exec", "setattr", "locals", "vars"):
            return True
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            if any((a.asname or a.name.partition(".")[0]) == name for a in node.names):
                return True
            if isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names):
                inner = tree.module(module.absolute(node))
                if inner is None or (inner.name not in seen and _defines(tree, inner, name, seen)):
                    return True
    return name in ("__name__", "__file__", "__doc__", "__path__", "__spec__", "__version__")
