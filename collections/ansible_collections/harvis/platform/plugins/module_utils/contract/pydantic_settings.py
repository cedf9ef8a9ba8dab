"""Classes of pydantic-settings (and of pydantic 1): each field is a variable."""

from __future__ import annotations

import ast
import json
import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.contract.values import (
    MISSING,
    Access,
    Check,
    Class,
    ExternalCall,
    Scope,
    Value,
    is_native,
)

_BOOLEANS = frozenset(["0", "1", "true", "false", "t", "f", "yes", "no", "y", "n", "on", "off"])
_WHOLE = re.compile(r"\s*[+-]?\d+(_\d+)*(\.0*)?\s*")
_PLAIN = frozenset({"Optional", "Annotated", "Final", "ClassVar"})
_JSON = frozenset({"list", "dict", "set", "tuple", "frozenset", "List", "Dict", "Set", "Tuple", "Sequence", "Mapping"})
DEEPEST_MODEL = 4


def is_settings(cls: Class) -> bool:
    return cls.derives("BaseSettings")


def accesses(cls: Class, scope: Scope, has_file: t.Callable[[str], bool]) -> list[Access]:
    """One access for each field; ``has_file`` says whether the image holds a file that settings may come from too."""
    config = _config(cls)
    dotenv = config.get("env_file", "")
    from_file = isinstance(dotenv, str) and bool(dotenv) and has_file(dotenv)
    found = []
    for owner, node in _declared(cls):
        found += _of_field(_Field(owner, node, scope, config, from_file), str(config.get("env_prefix", "")), 0)
    return found


class _Field(t.NamedTuple):
    owner: Class
    node: ast.AnnAssign
    scope: Scope
    config: dict[str, Value]
    from_file: bool

    @property
    def name(self) -> str:
        return t.cast(ast.Name, self.node.target).id

    @property
    def declared(self) -> ExternalCall | None:
        value = self.owner.namespace.get(self.name, MISSING)
        return value if isinstance(value, ExternalCall) and value.name.endswith(".Field") else None

    @property
    def default(self) -> Value:
        call = self.declared
        if call is None:
            return self.owner.namespace.get(self.name, MISSING)
        if "default_factory" in call.keywords:
            return None
        value = call.args[0] if call.args else call.keywords.get("default", MISSING)
        return MISSING if value is Ellipsis else value


def _config(cls: Class) -> dict[str, Value]:
    """``model_config``, or the inner class ``Config`` of pydantic 1; that of a derived class wins by key."""
    found: dict[str, Value] = {}
    for ancestor in reversed(list(cls.ancestors())):
        if isinstance(ancestor, Class):
            value = ancestor.namespace.get("model_config")
            found.update(
                value.keywords if isinstance(value, ExternalCall) else value if isinstance(value, dict) else {}
            )
            old = ancestor.namespace.get("Config")
            found.update(old.namespace if isinstance(old, Class) else {})
    return found


def _declared(cls: Class) -> list[tuple[Class, ast.AnnAssign]]:
    found: dict[str, tuple[Class, ast.AnnAssign]] = {}
    for ancestor in reversed(list(cls.ancestors())):
        if isinstance(ancestor, Class):
            for node in ancestor.node.body:
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and _is_field(node):
                    found[node.target.id] = (ancestor, node)
    return list(found.values())


def _is_field(node: ast.AnnAssign) -> bool:
    return t.cast(ast.Name, node.target).id != "model_config" and "ClassVar" not in ast.unparse(node.annotation)


def _of_field(field: _Field, prefix: str, depth: int) -> list[Access]:
    names = _names(field, prefix)
    if not names:
        return []
    nested = _nested_model(field)
    delimiter = field.config.get("env_nested_delimiter")
    if nested is not None and isinstance(delimiter, str) and delimiter and depth < DEEPEST_MODEL:
        inner = [
            access
            for owner, node in _declared(nested)
            for access in _of_field(field._replace(owner=owner, node=node), names[0] + delimiter, depth + 1)
        ]
        whole = _access(field, names, required=False)
        # The whole model may come as JSON in the outer variable instead.
        for access in inner:
            access.required = access.required and field.default is MISSING
            access.names.append(names[0])
        return [*inner, whole]
    return [_access(field, names, required=field.default is MISSING and not field.from_file)]


