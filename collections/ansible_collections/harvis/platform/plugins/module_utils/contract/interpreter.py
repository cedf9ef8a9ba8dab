"""Reads modules the way Python would run them, without running them: every access to ``os.environ`` is written down.

What the sources do not tell is unknown, and unknown conditions take both ways. Nothing outside the sources is called,
except pure functions of strings and numbers. Steps are counted, so that no source can keep the analysis busy.
"""

from __future__ import annotations

import ast
import contextlib
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.contract import calls, pydantic_settings, statements
from ansible_collections.harvis.platform.plugins.module_utils.contract.relevance import mentions_environment
from ansible_collections.harvis.platform.plugins.module_utils.contract.sources import Module, SourceTree
from ansible_collections.harvis.platform.plugins.module_utils.contract.values import (
    MISSING,
    UNKNOWN,
    Access,
    Class,
    EnvText,
    Exhausted,
    External,
    Function,
    Instance,
    ModuleValue,
    Raised,
    Scope,
    Text,
    Value,
    choose,
)

STEPS_A_ROOT = 30_000
STEPS_IN_ALL = 1_500_000
STEPS_A_CHECK = 20_000
DEEPEST_CALL = 30


@dataclass(eq=False)
class Root:
    """What one top-level definition (or, with an empty name, a top-level statement) of a module does."""

    module: str
    name: str
    line: int
    is_constant: bool = False
    accesses: list[Access] = field(default_factory=list)
    prefixes: list[set[str]] = field(default_factory=list)
    stored: set[str] = field(default_factory=set)
    probed: set[str] = field(default_factory=set)
    is_open: bool = False
    starts_programs: bool = False
    is_exhausted: bool = False


@dataclass(eq=False)
class Frame:
    """One function being read, or a module's top level."""

    module: Module
    scope: Scope
    returns: list[Value] = field(default_factory=list)
    global_names: set[str] = field(default_factory=set)
    is_generator: bool = False


