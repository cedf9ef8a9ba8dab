"""Functions outside the sources: what reads the environment, what only computes, and what ends the program."""

from __future__ import annotations

import ast
import json
import math
import typing as t
import urllib.parse

from ansible_collections.harvis.platform.plugins.module_utils.contract import calls, libraries
from ansible_collections.harvis.platform.plugins.module_utils.contract.values import (
    ENVIRON,
    MISSING,
    UNKNOWN,
    Access,
    Choice,
    Class,
    EnvironKey,
    EnvText,
    External,
    ExternalCall,
    Instance,
    Partial,
    Raised,
    Text,
    Value,
    Walk,
    choose,
    is_native,
    options,
    truth,
)

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.contract.calls import Call
    from ansible_collections.harvis.platform.plugins.module_utils.contract.interpreter import Frame, Interpreter

_PURE: dict[str, t.Callable[..., t.Any]] = {
    "builtins.int": int,
    "builtins.float": float,
    "builtins.str": str,
    "builtins.bool": bool,
    "builtins.len": len,
    "builtins.tuple": tuple,
    "builtins.list": list,
    "builtins.set": set,
    "builtins.frozenset": frozenset,
    "builtins.sorted": sorted,
    "builtins.min": min,
    "builtins.max": max,
    "builtins.abs": abs,
    "builtins.any": any,
    "builtins.all": all,
    "math.isfinite": math.isfinite,
    "math.isnan": math.isnan,
    "json.loads": json.loads,
    "urllib.parse.urlsplit": urllib.parse.urlsplit,
    "urllib.parse.urlparse": urllib.parse.urlparse,
}
# What a text of the environment must be fit for; the pure functions that refuse some texts.
_TRANSFORMS = frozenset({"builtins.int", "builtins.float", "json.loads"})
_STARTS = ("subprocess.", "os.exec", "os.spawn", "os.posix_spawn", "os.system", "os.popen", "asyncio.create_subprocess")
_ENDS = frozenset({"sys.exit", "os._exit", "os.abort", "builtins.exit", "builtins.quit"})
LONGEST = 100_000


def note_escape(run: Interpreter, made: Call) -> None:
    """The whole environment goes where we cannot follow it."""
    if ENVIRON in made.args or ENVIRON in made.keywords.values():
        run.root.is_open = True


def call_outside(run: Interpreter, name: str, made: Call) -> Value:
    handler = _OUTSIDE.get(name)
    if handler is not None:
        return handler(run, made)
    if name in _ENDS:
        raise Raised("SystemExit", "")
    if name in _PURE:
        return _pure(run, name, made)
    if name.startswith(_STARTS):
        run.root.starts_programs = True
        return UNKNOWN
    found = libraries.call_of(run, name, made)
    if found is not MISSING:
        return found
    note_escape(run, made)
    return ExternalCall(name, tuple(made.args), made.keywords)


def _pure(run: Interpreter, name: str, made: Call) -> Value:
    first = made.args[0] if made.args else MISSING
    if isinstance(first, Choice):
        return choose(
            *(
                _pure(run, name, calls.Call(made.node, [o, *made.args[1:]], made.keywords, made.frame))
                for o in first.options
            )
        )
    if isinstance(first, EnvText):
        if name in _TRANSFORMS:
            calls.check(run, first, lambda text: _apply(name, [text, *made.args[1:]]))
        return first if name == "builtins.str" else UNKNOWN
    if name == "builtins.bool" and len(made.args) == 1:
        known = truth(first)
        return UNKNOWN if known is None else known
    if name in ("builtins.tuple", "builtins.list") and isinstance(first, (tuple, list, dict)):
        return list(first) if name.endswith("list") else tuple(first)
    if isinstance(first, Instance) and name == "builtins.str":
        return UNKNOWN
    if made.keywords or not all(map(is_native, made.args)):
        return UNKNOWN
    return _apply(name, made.args)


def _apply(name: str, args: t.Sequence[Value]) -> Value:
    """A pure function of known values; what it raises, the program raises."""
    if not all(map(is_native, args)) or any(isinstance(a, str) and len(a) > LONGEST for a in args):
        return UNKNOWN
    try:
        return _PURE[name](*args)
    except (ValueError, TypeError, OverflowError, RecursionError) as exc:
        what = {
            "builtins.int": "is not a whole number",
            "builtins.float": "is not a number",
            "json.loads": "is not JSON",
        }
        reason = "it is not set" if args and args[0] is None else what.get(name, str(exc))
        raise Raised(type(exc).__name__, reason) from exc


def _get(run: Interpreter, made: Call) -> Value:
    default = made.argument(1, "default", None)
    names = made.argument(0, "key", UNKNOWN)
    given = MISSING if default is None else default
    return choose(*(run.record(made.node, name, made.frame, required=False, default=given) for name in options(names)))


def _pop(run: Interpreter, made: Call) -> Value:
    if len(made.args) > 1:
        return _get(run, made)
    return run.record(made.node, made.argument(0, "key", UNKNOWN), made.frame, required=True)


def _setdefault(run: Interpreter, made: Call) -> Value:
    name = made.argument(0, "key", UNKNOWN)
    if isinstance(name, str):
        run.root.stored.add(str(name))
    return _get(run, made)


