"""Which handler catches what."""

from __future__ import annotations

import builtins

from ansible_collections.harvis.platform.plugins.module_utils.contract.values import Class, Scope


def is_caught(kind: str, handled: frozenset[str], scope: Scope) -> bool:
    """Whether an exception called ``kind`` (a built-in, or a class in ``scope``) is one of the handled ones."""
    return bool(_family(kind, scope) & handled)


def _family(kind: str, scope: Scope) -> set[str]:
    """The exception's own name and those of its bases."""
    found = {kind}
    value = scope.get(kind)
    if isinstance(value, Class):
        for ancestor in value.ancestors():
            name = ancestor.name.rpartition(".")[2]
            found |= {name} | _built_in(name)
        return found
    return found | _built_in(kind)


def _built_in(name: str) -> set[str]:
    known = getattr(builtins, name, None)
    if isinstance(known, type) and issubclass(known, BaseException):
        return {base.__name__ for base in known.__mro__}
    # Not known: as an application's own exceptions are, an Exception.
    return {"Exception", "BaseException"}
