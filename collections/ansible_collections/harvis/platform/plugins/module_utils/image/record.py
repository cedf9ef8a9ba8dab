"""What an image was made from, kept beside the cache, so that two states of its sources can be told apart by file."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.context import SourceFile
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import TAG_HEX, Reference

FOLDER = "sources"
# Older records of an image are of no use: their images are long gone.
KEPT = 50
# Enough of a SHA-256 to tell contents apart.
_HEX = 16


@dataclass(frozen=True)
class Record:
    """``files`` maps a path to what counts of it. ``dockerfile`` is a digest, ``base`` a reference."""

    files: t.Mapping[str, str]
    dockerfile: str
    build_args: t.Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    base: str = ""

    @classmethod
    def of(
        cls,
        files: t.Iterable[SourceFile],
        dockerfile: str,
        build_args: t.Mapping[str, str],
        *,
        target: str | None = None,
        base: str | None = None,
    ) -> Record:
        return cls(
            {file.path: _mark(file) for file in files},
            hashlib.sha256(dockerfile.encode()).hexdigest()[:_HEX],
            # A build argument may be a secret by mistake: its content is not kept.
            {name: hashlib.sha256(value.encode()).hexdigest()[:_HEX] for name, value in build_args.items()},
            target or "",
            base or "",
        )

    @classmethod
    def from_dict(cls, kept: t.Mapping[str, t.Any]) -> Record:
        return cls(
            dict(kept["files"]),
            str(kept["dockerfile"]),
            dict(kept["build_args"]),
            str(kept["target"]),
            str(kept["base"]),
        )

    def to_dict(self) -> dict[str, t.Any]:
        return asdict(self)

    def changes(self, now: Record) -> list[str]:
        """In what ``now`` differs from this older record, file by file."""
        said = []
        for path in sorted({*self.files, *now.files}):
            if path not in now.files:
                said.append(f"{path} (removed)")
            elif path not in self.files:
                said.append(f"{path} (new)")
            elif self.files[path] != now.files[path]:
                said.append(path)
        said += ["the Dockerfile"] if self.dockerfile != now.dockerfile else []
        names = sorted({*self.build_args, *now.build_args})
        said += [f"build argument {n}" for n in names if self.build_args.get(n) != now.build_args.get(n)]
        said += [f"the target {now.target or '(none)'}"] if self.target != now.target else []
        said += [f"the base ({self.base or 'none'} was used)"] if self.base != now.base else []
        return said


@dataclass(frozen=True)
class Records:
    """The records of all images of one host."""

    folder: Path

    @classmethod
    def beside(cls, cache_dir: Path) -> Records:
        return cls(cache_dir / FOLDER)

    def keep(self, reference: Reference, record: Record) -> None:
        """Remember ``record``; one that is there is of the same content, because the tag is made from it."""
        place = self.folder / f"{reference.file_stem}.json"
        if place.is_file():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = place.with_suffix(".partial")
        partial.write_text(json.dumps(record.to_dict(), sort_keys=True) + "\n", encoding="utf-8")
        partial.replace(place)
        for old in self._of(reference)[KEPT:]:
            old.unlink(missing_ok=True)

    def changes(self, reference: Reference, now: Record) -> dict[str, list[str]]:
        """For every other image of this name that was made here: in what its sources differ from ``now``."""
        found: dict[str, list[str]] = {}
        for place in self._of(reference):
            other = Reference(reference.repository, f"sha256-{place.stem.rpartition('-')[2]}")
            if other == reference:
                continue
            # Kept by another version of this code, or cut short: it names nothing.
            try:
                found[str(other)] = Record.from_dict(json.loads(place.read_text(encoding="utf-8"))).changes(now)
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return found

    def _of(self, reference: Reference) -> list[Path]:
        """The newest first."""
        name = reference.repository.rpartition("/")[2]
        places = self.folder.glob(f"{name}-{'[0-9a-f]' * TAG_HEX}.json")
        return sorted(places, key=lambda place: (-place.stat().st_mtime, place.name))


def _mark(file: SourceFile) -> str:
    kind = "link" if file.link else "program" if file.executable else "file"
    return f"{kind} {file.content[:_HEX] if not file.link else file.content}"
