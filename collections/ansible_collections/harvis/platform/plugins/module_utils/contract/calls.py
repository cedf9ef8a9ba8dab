"""Calls: of functions of the sources, of methods of texts, and of the few outside functions that matter here."""

from __future__ import annotations

import ast
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.contract import libraries, outside
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
    ExternalCall,
    Function,
    Instance,
    Partial,
    Raised,
    Text,
    Value,
    choose,
    is_native,
    options,
)

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.contract.interpreter import Frame, Interpreter

REST = External("*")
"""Stands for arguments that a ``*`` brings and nobody knows."""

_TEXT_METHODS = frozenset(
    [
        "strip",
        "lstrip",
        "rstrip",
        "lower",
        "upper",
        "title",
        "casefold",
        "capitalize",
        "removeprefix",
        "removesuffix",
        "replace",
        "startswith",
        "endswith",
        "split",
        "rsplit",
        "partition",
        "rpartition",
        "splitlines",
        "join",
        "isdigit",
        "isdecimal",
        "isalnum",
        "isalpha",
        "isidentifier",
        "find",
        "count",
        "encode",
        "format",
    ]
)
_STAYS_TEXT = frozenset(
    [
        "strip",
        "lstrip",
        "rstrip",
        "lower",
        "upper",
        "casefold",
        "capitalize",
        "title",
        "removeprefix",
        "removesuffix",
        "replace",
    ]
)
LONGEST = 100_000


@dataclass(frozen=True)
class Call:
    node: ast.Call
    args: list[Value]
    keywords: dict[str, Value]
    frame: Frame

    def argument(self, index: int, name: str, default: Value = MISSING) -> Value:
        return self.args[index] if len(self.args) > index else self.keywords.get(name, default)


def call(run: Interpreter, function: Value, made: Call) -> Value:
    run.step()
    if isinstance(function, Choice):
        return _of_choice(run, function, made)
    if isinstance(function, Function):
        return _of_sources(run, function, made)
    if isinstance(function, Class):
        return _of_class(run, function, made)
    if isinstance(function, Partial):
        keywords = {**function.keywords, **made.keywords}
        return call(run, function.function, Call(made.node, [*function.args, *made.args], keywords, made.frame))
    if isinstance(function, External):
        return outside.call_outside(run, function.name, made)
    if isinstance(function, Bound):
        return _of_method(run, function, made)
    if isinstance(function, ExternalCall):
        found = libraries.read_by(run, function, "__call__", made)
        if found is not MISSING:
            return found
    outside.note_escape(run, made)
    return UNKNOWN


def _of_choice(run: Interpreter, function: Choice, made: Call) -> Value:
    found = []
    for option in function.options:
        try:
            found.append(call(run, option, made))
        except Raised:
            continue
    if not found:
        raise Raised("Exception", "every way through it raises")
    return choose(*found)


# The sources' own


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> list[str]:
    arguments = node.args
    found = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return found + [a.arg for a in (arguments.vararg, arguments.kwarg) if a]


def bind(function: Function, args: t.Sequence[Value], keywords: dict[str, Value]) -> dict[str, Value]:
    """Parameters to values, as a call binds them; what a ``*`` may bring is unknown."""
    arguments = function.node.args
    positional = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    given = [*([function.receiver] if function.receiver is not MISSING else []), *args]
    known = given[: given.index(REST)] if REST in given else given
    found: dict[str, Value] = dict(zip(positional, known, strict=False))
    if arguments.vararg:
        found[arguments.vararg.arg] = UNKNOWN if REST in given else tuple(known[len(positional) :])
    named = [a.arg for a in arguments.kwonlyargs]
    found.update({name: value for name, value in keywords.items() if name in positional or name in named})
    if arguments.kwarg:
        found[arguments.kwarg.arg] = {k: v for k, v in keywords.items() if k not in found}
    for name in (*positional, *named):
        found.setdefault(name, UNKNOWN if REST in given else function.defaults.get(name, UNKNOWN))
    return found


def bound(function: Function, receiver: Value) -> Function:
    return Function(function.node, function.module, function.scope, function.defaults, receiver)


def bound_to_class(function: Function, cls: Class) -> Function:
    return bound(function, cls) if "classmethod" in decorators(function) else function


def decorators(function: Function) -> set[str]:
    listed = getattr(function.node, "decorator_list", [])
    return {d.attr if isinstance(d, ast.Attribute) else getattr(d, "id", "") for d in listed}


def check(run: Interpreter, text: EnvText, attempt: t.Callable[[t.Any], Value]) -> None:
    """The text is given to ``attempt``, which may reject it; unless something around it would catch that."""
    if run.concrete or any(run.caught):
        return

    def rejected(given: str | None) -> str:
        if (text.filled and not given) or (text.present and given is None):
            return ""
        return run.rejects(lambda: attempt(text.compute(given)))

    text.access.checks.append(rejected)


def _of_sources(run: Interpreter, function: Function, made: Call) -> Value:
    given = [*made.args, *made.keywords.values()]
    if _is_idle(run, function, given):
        return UNKNOWN
    # Options one by one: each may be a text that the function rejects.
    for index, value in enumerate(made.args):
        if isinstance(value, Choice) and any(isinstance(o, EnvText) for o in value.options):
            ways = [
                Call(made.node, [*made.args[:index], o, *made.args[index + 1 :]], made.keywords, made.frame)
                for o in value.options
            ]
            return _each_way(run, function, ways)
    for value in given:
        if isinstance(value, EnvText):
            check(run, value, lambda text, value=value: _with_text(run, function, made, value, text))
    return run.call_bound(function, bind(function, made.args, made.keywords))