@dataclass(eq=False)
class Interpreter:
    """All state of one analysis. ``concrete`` runs answer what one text leads to, and write nothing down."""

    tree: SourceTree
    roots: list[Root] = field(default_factory=list)
    scopes: dict[str, Scope] = field(default_factory=dict)
    instances: list[Instance] = field(default_factory=list)
    concrete: bool = False
    caught: list[frozenset[str]] = field(default_factory=list)
    loops: list[dict[int, Access]] = field(default_factory=list)
    resolved: set[int] = field(default_factory=set)
    unresolved: dict[int, tuple[str, int]] = field(default_factory=dict)
    root: Root = field(default_factory=lambda: Root("", "", 0))
    read: set[int] = field(default_factory=set)
    relevant: frozenset[str] = frozenset()
    answers: dict[tuple[str, ...], t.Any] = field(default_factory=dict)
    depth: int = 0
    steps: int = 0
    steps_in_all: int = 0

    def step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise Exhausted

    # Modules

    def load(self, name: str) -> Scope | None:
        """The top-level names of a module of the sources, its statements read on the first call."""
        if name in self.scopes:
            return self.scopes[name]
        module = self.tree.module(name)
        if module is None:
            return None
        for parent in _parents(name):
            self.load(parent)
        scope = self.scopes[name] = Scope({"__name__": UNKNOWN, "__file__": UNKNOWN})
        frame = Frame(module, scope)
        with self._apart():
            for statement in module.tree.body:
                target = _target(statement)
                is_constant = isinstance(statement, (ast.Assign, ast.AnnAssign)) and bool(target)
                with self.at_root(Root(name, target, statement.lineno, is_constant)):
                    statements.execute(self, statement, frame)
        return scope

    def read_functions(self, name: str, relevant: frozenset[str]) -> None:
        """Read each function and method of a loaded module on its own, with parameters that nobody knows.

        ``relevant`` are the names of definitions that may have to do with the environment; the others are left out.
        """
        for value in list(self.scopes[name].names.values()):
            if isinstance(value, Function) and value.module.name == name:
                self._read_function(name, value.name, value, relevant)
            elif isinstance(value, Class) and value.module.name == name:
                for method in value.namespace.values():
                    if isinstance(method, Function):
                        self._read_function(name, value.name, method, relevant)

    def _read_function(self, module: str, definition: str, function: Function, relevant: frozenset[str]) -> None:
        if id(function.node) in self.read or not mentions_environment(function.node, relevant):
            return
        self.read.add(id(function.node))
        with self._apart(), self.at_root(Root(module, definition, function.node.lineno)):
            self.call_unknown(function)

    @contextlib.contextmanager
    def at_root(self, root: Root) -> t.Iterator[None]:
        """Accesses belong to ``root`` in here; what it surely raises ends it, and it may take its share of steps."""
        before, steps = self.root, self.steps
        self.root = root
        self.roots.append(root)
        self.steps = allowed = min(STEPS_A_ROOT, STEPS_IN_ALL - self.steps_in_all)
        try:
            yield
        except Raised:
            pass
        except (Exhausted, RecursionError):
            root.is_exhausted = True
        finally:
            self.steps_in_all += allowed - max(self.steps, 0)
            self.root, self.steps = before, steps

    @contextlib.contextmanager
    def _apart(self) -> t.Iterator[None]:
        """Loops and handlers around an import, or around the last root, are none of a module's own."""
        kept = self.loops, self.caught, self.depth
        self.loops, self.caught = [], []
        try:
            yield
        finally:
            self.loops, self.caught, self.depth = kept

    def import_module(self, name: str) -> Value:
        found = self.tree.find(name)
        if found is None:
            return External(name)
        self.load(name)
        return ModuleValue(name)

    def attribute_of_module(self, name: str, attribute: str) -> Value:
        scope = self.load(name)
        value = scope.names.get(attribute, MISSING) if scope else MISSING
        if value is not MISSING:
            return value
        if self.tree.find(f"{name}.{attribute}"):
            return self.import_module(f"{name}.{attribute}")
        return UNKNOWN

    # The environment

    def record(self, node: ast.AST, name: Value, frame: Frame, *, required: bool, default: Value = MISSING) -> Value:
        """Write down that the variable ``name`` is read here; gives the text that the program then has."""
        if not isinstance(name, str):
            self.unresolved[id(node)] = (str(frame.module.path), getattr(node, "lineno", 0))
            return UNKNOWN
        self.resolved.add(id(node))
        if name in statements.present_names(frame.scope):
            required = False
        if any(names & statements.KEY_ERRORS for names in self.caught):
            required = False
        compute = _computing(default)
        loop = self.loops[-1] if self.loops else None
        if loop is not None and id(node) in loop:
            access = loop[id(node)]
            access.names += [str(name)] if name not in access.names else []
            return EnvText(access, compute)
        if isinstance(name, Text):
            file, line = name.file, name.line
        else:
            file, line = str(frame.module.path), getattr(node, "lineno", 0)
        access = Access([name], file, line, required, default)
        if isinstance(default, EnvText):
            statements.merge(access, default.access)
            access.default = default.access.default
        if loop is not None:
            loop[id(node)] = access
        self.root.accesses.append(access)
        return EnvText(access, compute)

    # Calls

    def call_unknown(self, function: Function) -> Value:
        """The function with no argument known, but for parameters whose default is the environment."""
        names = calls.parameters(function.node)
        known = {name: _of_environment(function.defaults.get(name, MISSING)) for name in names}
        return self.call_bound(function, known)

    def call_bound(self, function: Function, names: dict[str, Value]) -> Value:
        if self.depth >= DEEPEST_CALL:
            return UNKNOWN
        self.step()
        frame = Frame(function.module, Scope(names, function.scope))
        self.depth += 1
        try:
            if isinstance(function.node, ast.Lambda):
                from ansible_collections.harvis.platform.plugins.module_utils.contract import expressions

                return expressions.evaluate(self, function.node.body, frame)
            flow = statements.execute_all(self, function.node.body, frame)
        finally:
            self.depth -= 1
        if frame.is_generator:
            return UNKNOWN
        if flow is statements.Flow.NEXT:
            frame.returns.append(None)
        if not frame.returns:
            raise Raised("Exception", "every way through it raises")
        return choose(*frame.returns)

    def construct(self, cls: Class, args: t.Sequence[Value], keywords: dict[str, Value]) -> Value:
        """An instance, with what is known of its attributes."""
        instance = Instance(cls, {})
        initialise = cls.lookup("__init__")
        if isinstance(initialise, Function):
            names = calls.bind(initialise, [instance, *args], keywords)
            self.call_bound(initialise, names)
        else:
            fields = cls.all_fields()
            given = {**dict(zip(fields, args, strict=False)), **keywords}
            for name in fields:
                value = given.get(name, MISSING)
                instance.attributes[name] = calls.field_default(cls.lookup(name)) if value is MISSING else value
        if not self.concrete:
            self.instances.append(instance)
        return instance

    def define(self, cls: Class) -> None:
        """A class was defined; settings classes read the environment by that alone."""
        if not self.concrete and pydantic_settings.is_settings(cls):
            scope = self.scopes.get(cls.module.name) or Scope({})
            self.root.accesses += pydantic_settings.accesses(cls, scope, self._has_file)

    def _has_file(self, name: str) -> bool:
        return any(path.rpartition("/")[2] == name.rpartition("/")[2] for path in self.tree.files)

    def rejects(self, attempt: t.Callable[[], Value]) -> str:
        """Why ``attempt`` surely raises; empty when it does not, or when nobody can say."""
        kept = self.concrete, self.steps, self.depth, self.loops, self.caught, self.root
        self.concrete, self.steps, self.loops, self.caught = True, STEPS_A_CHECK, [], []
        self.root = Root("", "", 0)
        try:
            attempt()
        except Raised as raised:
            return raised.reason or raised.kind
        except (Exhausted, RecursionError):
            return ""
        finally:
            self.concrete, self.steps, self.depth, self.loops, self.caught, self.root = kept
        return ""


def _computing(default: Value) -> t.Callable[[t.Any], t.Any]:
    absent = default if isinstance(default, str) else None
    return lambda text: absent if text is None else text


def _of_environment(default: Value) -> Value:
    return default if default == External("os.environ") else UNKNOWN


def _target(statement: ast.stmt) -> str:
    """The name that a top-level statement gives a value; empty for one that does something."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return statement.name
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return ""


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]
