"""The files of a chart, from a folder or an archive, as names and bytes; nothing outside the chart is read."""

from __future__ import annotations

import fnmatch
import io
import stat
import tarfile
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.chart.values_file import LARGEST_FILE, refuse

# Helm's limit for a chart as a whole (pkg/chart/loader/archive: MaxDecompressedChartSize).
LARGEST_CHART = 100 * 1024 * 1024
MOST_FILES = 10_000
SourceFiles = dict[str, bytes]
"""Path inside the chart (with ``/``) → content."""


def read_folder(root: Path) -> SourceFiles:
    """Every file of a chart's folder, links inside it followed. Raises HarvisError (VAL-INPUT)."""
    home = root.resolve()
    ignored = _ignored(root)
    found: SourceFiles = {}
    total = 0
    for path in _walk(root, home, ignored):
        name = path.relative_to(root).as_posix()
        content = _read(path, home)
        total += len(content)
        if total > LARGEST_CHART or len(found) >= MOST_FILES:
            raise refuse(str(root), f"has more than {LARGEST_CHART >> 20} MiB or {MOST_FILES:,} files")
        found[name] = content
    return found


def read_archive(file: str, raw: bytes) -> SourceFiles:
    """Every file of a packaged chart, without its top folder. Raises HarvisError (VAL-INPUT)."""
    found: SourceFiles = {}
    total = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:gz") as archive:
            for member in archive:
                if not member.isfile():
                    continue
                name = member.name.replace("\\", "/").partition("/")[2]
                total += member.size
                if not name or ".." in name.split("/") or member.size > LARGEST_FILE or total > LARGEST_CHART:
                    raise refuse(file, f"holds {member.name!r}, which is too large or lies outside the chart")
                content = archive.extractfile(member)
                found[name] = content.read() if content else b""
    except (tarfile.TarError, EOFError, OSError) as exc:
        raise refuse(file, "is not a packaged chart", evidence=str(exc)) from exc
    return found


def _walk(root: Path, home: Path, ignored: t.Sequence[str]) -> t.Iterator[Path]:
    """Files below ``root`` in order. A link to a folder is followed once, and only inside the chart."""
    folders, entered = [root], {home}
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(folder.iterdir())
        except OSError as exc:
            raise refuse(str(folder), f"cannot be read: {exc.strerror}") from exc
        for path in entries:
            if _is_ignored(path.relative_to(root).as_posix(), ignored):
                continue
            target = path.resolve()
            if path.is_symlink() and not target.is_relative_to(home):
                fix = "Put the file itself into the chart."
                raise refuse(str(path), "is a link out of the chart", evidence=f"it leads to {target}", fix=fix)
            if not path.is_dir():
                yield path
            elif target not in entered:
                entered.add(target)
                folders.append(path)


def _read(path: Path, home: Path) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise refuse(str(path), "is no regular file")
        if found.st_size > LARGEST_FILE:
            cause = f"is {found.st_size / 2**20:.1f} MiB; Helm reads files of up to {LARGEST_FILE >> 20} MiB"
            raise refuse(str(path), cause, fix="Move it out of the chart, or name it in .helmignore.")
        return path.read_bytes()
    except OSError as exc:
        where = "a link that leads nowhere" if path.is_symlink() else f"unreadable: {exc.strerror}"
        raise refuse(str(path), f"is {where}", evidence=f"below {home}") from exc


def _ignored(root: Path) -> list[str]:
    """The patterns of .helmignore. Those with ``!`` are passed over: reading a file more does no harm."""
    try:
        text = (root / ".helmignore").read_text(errors="replace")
    except OSError:
        return []
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith(("#", "!"))]


def _is_ignored(name: str, patterns: t.Sequence[str]) -> bool:
    base = name.rpartition("/")[2]
    for pattern in patterns:
        bare = pattern.strip("/")
        if fnmatch.fnmatch(name if "/" in bare or pattern.startswith("/") else base, bare):
            return True
    return base == ".git"
