"""Text files that are replaced in one step."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path


def write_atomically(path: Path, text: str, *, like: Path | None = None) -> None:
    """Replace a file in one step, with mode and owner of ``like`` (by default of the file itself)."""
    path = path.resolve()
    like = (like or path).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as sink:
            sink.write(text)
        if like.exists():
            shutil.copymode(like, name)
            os.chown(name, like.stat().st_uid, like.stat().st_gid)
        else:
            Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_or_remove(path: Path, text: str | None) -> None:
    """``text`` as the file's content; None for no file."""
    if text is None:
        path.unlink(missing_ok=True)
    else:
        write_atomically(path, text)
