"""Statements: what they bind, which ways they may take, and what they say about a variable's text."""

from __future__ import annotations

import ast
import enum
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.contract import endings, expressions, operators
from ansible_collections.harvis.platform.plugins.module_utils.contract.narrowing import PRESENT, narrow, present_names
from ansible_collections.harvis.platform.plugins.module_utils.contract.values import (
    ENVIRON,
    UNKNOWN,
    Access,
    Choice,
    Class,
    EnvText,
    Function,
    Instance,
    Raised,
    Scope,
    Value,
    choose,
    options,
    truth,
)

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.contract.interpreter import Frame, Interpreter

__all__ = ["KEY_ERRORS", "Flow", "execute", "execute_all", "merge", "present_names"]

KEY_ERRORS = frozenset({"KeyError", "LookupError", "Exception", "BaseException"})
# Handlers that a bad text does not reach.
_UNRELATED = frozenset({"ImportError", "ModuleNotFoundError", "OSError", "FileNotFoundError", "KeyboardInterrupt"})
MOST_ITERATIONS = 2000


class Flow(enum.Enum):
    """How a statement ends: on to the next one, or out of a loop or function. ENDED raises on every way."""

    NEXT = enum.auto()
    RETURN = enum.auto()
    BREAK = enum.auto()
    CONTINUE = enum.auto()
    ENDED = enum.auto()


def execute_all(run: Interpreter, body: t.Sequence[ast.stmt], frame: Frame) -> Flow:
    for statement in body:
        flow = execute(run, statement, frame)
        if flow is not Flow.NEXT:
            return flow
    return Flow.NEXT


def execute(run: Interpreter, node: ast.stmt, frame: Frame) -> Flow:
    run.step()
    handler = _HANDLERS.get(type(node))
    return handler(run, node, frame) or Flow.NEXT if handler else Flow.NEXT


def merge(access: Access, other: Access) -> None:
    """``other`` is tried when ``access`` gives nothing: they are one setting."""
    if access is other:
        return
    access.names += [name for name in other.names if name not in access.names]
    access.checks += other.checks
    other.merged = True


def assign(run: Interpreter, target: ast.expr, value: Value, frame: Frame) -> None:
    if isinstance(target, ast.Name):
        scope = _module_scope(frame.scope) if target.id in frame.global_names else frame.scope
        scope.names[target.id] = value
    elif isinstance(target, (ast.Tuple, ast.List)):
        _unpack(run, target.elts, value, frame)
    elif isinstance(target, ast.Starred):
        assign(run, target.value, value, frame)
    elif isinstance(target, ast.Attribute):
        receiver = expressions.evaluate(run, target.value, frame)
        if isinstance(receiver, Instance):
            receiver.attributes[target.attr] = value
    elif isinstance(target, ast.Subscript):
        _assign_item(run, target, value, frame)


def _assign_item(run: Interpreter, target: ast.Subscript, value: Value, frame: Frame) -> None:
    receiver = expressions.evaluate(run, target.value, frame)
    key = expressions.evaluate(run, target.slice, frame)
    if receiver == ENVIRON and isinstance(key, str):
        run.root.stored.add(str(key))
    elif isinstance(receiver, dict) and isinstance(key, (str, int)):
        receiver[key] = value


def _unpack(run: Interpreter, targets: t.Sequence[ast.expr], value: Value, frame: Frame) -> None:
    star = any(isinstance(item, ast.Starred) for item in targets)
    rows = [o for o in options(value) if isinstance(o, (tuple, list)) and len(o) == len(targets)]
    for index, item in enumerate(targets):
        known = rows and not star
        assign(run, item, choose(*(row[index] for row in rows)) if known else UNKNOWN, frame)


def _module_scope(scope: Scope) -> Scope:
    while scope.parent is not None:
        scope = scope.parent
    return scope


# Simple statements


def _assign(run: Interpreter, node: ast.Assign, frame: Frame) -> None:
    value = expressions.evaluate(run, node.value, frame)
    for target in node.targets:
        assign(run, target, value, frame)


def _ann_assign(run: Interpreter, node: ast.AnnAssign, frame: Frame) -> None:
    if node.value is not None:
        assign(run, node.target, expressions.evaluate(run, node.value, frame), frame)


def _aug_assign(run: Interpreter, node: ast.AugAssign, frame: Frame) -> None:
    read = ast.copy_location(ast.BinOp(_as_load(node.target), node.op, node.value), node)
    assign(run, node.target, expressions.evaluate(run, read, frame), frame)


def _as_load(target: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Name(target.id, ast.Load()), target) if isinstance(target, ast.Name) else target


def _expression(run: Interpreter, node: ast.Expr, frame: Frame) -> None:
    expressions.evaluate(run, node.value, frame)


def _return(run: Interpreter, node: ast.Return, frame: Frame) -> Flow:
    frame.returns.append(expressions.evaluate(run, node.value, frame) if node.value else None)
    return Flow.RETURN