def _walk_environment(run: Interpreter, made: Call) -> Value:
    key = EnvironKey(set())
    run.root.prefixes.append(key.prefixes)
    called = made.node.func
    method = called.attr if isinstance(called, ast.Attribute) else "items"
    return Walk({"items": (key, UNKNOWN), "keys": key}.get(method, UNKNOWN))


def probe(run: Interpreter, name: str, frame: Frame, node: ast.AST) -> Access:
    access = Access([name], str(frame.module.path), getattr(node, "lineno", 0), False)
    run.root.accesses.append(access)
    return access


def _same_environment(_: Interpreter, made: Call) -> Value:
    """``dict(os.environ)``, ``os.environ.copy()``."""
    first = made.args[0] if made.args else ENVIRON
    if isinstance(first, dict):
        return dict(first)
    if isinstance(first, list) and all(isinstance(p, tuple) and len(p) == 2 for p in first):
        return {k: v for k, v in first if not isinstance(k, (list, dict, set))}
    if not made.args and isinstance(made.node.func, ast.Name):
        return dict(made.keywords)
    return ENVIRON if first == ENVIRON else UNKNOWN


def _next(_: Interpreter, made: Call) -> Value:
    rows = made.argument(0, "iterable", UNKNOWN)
    default = made.argument(1, "default", MISSING)
    found = rows[:1] if isinstance(rows, list) else [rows.element] if isinstance(rows, Walk) else [UNKNOWN]
    return choose(*found, *([] if default is MISSING else [default])) if found or default is not MISSING else UNKNOWN


def _map(run: Interpreter, made: Call) -> Value:
    from ansible_collections.harvis.platform.plugins.module_utils.contract import expressions

    items = expressions.items_of(run, made.argument(1, "iterable", UNKNOWN))
    if items is None:
        return UNKNOWN
    return [calls.call(run, made.args[0], calls.Call(made.node, [item], {}, made.frame)) for item in items]


def _zip(run: Interpreter, made: Call) -> Value:
    from ansible_collections.harvis.platform.plugins.module_utils.contract import expressions

    rows = [expressions.items_of(run, a) for a in made.args]
    return UNKNOWN if None in rows else [tuple(r) for r in zip(*t.cast(list[list[Value]], rows), strict=False)]


def _enumerate(run: Interpreter, made: Call) -> Value:
    from ansible_collections.harvis.platform.plugins.module_utils.contract import expressions

    items = expressions.items_of(run, made.argument(0, "iterable", UNKNOWN))
    return UNKNOWN if items is None else list(enumerate(items))


def _partial(_: Interpreter, made: Call) -> Value:
    return Partial(made.args[0], tuple(made.args[1:]), made.keywords) if made.args else UNKNOWN


def _cast(_: Interpreter, made: Call) -> Value:
    return made.argument(1, "val", UNKNOWN)


def _replace(run: Interpreter, made: Call) -> Value:
    first = made.args[0] if made.args else UNKNOWN
    if not isinstance(first, Instance):
        return UNKNOWN
    changed = Instance(first.cls, {**first.attributes, **made.keywords})
    run.instances.append(changed)
    return changed


def _fields(_: Interpreter, made: Call) -> Value:
    """``dataclasses.fields``: what each field was declared with."""
    cls = made.args[0] if made.args else UNKNOWN
    cls = cls.cls if isinstance(cls, Instance) else cls
    if not isinstance(cls, Class):
        return UNKNOWN
    found = []
    for name in cls.all_fields():
        declared = cls.lookup(name)
        keywords = declared.keywords if isinstance(declared, ExternalCall) else {"default": declared}
        found.append(Instance(cls, {"name": name, "metadata": {}, "type": UNKNOWN, "default": UNKNOWN, **keywords}))
    return tuple(found)


def _getattr(run: Interpreter, made: Call) -> Value:
    from ansible_collections.harvis.platform.plugins.module_utils.contract import expressions

    name = made.argument(1, "name", UNKNOWN)
    return expressions.attribute(run, made.args[0], str(name)) if isinstance(name, str) and made.args else UNKNOWN


def _type(_: Interpreter, made: Call) -> Value:
    first = made.args[0] if len(made.args) == 1 else UNKNOWN
    if isinstance(first, Instance):
        return first.cls
    kind = str if isinstance(first, Text) else type(first)
    return External(f"builtins.{kind.__name__}") if is_native(first) else UNKNOWN


def _import_module(run: Interpreter, made: Call) -> Value:
    name = made.argument(0, "name", UNKNOWN)
    return run.import_module(str(name)) if isinstance(name, str) and not name.startswith(".") and name else UNKNOWN


_OUTSIDE: dict[str, t.Callable[[Interpreter, Call], Value]] = {
    "os.getenv": _get,
    "os.environ.get": _get,
    "os.environ.pop": _pop,
    "os.environ.__getitem__": _pop,
    "os.environ.setdefault": _setdefault,
    "os.environ.items": _walk_environment,
    "os.environ.keys": _walk_environment,
    "os.environ.values": _walk_environment,
    "os.environ.copy": _same_environment,
    "builtins.dict": _same_environment,
    "builtins.next": _next,
    "builtins.map": _map,
    "builtins.zip": _zip,
    "builtins.enumerate": _enumerate,
    "builtins.getattr": _getattr,
    "builtins.type": _type,
    "functools.partial": _partial,
    "typing.cast": _cast,
    "dataclasses.replace": _replace,
    "dataclasses.fields": _fields,
    "importlib.import_module": _import_module,
}
