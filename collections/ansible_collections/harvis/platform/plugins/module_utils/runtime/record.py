"""What a configuration said before we touched it, kept beside it, so that removal can restore it byte for byte."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

SUFFIX = ".harvis-before"


@dataclass(frozen=True)
class Record:
    """``before`` is the former text (None: there was no file), ``after`` what we made of it."""

    before: str | None
    after: str
    former_default: str = ""


def record_path(config: Path) -> Path:
    """Not ``*.toml``: a drop-in folder's glob must not load it."""
    return config.with_name(config.name + SUFFIX)


def load_record(config: Path) -> Record | None:
    try:
        return Record(**json.loads(record_path(config).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def save_record(config: Path, record: Record) -> None:
    write_atomically(record_path(config), json.dumps(asdict(record)) + "\n", like=config)


def is_edited_from(config: Path, text: str) -> bool:
    """Whether ``config`` is ``text`` with a runtime put in by us: who writes ``text`` then need not write it again."""
    record = load_record(config)
    return record is not None and record.before == text and config.exists() and record.after == config.read_text()


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
