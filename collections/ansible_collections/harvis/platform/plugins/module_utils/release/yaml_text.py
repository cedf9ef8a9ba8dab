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
