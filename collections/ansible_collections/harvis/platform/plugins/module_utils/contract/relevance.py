"""Which definitions can have to do with the environment at all: the others need not be read."""

from __future__ import annotations

import ast
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.contract.sources import Module, SourceTree

_SEEDS = frozenset({"environ", "environb", "getenv", "getenvb", "BaseSettings", "envvar", "decouple", "environs"})
# Method names that everybody uses: a mention of one says nothing about which is meant.
_COMMON = frozenset(
    [
        "get",
        "set",
        "add",
        "pop",
        "keys",
        "values",
        "items",
        "update",
        "append",
        "extend",
        "run",
        "read",
        "write",
        "open",
        "close",
        "start",
        "stop",
        "main",
        "call",
        "load",
        "save",
        "parse",
        "format",
        "join",
        "split",
        "copy",
        "create",
        "build",
        "init",
        "setup",
        "handle",
        "execute",
        "send",
        "connect",
        "name",
        "value",
        "index",
        "count",
        "sort",
        "find",
        "next",
        "iter",
        "exit",
        "enter",
        "emit",
        "__init__",
        "__call__",
        "__enter__",
        "__exit__",
        "__getattr__",
        "__getitem__",
        "__new__",
    ]
)


def relevant_names(tree: SourceTree, modules: t.Iterable[str]) -> frozenset[str]:
    """Names of functions, methods and classes from which some access to the environment may be reached."""
    mentions: dict[str, set[str]] = {}
    for name in modules:
        module = tree.module(name)
        for definition, words in _of_module(tree, module) if module else ():
            mentions.setdefault(definition, set()).update(words)
    users: dict[str, set[str]] = {}
    for definition, words in mentions.items():
        for word in words:
            users.setdefault(word, set()).add(definition)
    found: set[str] = set()
    pending = list(_SEEDS)
    while pending:
        word = pending.pop()
        for user in users.get(word, ()):
            if user not in found:
                found.add(user)
                pending += [user] if user not in _COMMON else []
    return frozenset(found)


def mentions_environment(node: ast.AST, names: frozenset[str]) -> bool:
    """Whether a definition uses the environment, or something that may."""
    return any(word in names or word in _SEEDS for word in _words(node))


def _of_module(tree: SourceTree, module: Module) -> list[tuple[str, set[str]]]:
    key = -id(module)
    if key not in tree.notes:
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        found = [(n.name, _words(n)) for n in ast.walk(module.tree) if isinstance(n, functions)]
        # A class stands for all its methods, a name given a value for what that is made with.
        found += [(n.name, _words(n)) for n in module.tree.body if isinstance(n, ast.ClassDef)]
        for node in module.tree.body:
            if isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found += [(target.id, _words(node)) for target in targets if isinstance(target, ast.Name)]
        tree.notes[key] = (module, found)
    return t.cast("list[tuple[str, set[str]]]", tree.notes[key][1])


def _words(node: ast.AST) -> set[str]:
    found: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            found.add(inner.id)
        elif isinstance(inner, ast.Attribute):
            found.add(inner.attr)
        elif isinstance(inner, ast.keyword) and inner.arg == "envvar":
            found.add("envvar")
    return found
