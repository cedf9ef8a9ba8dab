"""Reading files of a host below a root, which may be a recorded tree."""

from __future__ import annotations

from pathlib import Path

_LINKS_AT_MOST = 20


def text(path: Path) -> str:
    """The file's text without white space around it; empty where it cannot be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def number(path: Path, base: int = 10) -> int | None:
    """None where the file is missing or holds something else."""
    try:
        return int(text(path), base)
    except ValueError:
        return None


def resolve(root: Path, path: str) -> Path:
    """Where ``path`` leads on the host whose files lie below ``root``.

    An absolute link in a recorded tree means a file of that tree; ``Path.resolve`` would lead to one of this machine.
    """
    here = root / path.lstrip("/")
    for _ in range(_LINKS_AT_MOST):
        if not here.is_symlink():
            break
        target = here.readlink()
        here = root / str(target).lstrip("/") if target.is_absolute() else here.parent / target
    return here
