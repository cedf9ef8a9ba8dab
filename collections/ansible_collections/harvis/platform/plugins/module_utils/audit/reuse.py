"""An audit that passed need not be made again for the same files, values and code.

Files are known by place, size and time, as `make` knows them: reading them is half of the audit.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.audit.helm import find_helm
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditRequest
from ansible_collections.harvis.platform.plugins.module_utils.evidence.files import replace
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError


class _LinkedFolderError(Exception):
    """What lies behind it is read by the audit and not known here."""


Params = t.Mapping[str, t.Any]
Result = dict[str, t.Any]

KEPT = 16
OUTPUTS = ("json", "sarif", "html")
_CODE = Path(__file__).resolve().parents[1]
# Nothing of these is read by an audit, and a repository's own folder changes with every command.
_PASSED_OVER = {".git", "__pycache__"}


def reused(params: Params, request: AuditRequest, make: t.Callable[[], Result]) -> Result:
    """The result kept for the same question, if its files are still there, else what ``make`` returns, kept where it
    passed. A ``cache_dir`` is needed for it, and code that lies in files."""
    file = _place(params, request)
    if file is None:
        return make()
    if all((request.base / params[kind]).is_file() for kind in OUTPUTS if params[kind]):
        with contextlib.suppress(OSError, ValueError):
            return {**json.loads(file.read_text(encoding="utf-8")), "reused": True}
    result = make()
    if result.get("passed"):
        _keep(file, result)
    return result


def _place(params: Params, request: AuditRequest) -> Path | None:
    if request.cache is None or not _CODE.is_dir():
        return None
    digest = hashlib.sha256(json.dumps(params, sort_keys=True, default=str).encode())
    try:
        helm = [find_helm(request.helm, request.base, request.cache)] if request.chart else []
        for root in (_CODE, *map(Path, helm), *_read(params, request)):
            for line in _signature(root):
                digest.update(line.encode())
    except (HarvisError, _LinkedFolderError):
        return None
    return request.cache / "audits" / f"{digest.hexdigest()[:32]}.json"


def _read(params: Params, request: AuditRequest) -> t.Iterator[Path]:
    """Whatever files and folders the audit reads."""
    named = (request.chart, request.sources, request.manifests, request.playbooks, request.acceptances)
    yield from filter(None, named)
    yield from (request.base / name for name in params["values"])
    for beside in params["beside"]:
        yield from (request.base / name for name in (beside["path"], *beside["values"]))
    for component in (params["components"] or {}).values():
        yield from (request.base / part for part in _paths(component))


def _paths(component: t.Any) -> list[str]:
    return [component["source"]] if isinstance(component, dict) and component.get("source") else []


def _signature(root: Path) -> t.Iterator[str]:
    if not root.is_dir():
        yield _line(root)
        return
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in _PASSED_OVER)
        if any(Path(folder, name).is_symlink() for name in names):
            raise _LinkedFolderError(folder)
        yield from (_line(Path(folder) / name) for name in sorted(files))


def _line(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return f"{path}\0missing\n"
    return f"{path}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_mode}\n"


def _keep(file: Path, result: Result) -> None:
    """A cache that cannot be written costs time, nothing else. The oldest make room."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace(file, json.dumps(result))
        for each in sorted(file.parent.glob("*.json"), key=lambda found: found.stat().st_mtime)[:-KEPT]:
            each.unlink(missing_ok=True)
