"""Comprehensions: what they collect, and what their filters say about variables that are not set."""

from __future__ import annotations

import ast
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.contract import expressions, outside, statements
from ansible_collections.harvis.platform.plugins.module_utils.contract.narrowing import narrow
from ansible_collections.harvis.platform.plugins.module_utils.contract.values import (
    UNKNOWN,
    Absent,
    EnvHas,
    EnvText,
    Scope,
    Value,
    Walk,
    choose,
    options,
    truth,
)

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.contract.interpreter import Frame, Interpreter


def sequence(run: Interpreter, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, frame: Frame) -> Value:
    found: list[Value] = []
    unsure = _each(run, node.generators, frame, lambda inner: found.append(expressions.evaluate(run, node.elt, inner)))
    if isinstance(unsure, Absent):
        return unsure
    if unsure:
        return Walk(choose(*found) if found else UNKNOWN)
    return {v for v in found if expressions.hashable(v)} if isinstance(node, ast.SetComp) else found


def mapping(run: Interpreter, node: ast.DictComp, frame: Frame) -> Value:
    found: dict[Value, Value] = {}

    def add(inner: Frame) -> None:
        key, value = expressions.evaluate(run, node.key, inner), expressions.evaluate(run, node.value, inner)
        if not isinstance(key, (list, dict, set)):
            found[key] = value

    return UNKNOWN if _each(run, node.generators, frame, add) else found


def _each(
    run: Interpreter, generators: list[ast.comprehension], frame: Frame, visit: t.Callable[[Frame], object]
) -> bool | Absent:
    """Call ``visit`` for every element; true when what is visited is not all, or not surely, there."""
    first, rest = generators[0], generators[1:]
    rows = expressions.evaluate(run, first.iter, frame)
    items = expressions.items_of(run, rows)
    unsure = items is None or len(items) > statements.MOST_ITERATIONS
    absent = []
    for item in [expressions.element_of(run, rows)] if unsure or items is None else items:
        inner = type(frame)(frame.module, Scope({}, frame.scope))
        statements.assign(run, first.target, item, inner)
        verdicts = []
        for test in first.ifs:
            verdict = expressions.evaluate(run, test, inner)
            absent += _absence(run, test, verdict, inner)
            verdicts.append(truth(verdict))
            narrow(run, test, True, inner)
        if False in verdicts:
            continue
        unsure = unsure or None in verdicts
        if rest:
            unsure = bool(_each(run, rest, inner, visit)) or unsure
        else:
            visit(inner)
    return Absent(tuple(absent)) if absent else unsure


def _absence(run: Interpreter, test: ast.expr, value: Value, frame: Frame) -> list[t.Any]:
    """Accesses that a filter is about when it lets through what is not set."""
    if run.concrete:
        return []
    if isinstance(value, EnvHas) and value.negated:
        return [outside.probe(run, value.name, frame, test)]
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = expressions.evaluate(run, test.operand, frame)
        return [o.access for o in options(inner) if isinstance(o, EnvText)]
    return []
