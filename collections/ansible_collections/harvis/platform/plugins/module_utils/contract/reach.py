"""What an entry module reaches: the modules it imports, and the top-level definitions that they use of each other."""

from __future__ import annotations

import ast
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.contract.sources import Module, SourceTree

# Decorators that only wrap: the function runs when somebody calls it. Any other may register it with a framework.
_WRAPPERS = frozenset(
    [
        "lru_cache",
        "cache",
        "cached",
        "wraps",
        "dataclass",
        "staticmethod",
        "classmethod",
        "property",
        "cached_property",
        "contextmanager",
        "asynccontextmanager",
        "overload",
        "final",
        "override",
        "singledispatch",
        "total_ordering",
        "unique",
    ]
)
Definition = tuple[str, str]


@dataclass(eq=False)
class _Names:
    """Top-level bindings of one module."""

    nodes: dict[str, list[ast.AST]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)


@dataclass(eq=False)
class _Mentions:
    """Everything in one definition that leads elsewhere. ``names`` maps a name to the nodes that load it."""

    names: dict[str, set[int]] = field(default_factory=dict)
    attributes: list[ast.Attribute] = field(default_factory=list)
    imports: list[ast.Import | ast.ImportFrom] = field(default_factory=list)
    import_calls: list[ast.Call] = field(default_factory=list)
    local: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(eq=False)
