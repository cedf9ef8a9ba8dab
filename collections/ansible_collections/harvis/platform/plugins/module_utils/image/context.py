"""The files of a build context that count: found, read, and packed for the way to the host."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import tarfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.errors import image_error
from ansible_collections.harvis.platform.plugins.module_utils.image.ignore import IgnoreRules

CONTEXT_FOLDER = "context"
DOCKERFILE = "Dockerfile"
# One fixed moment, so that equal sources make equal archives. (zip cannot tell times before 1980.)
PACKED_TIME = 946684800
_MARKER = b"# The rules were applied when the sources were packed.\n"


@dataclass(frozen=True)
class SourceFile:
    """One file or symlink of the context; ``content`` is a link's target or the SHA-256 of the bytes."""

    path: str
    executable: bool
    link: bool
    content: str

    @property
    def mode(self) -> int:
        return 0o755 if self.executable else 0o644


def list_paths(context: Path, include: t.Sequence[str], rules: IgnoreRules) -> list[str]:
    """Sorted paths of all files and links that count, relative to ``context``."""
    if not context.is_dir():
        raise image_error("IMG-SOURCE", str(context), "the build context is not a folder", fix="Correct the path.")
    found: set[str] = set()
    for wanted in include or ("",):
        paths = list(_below(context, _checked(context, wanted), rules))
        if wanted and not paths:
            cause = f"{wanted} holds no file that .dockerignore leaves in"
            raise image_error("IMG-SOURCE", str(context), cause, fix="Correct include or .dockerignore.")
        found.update(paths)
    return sorted(found)


def read_file(context: Path, path: str) -> SourceFile:
    """What counts of the file at ``path``: never times or owners, which differ between checkouts."""
    full = context / path
    try:
        status = full.lstat()
        if stat.S_ISLNK(status.st_mode):
            return SourceFile(path, False, True, str(full.readlink()))
        with full.open("rb") as source:
            content = hashlib.file_digest(source, "sha256").hexdigest()
    except OSError as exc:
        raise image_error("IMG-SOURCE", str(full), f"cannot be read: {exc.strerror}", fix="Mend the file.") from exc
    return SourceFile(path, bool(status.st_mode & stat.S_IXUSR), False, content)


def pack(target: Path, context: Path, files: t.Iterable[SourceFile], dockerfile: str) -> None:
    """Write the tar archive that :func:`unpack` takes.

    Raises IMG-SOURCE when a file is no longer what its record says, so that no image ever
    carries a tag that belongs to other sources.
    """
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        _add_bytes(archive, DOCKERFILE, dockerfile.encode())
        # A .dockerignore of the context would otherwise be applied again, in place of the one that ruled.
        _add_bytes(archive, f"{DOCKERFILE}.dockerignore", _MARKER)
        for file in files:
            _add_source(archive, context, file)


def unpack(archive: Path, folder: Path) -> None:
    """Lay the files of ``archive`` out under ``folder``, with the present as their time.

    Times matter: BuildKit compares size and time to decide what it need not read again.
    """
    (folder / CONTEXT_FOLDER).mkdir(parents=True)
    with tarfile.open(archive) as source:
        for member in source:
            target = folder / member.name
            if ".." in target.parts or not target.is_relative_to(folder):
                raise image_error("IMG-SOURCE", member.name, "leaves the folder of its archive")
            target.parent.mkdir(parents=True, exist_ok=True)
            if member.issym():
                target.symlink_to(member.linkname)
                continue
            with target.open("wb") as sink:
                shutil.copyfileobj(t.cast(t.IO[bytes], source.extractfile(member)), sink)
            target.chmod(member.mode)


def _checked(context: Path, wanted: str) -> str:
    clean = os.path.normpath(wanted) if wanted else ""
    if clean.startswith(("/", "..")):
        raise image_error("IMG-SOURCE", wanted, "leaves the build context", fix="Name paths inside the context.")
    if clean and not os.path.lexists(context / clean):
        cause = f"{wanted} does not exist"
        raise image_error("IMG-SOURCE", str(context), cause, fix="Correct include, or restore the path.")
    return "" if clean == "." else clean


def _below(context: Path, start: str, rules: IgnoreRules) -> t.Iterator[str]:
    """All counting files at or below ``start``; rules are told about every folder above it first."""
    hits = rules.hits("")
    parts = start.split("/") if start else []
    for depth in range(1, len(parts) + 1):
        hits = rules.hits("/".join(parts[:depth]), hits)
    full = context / start
    if full.is_dir() and not full.is_symlink():
        yield from _walk(full, f"{start}/" if start else "", rules, hits)
    elif not rules.ignores(hits):
        yield start


def _walk(folder: Path, prefix: str, rules: IgnoreRules, above: tuple[bool, ...]) -> t.Iterator[str]:
    if rules.ignores(above) and not rules.restores_any:
        return
    try:
        entries = list(os.scandir(folder))
    except OSError as exc:
        cause = f"cannot be read: {exc.strerror}"
        raise image_error("IMG-SOURCE", str(folder), cause, fix="Mend the folder's permissions.") from exc
    for entry in entries:
        path = prefix + entry.name
        hits = rules.hits(path, above)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{path}/", rules, hits)
        elif (entry.is_file(follow_symlinks=False) or entry.is_symlink()) and not rules.ignores(hits):
            yield path


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    archive.addfile(_member(name, size=len(content)), io.BytesIO(content))


def _add_source(archive: tarfile.TarFile, context: Path, file: SourceFile) -> None:
    name = f"{CONTEXT_FOLDER}/{file.path}"
    if read_file(context, file.path) != file:
        cause = "changed while its image was being prepared"
        raise image_error("IMG-SOURCE", str(context / file.path), cause, fix="Run again.")
    if file.link:
        member = _member(name, mode=0o777)
        member.type, member.linkname = tarfile.SYMTYPE, file.content
        archive.addfile(member)
        return
    with (context / file.path).open("rb") as content:
        archive.addfile(_member(name, size=os.fstat(content.fileno()).st_size, mode=file.mode), content)


def _member(name: str, *, size: int = 0, mode: int = 0o644) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, mode, PACKED_TIME
    return member
