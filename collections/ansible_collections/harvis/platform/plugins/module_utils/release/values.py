"""The values of a release: files, then values given directly, merged as Helm merges them."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import release_error

Values = dict[str, t.Any]


def merge(base: Values, over: Values) -> Values:
    """Maps are merged key by key, anything else is replaced; lists too, as Helm does."""
    merged = dict(base)
    for key, value in over.items():
        known = merged.get(key)
        merged[key] = merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def load_values(files: t.Sequence[str | Path], *given: Values) -> Values:
    """One mapping out of ``files`` in their order and then each of ``given``.

    Raises ReleaseError when a file is missing, is not YAML, is not a mapping, or has a key twice.
    """
    merged: Values = {}
    for path in files:
        merged = merge(merged, _load_file(Path(path).expanduser()))
    for values in given:
        merged = merge(merged, values)
    return merged


def without_nulls(value: t.Any) -> t.Any:
    """Helm drops a null when it merges with the chart's own values, so null and absent mean the same."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


def leaves(values: Values, above: tuple[str, ...] = ()) -> t.Iterator[tuple[tuple[str, ...], t.Any]]:
    """Every value that is no mapping, or an empty one, with the way to it."""
    for key, value in values.items():
        steps = (*above, str(key))
        if isinstance(value, dict) and value:
            yield from leaves(value, steps)
        else:
            yield steps, value


def locate(path: t.Sequence[str], files: t.Sequence[str | Path]) -> str:
    """``file:line`` of the last file that sets ``path``; empty when none does."""
    for name in reversed(files):
        node = yaml_text.compose(Path(name).expanduser().read_text(encoding="utf-8"))
        line = 0
        for key in path:
            pairs = {k.value: (k, v) for k, v in node.value} if _is_map(node) else {}
            if key not in pairs:
                break
            line, node = pairs[key][0].start_mark.line + 1, pairs[key][1]
        else:
            return f"{name}:{line}" if path else str(name)
    return ""


def _load_file(path: Path) -> Values:
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        loaded = yaml_text.load(text)
        twice = _first_duplicate(yaml_text.compose(text))
    except OSError as exc:
        raise release_error("PLB-INPUT", str(path), f"the values file cannot be read: {exc.strerror}") from exc
    except yaml.YAMLError as exc:
        line = getattr(getattr(exc, "problem_mark", None), "line", -1) + 1
        where = f"{path}:{line}" if line else str(path)
        raise release_error("PLB-INPUT", where, "the values file is not YAML", evidence=str(exc)) from exc
    if twice:
        fix = "Keep one of them: the last silently wins."
        raise release_error("PLB-INPUT", f"{path}:{twice[1]}", f"the key {twice[0]!r} is there twice", fix=fix)
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise release_error("PLB-INPUT", str(path), "a values file is a mapping of names to values")
    return loaded


def _is_map(node: t.Any) -> bool:
    return getattr(node, "id", "") == "mapping"


def _first_duplicate(node: t.Any) -> tuple[str, int] | None:
    """A key that occurs twice in one mapping, with the line of its second place."""
    if node is None or isinstance(node.value, str):
        return None
    seen: set[str] = set()
    for child in node.value:
        if _is_map(node):
            key, child = child
            if key.value in seen:
                return key.value, key.start_mark.line + 1
            seen.add(key.value) if isinstance(key.value, str) else None
        found = _first_duplicate(child)
        if found:
            return found
    return None