def _is_idle(run: Interpreter, function: Function, given: t.Sequence[Value]) -> bool:
    """Whether reading the function could tell nothing: it is far from the environment, and gets nothing known."""
    if run.concrete or run.root.is_constant or function.name in run.relevant or isinstance(function.node, ast.Lambda):
        return False
    return bool(given) and not any(map(_tells, given))


def _tells(value: Value) -> bool:
    if isinstance(value, Choice):
        return any(map(_tells, value.options))
    return isinstance(value, (EnvText, Text, Instance, Function)) or value == ENVIRON


def _each_way(run: Interpreter, function: Function, ways: list[Call]) -> Value:
    found = []
    for way in ways:
        try:
            found.append(_of_sources(run, function, way))
        except Raised:
            continue
    return choose(*found) if found else UNKNOWN


def _with_text(run: Interpreter, function: Function, made: Call, value: EnvText, text: t.Any) -> Value:
    args = [text if a is value else a for a in made.args]
    keywords = {k: text if v is value else v for k, v in made.keywords.items()}
    return run.call_bound(function, bind(function, args, keywords))


def _of_class(run: Interpreter, cls: Class, made: Call) -> Value:
    if cls.derives("Enum", "StrEnum", "IntEnum", "Flag"):
        return _member(run, cls, made.args[0]) if len(made.args) == 1 else UNKNOWN
    return run.construct(cls, [a for a in made.args if a is not REST], made.keywords)


def _member(run: Interpreter, cls: Class, value: Value) -> Value:
    members = [v for k, v in cls.namespace.items() if not k.startswith("_") and is_native(v)]
    for option in options(value):
        if isinstance(option, EnvText):
            check(run, option, lambda text: _member(run, cls, text))
        elif is_native(option) and "_missing_" not in cls.namespace and members and option not in members:
            raise Raised("ValueError", f"{option!r} is none of {', '.join(map(str, members))}"[:200])
    return UNKNOWN


def field_default(value: Value) -> Value:
    """What a dataclass's field is when nothing is given for it."""
    if isinstance(value, ExternalCall) and value.name.endswith(".field"):
        return value.keywords.get("default", UNKNOWN)
    return UNKNOWN if value is MISSING else value


# Methods


def _of_method(run: Interpreter, method: Bound, made: Call) -> Value:
    receiver, name = method.receiver, method.name
    if isinstance(receiver, EnvText):
        return _of_env_text(run, receiver, name, made)
    if isinstance(receiver, EnvironKey):
        if name == "startswith":
            found = made.args[0] if made.args else None
            receiver.prefixes.update(p for p in (found if isinstance(found, tuple) else [found]) if isinstance(p, str))
        return UNKNOWN
    if isinstance(receiver, str) and name in _TEXT_METHODS and all(map(is_native, made.args)) and not made.keywords:
        try:
            return getattr(str(receiver), name)(*made.args)
        except (ValueError, TypeError, LookupError) as exc:
            raise Raised(type(exc).__name__, str(exc)) from exc
    if isinstance(receiver, dict):
        return _of_dict(receiver, name, made)
    if isinstance(receiver, (list, set)) and name in ("append", "add", "extend", "update", "insert"):
        return _grow(receiver, name, made)
    if isinstance(receiver, ExternalCall):
        found = libraries.read_by(run, receiver, name, made)
        if found is not MISSING:
            return found
    return _of_known_instances(run, name, made)


def _of_env_text(run: Interpreter, text: EnvText, name: str, made: Call) -> Value:
    if name in ("startswith", "endswith", "isdigit"):
        return UNKNOWN
    if name not in _STAYS_TEXT or not all(map(is_native, made.args)):
        return UNKNOWN

    def step(value: t.Any) -> t.Any:
        if value is None:
            raise Raised("AttributeError", "it is not set")
        return getattr(value, name)(*made.args) if isinstance(value, str) else value

    if text.access.default is MISSING and not text.access.required and not text.present:
        check(run, text, step)
    found = text.derived(step)
    # Something that is only white space may be empty now.
    return EnvText(found.access, found.compute, False, text.present) if "strip" in name else found


def _of_dict(receiver: dict[Value, Value], name: str, made: Call) -> Value:
    if name == "items":
        return list(receiver.items())
    if name in ("keys", "values"):
        return list(getattr(receiver, name)())
    if name == "get" and made.args:
        default = made.argument(1, "default", None)
        key = made.args[0]
        if not is_native(key) or isinstance(key, (list, dict, set)):
            return choose(*receiver.values(), default)
        return receiver.get(key, default)
    if name == "copy":
        return dict(receiver)
    if name == "update" and made.args and isinstance(made.args[0], dict):
        receiver.update(made.args[0])
    return UNKNOWN


def _grow(receiver: t.Any, name: str, made: Call) -> Value:
    value = made.args[-1] if made.args else UNKNOWN
    if isinstance(receiver, list) and name == "append" and len(receiver) < LONGEST:
        receiver.append(value)
    elif isinstance(receiver, list) and name == "extend" and isinstance(value, (tuple, list)):
        receiver.extend(value)
    elif isinstance(receiver, set) and name == "add" and is_native(value) and not isinstance(value, (list, dict, set)):
        receiver.add(value)
    return None


def _of_known_instances(run: Interpreter, name: str, made: Call) -> Value:
    """A method of something unknown that takes the environment: of every known object that has such a method."""
    if ENVIRON not in made.args and ENVIRON not in made.keywords.values():
        return UNKNOWN
    targets = [i for i in run.instances if isinstance(i.cls.lookup(name), Function)]
    for instance in targets:
        try:
            call(run, bound(instance.cls.lookup(name), instance), made)
        except Raised:
            continue
    if not targets:
        outside.note_escape(run, made)
    return UNKNOWN
