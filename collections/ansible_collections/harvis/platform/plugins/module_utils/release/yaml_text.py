"""YAML read the way Helm and the API server read it."""

from __future__ import annotations

import functools
import typing as t


@functools.cache
def _loader() -> t.Any:
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc,valid-type]
        """Dates stay text: JSON, which values and manifests become, has no dates."""

    timestamp = "tag:yaml.org,2002:timestamp"
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != timestamp]
        for first, resolvers in base.yaml_implicit_resolvers.items()
    }
    return Loader


def loader() -> t.Any:
    """The loader class, for those who need events or nodes."""
    return _loader()


def scalar(node: t.Any) -> t.Any:
    """The value of a composed scalar. Raises yaml.YAMLError."""
    make = _scalars().get(node.tag)
    return make(node) if make else node.value


@functools.cache
def _scalars() -> dict[str, t.Callable[[t.Any], t.Any]]:
    import yaml

    # Asked directly, the constructor remembers no node: those of a whole chart would stay in memory.
    constructor = yaml.constructor.SafeConstructor()
    kinds = {kind: getattr(constructor, f"construct_yaml_{kind}") for kind in ("null", "bool", "int", "float")}
    return {f"tag:yaml.org,2002:{kind}": make for kind, make in kinds.items()}


def load(text: str) -> t.Any:
    """The document in ``text`` (None when it is empty). Raises yaml.YAMLError."""
    import yaml

    return yaml.load(text, Loader=_loader())  # a subclass of the safe loader


def compose(text: str) -> t.Any:
    """The document as nodes, which know their lines."""
    import yaml

    return yaml.compose(text, Loader=_loader())


def dump(value: t.Any) -> str:
    """Text for people: block style, keys in order."""
    import yaml

    return str(yaml.safe_dump(value, sort_keys=True, default_flow_style=False, allow_unicode=True, width=110))
