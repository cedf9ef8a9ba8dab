"""Expressions: the value of each, as far as the sources tell."""

from __future__ import annotations

import ast
import typing as t
import urllib.parse

from ansible_collections.harvis.platform.plugins.module_utils.contract import calls, comprehensions, operators
from ansible_collections.harvis.platform.plugins.module_utils.contract.values import (
    ENVIRON,
    MISSING,
    UNKNOWN,
    Bound,
    Choice,
    Class,
    EnvironKey,
    EnvText,
    External,
    Function,
    Instance,
    ModuleValue,
    Raised,
    Text,
    Value,
    Walk,
    choose,
    is_native,
    options,
)

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.contract.interpreter import Frame, Interpreter

_ADDRESSES = (urllib.parse.SplitResult, urllib.parse.ParseResult)


def evaluate(run: Interpreter, node: ast.expr, frame: Frame) -> Value:
    run.step()
    handler = _HANDLERS.get(type(node))
    return handler(run, node, frame) if handler else UNKNOWN


def function(run: Interpreter, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, frame: Frame) -> Function:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    given = zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True)
    named = [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None]
    return Function(node, frame.module, frame.scope, {a.arg: evaluate(run, d, frame) for a, d in [*given, *named]})


def attribute(run: Interpreter, value: Value, name: str) -> Value:
    if isinstance(value, Choice):
        return choose(*(attribute(run, option, name) for option in value.options if option is not None))
    if isinstance(value, ModuleValue):
        return run.attribute_of_module(value.name, name)
    if isinstance(value, External):
        return False if value.name == "typing" and name == "TYPE_CHECKING" else External(f"{value.name}.{name}")
    if isinstance(value, Instance):
        return _of_instance(run, value, name)
    if isinstance(value, Class):
        found = value.lookup(name)
        if isinstance(found, Function):
            return calls.bound_to_class(found, value)
        return UNKNOWN if found is MISSING or value.derives("Enum", "StrEnum", "IntEnum") else found
    if isinstance(value, _ADDRESSES):
        try:
            return getattr(value, name, UNKNOWN) if not name.startswith("_") else UNKNOWN
        except ValueError as exc:
            raise Raised("ValueError", str(exc)) from exc
    return Bound(value, name)


def _of_instance(run: Interpreter, value: Instance, name: str) -> Value:
    if name in value.attributes:
        return value.attributes[name]
    found = value.cls.lookup(name)
    if isinstance(found, Function):
        kinds = calls.decorators(found)
        if kinds & {"property", "cached_property"}:
            return run.call_bound(found, calls.bind(found, [value], {}))
        return (
            calls.bound_to_class(found, value.cls)
            if kinds & {"classmethod", "staticmethod"}
            else calls.bound(found, value)
        )
    return UNKNOWN if found is MISSING else found


