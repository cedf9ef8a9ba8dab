"""Operators, comparisons and conditions inside expressions."""

from __future__ import annotations

import ast
import contextlib
import operator
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.contract import expressions, statements
from ansible_collections.harvis.platform.plugins.module_utils.contract.narrowing import narrow
from ansible_collections.harvis.platform.plugins.module_utils.contract.values import (
    ENVIRON,
    UNKNOWN,
    Choice,
    Class,
    EnvHas,
    EnvText,
    Function,
    Instance,
    Raised,
    Value,
    choose,
    is_native,
    options,
    truth,
)

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.contract.interpreter import Frame, Interpreter

LONGEST = 100_000
_BINARY: dict[type, t.Callable[[t.Any, t.Any], t.Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
}
_COMPARE: dict[type, t.Callable[[t.Any, t.Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: lambda a, b: a is b,
    ast.IsNot: lambda a, b: a is not b,
}


def boolean(run: Interpreter, node: ast.BoolOp, frame: Frame) -> Value:
    """``a or b`` is the first that is true; texts of variables in a row are one setting with several names."""
    stop = isinstance(node.op, ast.Or)
    found: list[Value] = []
    before = dict(frame.scope.names)
    for index, part in enumerate(node.values):
        value = expressions.evaluate(run, part, frame)
        last = index == len(node.values) - 1
        if not last:
            note_truth_test(value)
        known = truth(value)
        if known is stop or last:
            found.append(value)
            break
        if known is None:
            found.append(_when_true(value) if stop else value)
        narrow(run, part, not stop, frame)
    frame.scope.names.clear()
    frame.scope.names.update(before)
    texts = [o for v in found for o in options(v) if isinstance(o, EnvText)]
    if stop and not run.concrete:
        for other in texts[1:]:
            statements.merge(texts[0].access, other.access)
    return choose(*found)


def _when_true(value: Value) -> Value:
    if isinstance(value, EnvText):
        return EnvText(value.access, value.compute, True, True)
    if isinstance(value, Choice):
        kept = [_when_true(o) for o in value.options if truth(o) is not False]
        return choose(*kept) if kept else UNKNOWN
    return value


def note_truth_test(value: Value) -> None:
    for option in options(value):
        if isinstance(option, EnvText):
            option.access.tests_empty = True


def unary(run: Interpreter, node: ast.UnaryOp, frame: Frame) -> Value:
    value = expressions.evaluate(run, node.operand, frame)
    if isinstance(node.op, ast.Not):
        note_truth_test(value)
        if isinstance(value, EnvHas):
            return EnvHas(value.name, not value.negated)
        known = truth(value)
        return UNKNOWN if known is None else not known
    if isinstance(value, (int, float)):
        return -value if isinstance(node.op, ast.USub) else UNKNOWN
    return UNKNOWN


def binary(run: Interpreter, node: ast.BinOp, frame: Frame) -> Value:
    left, right = expressions.evaluate(run, node.left, frame), expressions.evaluate(run, node.right, frame)
    operation = _BINARY.get(type(node.op))
    if ENVIRON in (left, right) and isinstance(node.op, ast.BitOr):
        return ENVIRON
    if operation is None or not (_operand(left) and _operand(right)):
        return UNKNOWN
    if isinstance(node.op, ast.Mult) and not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
        return UNKNOWN
    try:
        return operation(left, right)
    except (TypeError, ValueError, ArithmeticError, KeyError):
        return UNKNOWN


def _operand(value: Value) -> bool:
    plain = isinstance(value, (str, tuple, list, dict, set, frozenset)) and len(value) < LONGEST
    return plain or (isinstance(value, (int, float)) and abs(value) < 1e15)


def compare(run: Interpreter, node: ast.Compare, frame: Frame) -> Value:
    left = expressions.evaluate(run, node.left, frame)
    results = []
    for operation, right_node in zip(node.ops, node.comparators, strict=True):
        right = expressions.evaluate(run, right_node, frame)
        if len(node.ops) == 1 and right == ENVIRON and isinstance(operation, (ast.In, ast.NotIn)):
            return _in_environment(run, left, isinstance(operation, ast.NotIn))
        results.append(_compared(left, operation, right))
        left = right
    if False in results:
        return False
    return True if all(r is True for r in results) else UNKNOWN


def _in_environment(run: Interpreter, name: Value, negated: bool) -> Value:
    if not isinstance(name, str):
        return UNKNOWN
    run.root.probed.add(str(name))
    return EnvHas(str(name), negated)


def _compared(left: Value, operation: ast.cmpop, right: Value) -> bool | None:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, EnvText) and (other == "" or (isinstance(other, (tuple, list, set)) and "" in other)):
            one.access.tests_empty = True
    if isinstance(operation, (ast.Is, ast.IsNot)) and None in (left, right) and left is not right:
        other = right if left is None else left
        if isinstance(other, Choice):
            return None
        known = is_native(other) or isinstance(other, (Function, Class, Instance, Choice, tuple, list, dict))
        known = known or (isinstance(other, EnvText) and other.present)
        return isinstance(operation, ast.IsNot) if known else None
    if not (is_native(left) and is_native(right)):
        return None
    try:
        return bool(_COMPARE[type(operation)](left, right))
    except TypeError:
        return None


def conditional(run: Interpreter, node: ast.IfExp, frame: Frame) -> Value:
    value = expressions.evaluate(run, node.test, frame)
    note_truth_test(value)
    known = truth(value)
    if known is not None:
        return expressions.evaluate(run, node.body if known else node.orelse, frame)
    before = dict(frame.scope.names)
    found = []
    for part, holds in ((node.body, True), (node.orelse, False)):
        narrow(run, node.test, holds, frame)
        with contextlib.suppress(Raised):
            found.append(expressions.evaluate(run, part, frame))
        frame.scope.names.clear()
        frame.scope.names.update(before)
    return choose(*found) if found else UNKNOWN
