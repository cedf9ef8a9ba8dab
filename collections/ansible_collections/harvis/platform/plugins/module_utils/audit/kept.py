"""Effect maps that were found before: a chart and values that are as they were have the effects that they had.

Kept in the platform's cache under a key of all that decides a map, so that a run in which nothing of a chart changed
does not render it again and again. What another version of this code has found is not taken.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pkgutil
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.chart import trace
from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Effect, EffectMap, Guard
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Renderer
from ansible_collections.harvis.platform.plugins.module_utils.evidence.files import replace

MOST_FILES = 64


def kept(folder: Path | None, renderer: Renderer, find: t.Callable[[], EffectMap]) -> EffectMap:
    """The map kept in ``folder`` for this chart, these values and this code, else what ``find`` finds, kept for
    later."""
    if folder is None:
        return find()
    file = folder / f"{_key(renderer)}.json"
    try:
        return _read(json.loads(file.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        found = find()
    _keep(file, found)
    return found


def _key(renderer: Renderer) -> str:
    digest = hashlib.sha256()
    for name, content in (*_code(), *_files(renderer.chart.root)):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    options = {key: value for key, value in dataclasses.asdict(renderer.options).items() if key != "helm"}
    helm = Path(renderer.options.helm).stat()
    said = [renderer.values, options, helm.st_size, helm.st_mtime_ns]
    digest.update(json.dumps(said, sort_keys=True, default=str).encode())
    return digest.hexdigest()[:32]


def _code() -> t.Iterator[tuple[str, bytes]]:
    """The sources of what finds effects, also where they lie in an archive, as Ansible ships a module."""
    for name in sorted(module.name for module in pkgutil.iter_modules(trace.__path__)):
        yield name, pkgutil.get_data(trace.__name__, f"{name}.py") or b""


def _files(root: Path) -> t.Iterator[tuple[str, bytes]]:
    files = sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else [root]
    for path in files:
        yield str(path.relative_to(root)), path.read_bytes()


def _keep(file: Path, found: EffectMap) -> None:
    """A cache that cannot be written costs time, nothing else. The oldest maps make room."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace(file, json.dumps(_written(found)))
        oldest = sorted(file.parent.glob("*.json"), key=lambda each: each.stat().st_mtime)[:-MOST_FILES]
        for each in oldest:
            each.unlink(missing_ok=True)
    except OSError:
        return


def _written(found: EffectMap) -> dict[str, t.Any]:
    return {
        "effects": [[path, sorted(map(dataclasses.astuple, keys))] for path, keys in found.effects.items()],
        "dormant": [
            [path, guard.path, guard.value, sorted(map(dataclasses.astuple, guard.effects))]
            for path, guard in found.dormant.items()
        ],
        "breaking": [[path, error] for path, error in found.breaking.items()],
        "not_checked": found.not_checked,
        "renders": found.renders,
        "seconds": found.seconds,
    }


def _read(said: dict[str, t.Any]) -> EffectMap:
    return EffectMap(
        effects={tuple(path): _effects(keys) for path, keys in said["effects"]},
        dormant={tuple(path): Guard(tuple(by), value, _effects(keys)) for path, by, value, keys in said["dormant"]},
        breaking={tuple(path): error for path, error in said["breaking"]},
        not_checked=tuple(said["not_checked"]),
        renders=said["renders"],
        seconds=said["seconds"],
    )


def _effects(keys: list[list[str]]) -> frozenset[Effect]:
    return frozenset(Effect(*key) for key in keys)
