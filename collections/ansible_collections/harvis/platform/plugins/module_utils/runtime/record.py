"""What a configuration said before we touched it, kept beside it, so that removal can restore it byte for byte."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.text_file import write_atomically

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