def _raise(run: Interpreter, node: ast.Raise, frame: Frame) -> Flow:
    kind, reason = "Exception", ""
    if node.exc is not None:
        called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        kind = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "Exception")
        if isinstance(node.exc, ast.Call):
            values = [expressions.evaluate(run, a, frame) for a in node.exc.args if not isinstance(a, ast.Starred)]
            texts = [str(v) for v in values if isinstance(v, str)]
            reason = texts[-1] if texts else ""
    raise Raised(kind, reason)


def _assert(run: Interpreter, node: ast.Assert, frame: Frame) -> None:
    value = expressions.evaluate(run, node.test, frame)
    if truth(value) is False:
        raise Raised("AssertionError")
    negated = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node)
    endings.learn_from_end(run, negated, [], value, frame)
    narrow(run, node.test, True, frame)


def _global(_: Interpreter, node: ast.Global, frame: Frame) -> None:
    frame.global_names.update(node.names)


def _import(run: Interpreter, node: ast.Import, frame: Frame) -> None:
    for alias in node.names:
        value = run.import_module(alias.name)
        name = alias.asname or alias.name.partition(".")[0]
        frame.scope.names[name] = value if alias.asname else run.import_module(name)


def _import_from(run: Interpreter, node: ast.ImportFrom, frame: Frame) -> None:
    origin = frame.module.absolute(node)
    source = run.import_module(origin)
    for alias in node.names:
        if alias.name == "*":
            scope = run.load(origin)
            frame.scope.names.update({k: v for k, v in (scope.names if scope else {}).items() if k[0] not in "_<"})
            continue
        frame.scope.names[alias.asname or alias.name] = expressions.attribute(run, source, alias.name)


# Definitions


def _function(run: Interpreter, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> None:
    for decorator in node.decorator_list:
        expressions.evaluate(run, decorator, frame)
    frame.scope.names[node.name] = expressions.function(run, node, frame)


def _class(run: Interpreter, node: ast.ClassDef, frame: Frame) -> None:
    bases = tuple(expressions.evaluate(run, b, frame) for b in node.bases if not isinstance(b, ast.Starred))
    inner = type(frame)(frame.module, Scope({}, frame.scope))
    execute_all(run, node.body, inner)
    # A method's names are looked up in the module, not in the class: its scope is the class's parent.
    namespace = {k: _unscoped(v, inner.scope, frame.scope) for k, v in inner.scope.names.items()}
    fields = tuple(s.target.id for s in node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name))
    cls = Class(node.name, frame.module, bases, namespace, fields, node)
    frame.scope.names[node.name] = cls
    run.define(cls)


def _unscoped(value: Value, inner: Scope, outer: Scope) -> Value:
    if isinstance(value, Function) and value.scope is inner:
        return Function(value.node, value.module, outer, value.defaults)
    return value


# Ways


def _if(run: Interpreter, node: ast.If, frame: Frame) -> Flow:
    value = expressions.evaluate(run, node.test, frame)
    operators.note_truth_test(value)
    known = truth(value)
    if known is not None:
        return execute_all(run, node.body if known else node.orelse, frame)
    if endings.ends(node.body):
        endings.learn_from_end(run, node.test, node.body, value, frame)
    return _either(
        frame,
        lambda: (narrow(run, node.test, True, frame), execute_all(run, node.body, frame))[1],
        lambda: (narrow(run, node.test, False, frame), execute_all(run, node.orelse, frame))[1],
    )


def _either(frame: Frame, *ways: t.Callable[[], Flow]) -> Flow:
    """Take every way from the same state; those that come out at the end are one state afterwards."""
    before = dict(frame.scope.names)
    outcomes: list[tuple[Flow, dict[str, Value]]] = []
    for way in ways:
        frame.scope.names.clear()
        frame.scope.names.update(before)
        try:
            flow = way()
        except Raised:
            flow = Flow.ENDED
        outcomes.append((flow, dict(frame.scope.names)))
    flows = {flow for flow, _ in outcomes}
    flow = next(f for f in (Flow.NEXT, Flow.CONTINUE, Flow.BREAK, Flow.RETURN, Flow.ENDED) if f in flows)
    states = [names for f, names in outcomes if f is flow]
    frame.scope.names.clear()
    frame.scope.names.update(_joined(before, states))
    return flow


def _joined(before: dict[str, Value], states: list[dict[str, Value]]) -> dict[str, Value]:
    if len(states) == 1:
        return states[0]
    found: dict[str, Value] = {}
    for name in dict.fromkeys(key for state in states for key in state):
        values = [state[name] for state in states if name in state]
        texts = [v for v in values if isinstance(v, EnvText)]
        if len(texts) == len(values) and len({id(v.compute) for v in texts}) == 1:
            found[name] = before.get(name, values[0])  # narrowed on both ways, and so on neither
        elif name == PRESENT:
            found[name] = frozenset.intersection(*values)
        else:
            found[name] = values[0] if all(v is values[0] for v in values) else choose(*values)
    return found