def items_of(_: Interpreter, value: Value) -> list[Value] | None:
    """What iterating gives, in order; None when that is not known."""
    if value == ENVIRON or (isinstance(value, Bound) and value.receiver == ENVIRON):
        return None
    if isinstance(value, (tuple, list, dict)):
        return list(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return None


def element_of(run: Interpreter, value: Value) -> Value:
    """One element of what cannot be listed."""
    if value == ENVIRON:
        key = EnvironKey(set())
        run.root.prefixes.append(key.prefixes)
        return key
    return value.element if isinstance(value, Walk) else UNKNOWN


def suppressed(node: ast.expr, value: Value) -> set[str]:
    """Exceptions that a ``with`` swallows: ``contextlib.suppress(KeyError)``."""
    if getattr(value, "name", "") != "contextlib.suppress" or not isinstance(node, ast.Call):
        return set()
    return {a.attr if isinstance(a, ast.Attribute) else getattr(a, "id", "") for a in node.args}


# Atoms


def _constant(_: Interpreter, node: ast.Constant, frame: Frame) -> Value:
    if isinstance(node.value, str):
        return Text.at(node.value, str(frame.module.path), node.lineno)
    return node.value


def _name(_: Interpreter, node: ast.Name, frame: Frame) -> Value:
    found = frame.scope.get(node.id)
    return External(f"builtins.{node.id}") if found is MISSING else found


def _attribute(run: Interpreter, node: ast.Attribute, frame: Frame) -> Value:
    return attribute(run, evaluate(run, node.value, frame), node.attr)


def _joined(run: Interpreter, node: ast.JoinedStr, frame: Frame) -> Value:
    parts = [_part(run, part, frame) for part in node.values]
    if not all(isinstance(part, str) for part in parts):
        return UNKNOWN
    return Text.at("".join(parts)[: operators.LONGEST], str(frame.module.path), node.lineno)


def _part(run: Interpreter, node: ast.expr, frame: Frame) -> Value:
    """A piece of an f-string as text."""
    if not isinstance(node, ast.FormattedValue):
        return evaluate(run, node, frame)
    value = evaluate(run, node.value, frame)
    form = evaluate(run, node.format_spec, frame) if node.format_spec else ""
    # A width of the sources' choosing could fill the memory.
    if not isinstance(value, (str, int, float)) or not isinstance(form, str) or any(c.isdigit() for c in form):
        return UNKNOWN
    try:
        return format(repr(value) if node.conversion == ord("r") else value, form)
    except ValueError:
        return UNKNOWN


def _sequence(run: Interpreter, node: ast.Tuple | ast.List | ast.Set, frame: Frame) -> Value:
    found: list[Value] = []
    for item in node.elts:
        value = evaluate(run, item.value if isinstance(item, ast.Starred) else item, frame)
        if isinstance(item, ast.Starred):
            items = items_of(run, value)
            if items is None:
                return UNKNOWN
            found += items
        else:
            found.append(value)
    if isinstance(node, ast.Set):
        return {v for v in found if hashable(v)} if all(map(hashable, found)) else UNKNOWN
    return tuple(found) if isinstance(node, ast.Tuple) else found


def hashable(value: Value) -> bool:
    return is_native(value) and not isinstance(value, (list, dict, set))


def _dict(run: Interpreter, node: ast.Dict, frame: Frame) -> Value:
    found: dict[Value, Value] = {}
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = evaluate(run, value_node, frame)
        if key_node is None:
            if value == ENVIRON:
                return ENVIRON
            if not isinstance(value, dict):
                return UNKNOWN
            found.update(value)
            continue
        key = evaluate(run, key_node, frame)
        if isinstance(key, (list, dict, set)):
            return UNKNOWN
        found[key] = value
    return found


def _lambda(run: Interpreter, node: ast.Lambda, frame: Frame) -> Value:
    return function(run, node, frame)


def _named(run: Interpreter, node: ast.NamedExpr, frame: Frame) -> Value:
    value = evaluate(run, node.value, frame)
    frame.scope.names[node.target.id] = value
    return value


def _subscript(run: Interpreter, node: ast.Subscript, frame: Frame) -> Value:
    value, key = evaluate(run, node.value, frame), evaluate(run, node.slice, frame)
    if value == ENVIRON:
        return choose(*(run.record(node, k, frame, required=True) for k in options(key)))
    return choose(*(_item(run, v, k) for v in options(value) for k in options(key)))


def _item(run: Interpreter, value: Value, key: Value) -> Value:
    if isinstance(value, dict) and isinstance(key, EnvText):
        calls.check(run, key, lambda text: _item(run, value, text))
        return choose(*value.values()) if value else UNKNOWN
    if isinstance(value, dict) and key in value:
        return value[key]
    if isinstance(value, dict) and is_native(key):
        if all(map(is_native, value)):
            raise Raised("KeyError", f"{key!r} is none of {', '.join(map(str, value))}"[:200])
        return UNKNOWN
    if isinstance(value, (tuple, list)) and isinstance(key, int) and -len(value) <= key < len(value):
        return value[key]
    return UNKNOWN


# Calls


def _call(run: Interpreter, node: ast.Call, frame: Frame) -> Value:
    function_value = evaluate(run, node.func, frame)
    args: list[Value] = []
    for item in node.args:
        if isinstance(item, ast.Starred):
            value = evaluate(run, item.value, frame)
            listed = items_of(run, value)
            args += [calls.REST] if listed is None else listed
        else:
            args.append(evaluate(run, item, frame))
    keywords: dict[str, Value] = {}
    for keyword in node.keywords:
        value = evaluate(run, keyword.value, frame)
        if keyword.arg is not None:
            keywords[keyword.arg] = value
        elif isinstance(value, dict):
            keywords.update({str(k): v for k, v in value.items()})
    return calls.call(run, function_value, calls.Call(node, args, keywords, frame))


def _yield(_: Interpreter, node: ast.expr, frame: Frame) -> Value:
    frame.is_generator = True
    value = getattr(node, "value", None)
    if value is not None:
        evaluate(_, value, frame)
    return UNKNOWN


def _inner(run: Interpreter, node: t.Any, frame: Frame) -> Value:
    return evaluate(run, node.value, frame)


_HANDLERS: dict[type, t.Callable[..., Value]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.JoinedStr: _joined,
    ast.Tuple: _sequence,
    ast.List: _sequence,
    ast.Set: _sequence,
    ast.Dict: _dict,
    ast.Lambda: _lambda,
    ast.BoolOp: operators.boolean,
    ast.UnaryOp: operators.unary,
    ast.BinOp: operators.binary,
    ast.Compare: operators.compare,
    ast.IfExp: operators.conditional,
    ast.NamedExpr: _named,
    ast.Subscript: _subscript,
    ast.ListComp: comprehensions.sequence,
    ast.SetComp: comprehensions.sequence,
    ast.GeneratorExp: comprehensions.sequence,
    ast.DictComp: comprehensions.mapping,
    ast.Call: _call,
    ast.Await: _inner,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
}