class Reach:
    """``modules`` are imported sooner or later; ``live`` definitions (module, name) are used by something that runs."""

    tree: SourceTree
    modules: dict[str, None] = field(default_factory=dict)
    live: set[Definition] = field(default_factory=set)
    computed_imports: list[tuple[str, int]] = field(default_factory=list)
    _known: dict[str, _Names] = field(default_factory=dict)
    _pending: list[t.Callable[[], None]] = field(default_factory=list)

    def enter(self, name: str) -> None:
        """Begin at a module: all that it defines may be called from outside."""
        self._import(name)
        for definition in self._names(name).nodes if self.tree.module(name) else []:
            self._use(name, definition)
        while self._pending:
            self._pending.pop()()

    def _import(self, name: str) -> None:
        if name in self.modules or self.tree.find(name) is None:
            return
        self.modules[name] = None
        parts = name.split(".")
        for depth in range(1, len(parts)):
            self._import(".".join(parts[:depth]))
        module = self.tree.module(name)
        if module is not None:
            self._pending.append(lambda: self._run_top(module))

    def _run_top(self, module: Module) -> None:
        for node in _flat(module.tree.body):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self._import_statement(module, node)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                if any(_last(d) not in _WRAPPERS for d in node.decorator_list):
                    self._use(module.name, node.name)
            elif not isinstance(node, (ast.Assign, ast.AnnAssign)) or _calls(node):
                self._scan(module, node)

    def _import_statement(self, module: Module, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._import(alias.name)
            return
        origin = module.absolute(node)
        self._import(origin)
        for alias in node.names:
            self._import(f"{origin}.{alias.name}")

    def _names(self, name: str) -> _Names:
        if name not in self._known:
            found = self._known[name] = _Names()
            module = self.tree.module(name)
            for node in _flat(module.tree.body) if module else []:
                _collect(t.cast(Module, module), node, found)
        return self._known[name]

    def _use(self, module: str, name: str) -> None:
        if (module, name) in self.live:
            return
        names = self._names(module)
        source = self.tree.module(module)
        if name in names.nodes and source is not None:
            self.live.add((module, name))
            for node in names.nodes[name]:
                self._pending.append(lambda node=node: self._scan(source, node))
        elif name in names.imports:
            self.live.add((module, name))
            self._use_import(*names.imports[name])
        elif self.tree.find(f"{module}.{name}"):
            self._import(f"{module}.{name}")
        else:
            for star in names.stars:
                self._use(star, name)

    def _use_import(self, origin: str, name: str) -> None:
        if not name:
            self._import(origin)
        elif self.tree.find(origin):
            self._import(origin)
            self._use(origin, name)

    def _scan(self, module: Module, node: ast.AST) -> None:
        """Follow every name in ``node``."""
        mentions = _mentions(self.tree, module, node)
        for statement in mentions.imports:
            self._import_statement(module, statement)
        bare: set[int] = set()
        for attribute in mentions.attributes:
            root = self._module_of(module, attribute.value, mentions.local)
            if root:
                bare |= {id(n) for n in ast.walk(attribute.value)}
                self._use(root, attribute.attr)
        for name, first in mentions.names.items():
            if not first <= bare:
                self._name(module, name, mentions.local)
        for call in mentions.import_calls:
            self._computed_import(module, call)

    def _name(self, module: Module, name: str, local: dict[str, tuple[str, str]]) -> None:
        origin = local.get(name)
        if origin is not None:
            self._use_import(*origin)
        else:
            self._use(module.name, name)
        whole = self._module_of(module, ast.Name(name, ast.Load()), local)
        # A module that is handed on: whoever gets it may take anything of it.
        for definition in list(self._names(whole).nodes) if whole else []:
            self._use(whole, definition)

    def _module_of(self, module: Module, node: ast.expr, local: dict[str, tuple[str, str]]) -> str:
        """The module of the sources that an expression names, if it does."""
        if isinstance(node, ast.Attribute):
            outer = self._module_of(module, node.value, local)
            name = f"{outer}.{node.attr}"
            return name if outer and node.attr not in self._names(outer).nodes and self.tree.find(name) else ""
        if not isinstance(node, ast.Name):
            return ""
        origin = local.get(node.id) or self._names(module.name).imports.get(node.id)
        if origin is None:
            return ""
        base, name = origin
        if not name:
            return base if self.tree.find(base) else ""
        if name in self._names(base).nodes:
            return ""
        return f"{base}.{name}" if self.tree.find(f"{base}.{name}") else ""

    def _computed_import(self, module: Module, node: ast.Call) -> None:
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            self._import(first.value)
        else:
            self.computed_imports.append((str(module.path), node.lineno))


def _mentions(tree: SourceTree, module: Module, node: ast.AST) -> _Mentions:
    """Walked once for each definition, however many programs use it."""
    known = t.cast("dict[int, tuple[ast.AST, _Mentions]]", tree.notes)
    if id(node) not in known:
        found = _Mentions()
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                if isinstance(inner.ctx, ast.Load):
                    found.names.setdefault(inner.id, set()).add(id(inner))
            elif isinstance(inner, ast.Attribute):
                if isinstance(inner.value, (ast.Name, ast.Attribute)):
                    found.attributes.append(inner)
            elif isinstance(inner, (ast.Import, ast.ImportFrom)):
                found.imports.append(inner)
                names = _Names()
                _collect(module, inner, names)
                found.local.update(names.imports)
            elif isinstance(inner, ast.Call) and _last(inner.func) in ("import_module", "__import__"):
                found.import_calls.append(inner)
        # The node is kept as well: its id must not be given to another one.
        known[id(node)] = (node, found)
    return known[id(node)][1]


def _collect(module: Module, node: ast.AST, found: _Names) -> None:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        found.nodes.setdefault(node.name, []).append(node)
    elif isinstance(node, ast.Import):
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            found.imports[name] = (alias.name if alias.asname else name, "")
    elif isinstance(node, ast.ImportFrom):
        origin = module.absolute(node)
        for alias in node.names:
            if alias.name == "*":
                found.stars.append(origin)
            else:
                found.imports[alias.asname or alias.name] = (origin, alias.name)
    else:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                found.nodes.setdefault(inner.id, []).append(node)


def _flat(body: t.Sequence[ast.stmt]) -> t.Iterator[ast.stmt]:
    """Top-level statements, those inside ``if``, ``try`` and ``with`` too."""
    for node in body:
        if isinstance(node, (ast.If, ast.Try, ast.With)):
            yield ast.copy_location(ast.Expr(node.test), node) if isinstance(node, ast.If) else ast.Pass()
            parts = [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]
            yield from _flat([*parts, *(s for h in getattr(node, "handlers", []) for s in h.body)])
        else:
            yield node


def _calls(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Call) for inner in ast.walk(node))


def _last(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
