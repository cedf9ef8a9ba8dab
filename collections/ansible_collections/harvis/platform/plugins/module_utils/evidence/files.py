"""The files that a verification leaves for people and programs; each is replaced in one step, never half written."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail

EVIDENCE, ENDPOINTS, REPORT = "evidence.json", "endpoints.json", "report.html"
READABLE = 0o644


@dataclass(frozen=True)
class Written:
    """Where the files lie."""

    evidence: str
    endpoints: str
    report: str


def write_all(folder: Path, rows: t.Any, endpoints: t.Mapping[str, str], page: str) -> Written:
    """The report first, the evidence last: whoever waits for the evidence finds everything else."""
    paths = Written(str(folder / EVIDENCE), str(folder / ENDPOINTS), str(folder / REPORT))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace(Path(paths.report), page)
        replace(Path(paths.endpoints), as_json(dict(endpoints)))
        replace(Path(paths.evidence), as_json(rows))
    except OSError as exc:
        raise fail(
            "PLB-INPUT",
            str(exc.filename or folder),
            f"the evidence cannot be written: {exc.strerror}",
            fix="Choose a folder that you may write to and that has space left.",
        ) from exc
    return paths


def as_json(value: t.Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def replace(path: Path, text: str) -> None:
    """Write beside the file, then rename: a reader sees the old text or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        Path(name).chmod(READABLE)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