def _for(run: Interpreter, node: ast.For | ast.AsyncFor, frame: Frame) -> Flow:
    rows = expressions.evaluate(run, node.iter, frame)
    tries = _leaves_loop(node.body)
    for option in options(rows):
        items = expressions.items_of(run, option)
        if items is None or len(items) > MOST_ITERATIONS:
            element = expressions.element_of(run, option)

            def once(element: Value = element) -> Flow:
                assign(run, node.target, element, frame)
                return _inside(execute_all(run, node.body, frame))

            _either(frame, once, lambda: Flow.NEXT)
            continue
        if tries:
            run.loops.append({})
        try:
            flow = _iterate(run, node, items, frame)
        finally:
            if tries:
                run.loops.pop()
        if flow in (Flow.RETURN, Flow.ENDED) and not isinstance(rows, Choice):
            return flow
    return execute_all(run, node.orelse, frame)


def _iterate(run: Interpreter, node: ast.For | ast.AsyncFor, items: t.Sequence[Value], frame: Frame) -> Flow:
    for item in items:
        assign(run, node.target, item, frame)
        flow = execute_all(run, node.body, frame)
        if flow is Flow.BREAK:
            return Flow.NEXT
        if flow in (Flow.RETURN, Flow.ENDED):
            return flow
    return Flow.NEXT


def _while(run: Interpreter, node: ast.While, frame: Frame) -> Flow:
    if truth(expressions.evaluate(run, node.test, frame)) is not False:
        _either(frame, lambda: _inside(execute_all(run, node.body, frame)), lambda: Flow.NEXT)
    return Flow.NEXT


def _inside(flow: Flow) -> Flow:
    """A loop's own jumps end in the loop."""
    return Flow.NEXT if flow in (Flow.BREAK, Flow.CONTINUE) else flow


def _try(run: Interpreter, node: ast.Try, frame: Frame) -> Flow:
    mild = frozenset(name for h in node.handlers if not endings.ends(h.body) for name in _handled(h)) - _UNRELATED
    run.caught.append(mild)
    try:
        flow = execute_all(run, [*node.body, *node.orelse], frame)
    except Raised as raised:
        run.caught.pop()
        flow = _handle(run, node, raised, frame)
    else:
        run.caught.pop()
        if not run.concrete:
            ways = [lambda h=handler: execute_all(run, h.body, frame) for handler in node.handlers]
            flow = _either(frame, lambda: flow, *ways) if ways else flow
    after = execute_all(run, node.finalbody, frame)
    return flow if after is Flow.NEXT else after


def _handle(run: Interpreter, node: ast.Try, raised: Raised, frame: Frame) -> Flow:
    from ansible_collections.harvis.platform.plugins.module_utils.contract.exceptions import is_caught

    for handler in node.handlers:
        if is_caught(raised.kind, _handled(handler), frame.scope):
            if handler.name:
                frame.scope.names[handler.name] = raised.reason or UNKNOWN
            return execute_all(run, handler.body, frame)
    execute_all(run, node.finalbody, frame)
    raise raised


def _handled(handler: ast.ExceptHandler) -> frozenset[str]:
    """Last names of what a handler catches."""
    if handler.type is None:
        return frozenset({"BaseException"})
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return frozenset(n.attr if isinstance(n, ast.Attribute) else getattr(n, "id", "") for n in types)


def _with(run: Interpreter, node: ast.With | ast.AsyncWith, frame: Frame) -> Flow:
    suppressed: set[str] = set()
    for item in node.items:
        value = expressions.evaluate(run, item.context_expr, frame)
        suppressed |= expressions.suppressed(item.context_expr, value)
        if item.optional_vars is not None:
            assign(run, item.optional_vars, UNKNOWN, frame)
    run.caught.append(frozenset(suppressed))
    try:
        return execute_all(run, node.body, frame)
    except Raised:
        if suppressed:
            return Flow.NEXT
        raise
    finally:
        run.caught.pop()


def _match(run: Interpreter, node: ast.Match, frame: Frame) -> Flow:
    expressions.evaluate(run, node.subject, frame)
    ways = [lambda c=case: execute_all(run, c.body, frame) for case in node.cases]
    return _either(frame, *ways, lambda: Flow.NEXT)


def _leaves_loop(body: t.Sequence[ast.stmt]) -> bool:
    """Whether a loop stops at the first that it finds: names tried in turn, not names that are all read."""
    return any(isinstance(node, (ast.Return, ast.Break)) for statement in body for node in ast.walk(statement))


_HANDLERS: dict[type, t.Callable[..., Flow | None]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _ann_assign,
    ast.AugAssign: _aug_assign,
    ast.Expr: _expression,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Assert: _assert,
    ast.Global: _global,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.Try: _try,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Match: _match,
    ast.Break: lambda *_: Flow.BREAK,
    ast.Continue: lambda *_: Flow.CONTINUE,
}
