"""Where a helm program may lie on the machine that audits."""

from __future__ import annotations

import os
import shutil
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail

FIX = "Give `helm` its path, install Helm 3.18 or newer, or run `make up`, which leaves one in .harvis/bin."


def find_helm(given: str, base: Path, cache: Path | None = None) -> str:
    """``given``, else that of a checkout, of the PATH, of the cache; the newest of the cache.

    Raises HarvisError (PLB-PROCESS) when there is none.
    """
    found = next((str(path) for path in _candidates(given, base, cache) if os.access(path, os.X_OK)), None)
    if found is None:
        cause = "the helm program is not there, so the chart cannot be rendered"
        raise fail("PLB-PROCESS", given or "helm", cause, fix=FIX)
    return found


def _candidates(given: str, base: Path, cache: Path | None) -> t.Iterator[Path]:
    if given:
        yield from filter(None, [_which(given)])
        return
    yield from (folder / ".harvis/bin/helm" for folder in (base, *base.parents))
    yield from filter(None, [_which("helm")])
    programs = (cache or Path.home() / ".cache/harvis") / "programs"
    cached = [path for path in programs.glob("kubernetes-*/**/bin/helm") if path.is_file()]
    yield from sorted(cached, key=lambda path: path.stat().st_mtime, reverse=True)


def _which(name: str) -> Path | None:
    found = shutil.which(Path(name).expanduser())
    return Path(found) if found else None
