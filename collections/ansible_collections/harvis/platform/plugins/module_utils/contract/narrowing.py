"""What a condition that holds (or does not) says about the names in it."""

from __future__ import annotations

import ast
import dataclasses
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.contract.values import (
    Choice,
    EnvHas,
    EnvText,
    Scope,
    Value,
    choose,
    truth,
)

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.contract.interpreter import Frame, Interpreter

PRESENT = "<present>"


def present_names(scope: Scope) -> frozenset[str]:
    """Variables that a condition around this place has found in the environment."""
    found = scope.names.get(PRESENT)
    return found if isinstance(found, frozenset) else frozenset()


def narrow(run: Interpreter, test: ast.expr, holds: bool, frame: Frame) -> None:
    """Change the frame's names to what they can be when ``test`` is ``holds``."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        narrow(run, test.operand, not holds, frame)
    elif isinstance(test, ast.BoolOp):
        if isinstance(test.op, ast.And) == holds:
            for part in test.values:
                narrow(run, part, holds, frame)
    elif isinstance(test, ast.NamedExpr):
        narrow(run, test.target, holds, frame)
    elif isinstance(test, ast.Name):
        _replace(frame, test.id, lambda value: _by_truth(value, holds))
    elif isinstance(test, ast.Call) and holds and len(test.args) == 1:
        _by_reading(run, test, frame)
    elif isinstance(test, ast.Compare) and len(test.ops) == 1:
        _by_comparison(run, test, holds, frame)


def _by_comparison(run: Interpreter, test: ast.Compare, holds: bool, frame: Frame) -> None:
    left, right, operator = test.left, test.comparators[0], test.ops[0]
    left = left.target if isinstance(left, ast.NamedExpr) else left
    is_none = isinstance(right, ast.Constant) and right.value is None
    if is_none and isinstance(operator, (ast.Is, ast.IsNot)) and isinstance(left, ast.Name):
        none = isinstance(operator, ast.Is) == holds
        _replace(frame, left.id, lambda value: _by_none(value, none))
    elif isinstance(operator, (ast.In, ast.NotIn)):
        from ansible_collections.harvis.platform.plugins.module_utils.contract import expressions

        value = expressions.evaluate(run, test, frame)
        if isinstance(value, EnvHas) and value.negated != holds:
            frame.scope.names[PRESENT] = present_names(frame.scope) | {value.name}


def _by_reading(run: Interpreter, test: ast.Call, frame: Frame) -> None:
    """``if os.environ.get(name):`` says that it is there."""
    from ansible_collections.harvis.platform.plugins.module_utils.contract import expressions

    function = expressions.evaluate(run, test.func, frame)
    name = expressions.evaluate(run, test.args[0], frame)
    if getattr(function, "name", "") in ("os.environ.get", "os.getenv") and isinstance(name, str):
        frame.scope.names[PRESENT] = present_names(frame.scope) | {str(name)}


def _replace(frame: Frame, name: str, change: t.Callable[[Value], Value]) -> None:
    value = frame.scope.get(name)
    changed = change(value)
    if changed is not value:
        frame.scope.names[name] = changed


def _by_truth(value: Value, holds: bool) -> Value:
    if isinstance(value, EnvText):
        return dataclasses.replace(value, filled=True, present=True) if holds else value
    if isinstance(value, Choice):
        left = [_by_truth(o, holds) for o in value.options if truth(o) is not (not holds)]
        return choose(*left) if left else value
    return value


def _by_none(value: Value, none: bool) -> Value:
    if isinstance(value, EnvText):
        return value if none else dataclasses.replace(value, present=True)
    if isinstance(value, Choice):
        left = [_by_none(o, none) for o in value.options if none or o is not None]
        return choose(*left) if left else value
    return value
