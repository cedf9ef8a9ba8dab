"""What the end of a program says about the variable that it is about: ``if not token: raise``."""

from __future__ import annotations

import ast
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.contract import expressions, statements
from ansible_collections.harvis.platform.plugins.module_utils.contract.values import (
    Absent,
    Access,
    EnvHas,
    EnvText,
    Raised,
    Scope,
    Value,
    truth,
)

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.contract.interpreter import Frame, Interpreter

_ENDING_CALLS = frozenset({"exit", "_exit", "abort", "quit", "error", "fail"})


def ends(body: t.Sequence[ast.stmt]) -> bool:
    """Whether a block surely raises or leaves the process, as far as its text shows."""
    last = body[-1] if body else None
    if isinstance(last, ast.Raise):
        return True
    if isinstance(last, ast.If):
        return ends(last.body) and ends(last.orelse)
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        called = last.value.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        return name in _ENDING_CALLS or name.startswith(("stop_", "die", "exit_", "fail_"))
    return False


def learn_from_end(run: Interpreter, test: ast.expr, body: t.Sequence[ast.stmt], value: Value, frame: Frame) -> None:
    """``if not token: raise``: the text that makes the condition true is rejected."""
    if run.concrete:
        return
    if isinstance(value, EnvHas) and value.negated:
        run.root.accesses.append(Access([value.name], str(frame.module.path), test.lineno, True))
    if isinstance(value, Absent):
        for access in value.accesses:
            access.required = True
            access.checks.append(lambda text: "" if text else "the program stops when it is not set")
        return
    bound = {n.id: frame.scope.get(n.id) for n in ast.walk(test) if isinstance(n, ast.Name)}
    texts = {name: v for name, v in bound.items() if isinstance(v, EnvText)}
    if len({id(v.access) for v in texts.values()}) != 1 or any(run.caught):
        return

    def check(text: str | None) -> str:
        if any((v.filled and not text) or (v.present and text is None) for v in texts.values()):
            return ""
        scope = Scope({n: v.compute(text) for n, v in texts.items()}, frame.scope)
        inner = type(frame)(frame.module, scope)

        def attempt() -> None:
            if truth(expressions.evaluate(run, test, inner)) is True:
                statements.execute_all(run, body, inner)
                raise Raised("SystemExit", f"the program stops at {frame.module.path.name}:{test.lineno}")

        return run.rejects(attempt)

    next(iter(texts.values())).access.checks.append(check)