def _access(field: _Field, names: list[str], *, required: bool) -> Access:
    path, line = str(field.owner.module.path), field.node.lineno
    default = field.default
    made = Access(names, path, line, required, default if isinstance(default, str) else MISSING)
    made.ignores_case = not field.config.get("case_sensitive")
    made.tests_empty = bool(field.config.get("env_ignore_empty"))
    test = _check(field.node.annotation, field.scope)
    if test is not None:
        made.checks.append(lambda text: "" if text is None or (made.tests_empty and not text) else test(text))
    return made


def _names(field: _Field, prefix: str) -> list[str]:
    """Names in the order in which they are tried. An alias stands alone, without the prefix."""
    call = field.declared
    if call is not None:
        for option in ("validation_alias", "alias", "env"):
            value = call.keywords.get(option, MISSING)
            if isinstance(value, str):
                return [_cased(field, value)]
            if isinstance(value, ExternalCall) and value.name.endswith("AliasChoices"):
                return [_cased(field, a) for a in value.args if isinstance(a, str)]
            if isinstance(value, (list, tuple, set)):
                return [_cased(field, a) for a in value if isinstance(a, str)]
            if value is not MISSING:
                return []
    return [_cased(field, prefix + field.name)]


def _cased(field: _Field, name: str) -> str:
    return name if field.config.get("case_sensitive") else name.upper()


def _nested_model(field: _Field) -> Class | None:
    value = field.scope.get(ast.unparse(field.node.annotation).partition(" |")[0].strip('"'))
    return value if isinstance(value, Class) and value.derives("BaseModel", "BaseSettings") else None


def _check(annotation: ast.expr, scope: Scope) -> Check | None:
    """What the annotated type rejects, for the types that reject plainly."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return _check(ast.parse(annotation.value, mode="eval").body, scope)
        except SyntaxError:
            return None
    if isinstance(annotation, ast.BinOp):
        sides = [
            s for s in (annotation.left, annotation.right) if not (isinstance(s, ast.Constant) and s.value is None)
        ]
        return _check(sides[0], scope) if len(sides) == 1 else None
    name = _last(annotation.value if isinstance(annotation, ast.Subscript) else annotation)
    if isinstance(annotation, ast.Subscript):
        if name == "Literal":
            return _literal(annotation)
        if name in _PLAIN:
            inner = annotation.slice.elts[0] if isinstance(annotation.slice, ast.Tuple) else annotation.slice
            return None if "NoDecode" in ast.unparse(annotation) else _check(inner, scope)
    if name in _JSON:
        return lambda text: "" if _is_json(text or "") else "is not JSON, which a field of this type is read from"
    if name == "int":
        return lambda text: "" if _WHOLE.fullmatch(text or "") else "is not a whole number"
    if name == "float":
        return lambda text: "" if _is_number(text or "") else "is not a number"
    if name == "bool":
        return lambda text: "" if (text or "").lower() in _BOOLEANS else "is neither true nor false"
    return _enumeration(scope.get(name))


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _literal(annotation: ast.Subscript) -> Check | None:
    parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
    allowed = [p.value for p in parts if isinstance(p, ast.Constant)]
    if len(allowed) != len(parts) or not all(isinstance(a, str) for a in allowed):
        return None
    return lambda text: "" if text in allowed else f"is none of {', '.join(allowed)}"


def _enumeration(cls: Value) -> Check | None:
    if not isinstance(cls, Class) or not cls.derives("Enum", "StrEnum") or "_missing_" in cls.namespace:
        return None
    members = [v for k, v in cls.namespace.items() if not k.startswith("_") and isinstance(v, str) and is_native(v)]
    return (lambda text: "" if text in members else f"is none of {', '.join(members)}") if members else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
