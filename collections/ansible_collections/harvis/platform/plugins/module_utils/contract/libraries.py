"""Libraries that read the environment for an application, by the names that it gives them."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.contract.values import (
    MISSING,
    UNKNOWN,
    EnvText,
    External,
    ExternalCall,
    Value,
)

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.contract.calls import Call
    from ansible_collections.harvis.platform.plugins.module_utils.contract.interpreter import Interpreter

# Called with a name: python-decouple. Objects that are, or have methods that are: environs, django-environ, Starlette.
_FUNCTIONS = frozenset({"decouple.config"})
_READERS = frozenset(
    {
        "environs.Env",
        "environ.Env",
        "environ.FileAwareEnv",
        "starlette.config.Config",
        "decouple.Config",
        "decouple.AutoConfig",
    }
)
_METHODS = frozenset(
    [
        "__call__",
        "str",
        "int",
        "float",
        "bool",
        "list",
        "json",
        "url",
        "path",
        "date",
        "datetime",
        "decimal",
        "log_level",
        "enum",
        "get",
        "dict",
    ]
)
_CASTS = {"int": "builtins.int", "float": "builtins.float", "json": "json.loads"}


def call_of(run: Interpreter, name: str, made: Call) -> Value:
    """The text that a library's function reads, or MISSING when it is not known to read anything."""
    if name in _FUNCTIONS:
        return _read(run, made, made.keywords.get("cast", MISSING))
    if "envvar" in made.keywords:  # click and typer: an option that may come from the environment
        names = made.keywords["envvar"]
        for one in names if isinstance(names, (list, tuple)) else [names]:
            if isinstance(one, str):
                run.record(made.node, one, made.frame, required=False, default="")
    return MISSING


def read_by(run: Interpreter, reader: ExternalCall, method: str, made: Call) -> Value:
    """``Env().int("NAME", default)`` and the like."""
    if reader.name not in _READERS or method not in _METHODS:
        return MISSING
    cast = External(_CASTS[method]) if method in _CASTS else made.keywords.get("cast", MISSING)
    return _read(run, made, cast, _prefix(reader))


def _prefix(reader: ExternalCall) -> str:
    found = reader.keywords.get("prefix", reader.keywords.get("env_prefix", ""))
    return found if isinstance(found, str) else ""


def _read(run: Interpreter, made: Call, cast: Value, prefix: str = "") -> Value:
    from ansible_collections.harvis.platform.plugins.module_utils.contract import calls

    name = made.argument(0, "name", UNKNOWN)
    default = made.argument(1, "default", MISSING)
    if isinstance(name, str) and prefix:
        name = prefix + name
    text = run.record(made.node, name, made.frame, required=default is MISSING, default=default)
    if isinstance(text, EnvText) and cast is not MISSING and (default is MISSING or isinstance(default, str)):
        calls.call(run, cast, calls.Call(made.node, [text], {}, made.frame))
    return UNKNOWN if cast is not MISSING else text
