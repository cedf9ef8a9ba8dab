"""``ProgramSet``: programs that belong together, named by content, cached, got by the first way that works."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import platform
import shutil
import time
import typing as t
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.acquire.sources import AcquireError, Download, GoBuild
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, fail
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner

ORIGINS = ("cache", "download", "build")
MODULE_FILES = ("go.mod", "go.sum")


@dataclass(frozen=True)
class ProgramSet:
    """What is wanted: every program in ``programs``, from ``downloads`` or from ``build``.

    ``built`` maps programs of which no official file can be had to their packages: they are built beside the
    downloads of the others.
    """

    name: str
    programs: tuple[str, ...]
    downloads: tuple[Download, ...]
    build: GoBuild
    built: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """16 hex digits over what decides the programs' versions; the pins of downloads of these do not count."""
        digest = hashlib.sha256()
        for path in sorted(p for p in self.build.module.rglob("*") if p.name in MODULE_FILES or p.suffix == ".go"):
            digest.update(f"{path.relative_to(self.build.module)}\0".encode())
            digest.update(path.read_bytes())
        recipe: list[t.Any] = [self.build.packages, self.build.ldflags, self.build.renamed, platform.machine()]
        recipe += ["cgo"] if self.build.cgo else []
        digest.update(json.dumps(recipe, sort_keys=True).encode())
        digest.update(self.build.go_requirements.read_bytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Acquired:
    """Where the programs are and how they were got; ``seconds`` is what it took this time."""

    bin_dir: Path
    origin: str
    key: str
    changed: bool
    seconds: float
    refused: tuple[str, ...] = ()

    def to_result(self) -> dict[str, t.Any]:
        return {**asdict(self), "bin_dir": str(self.bin_dir), "refused": list(self.refused)}


def acquire(
    wanted: ProgramSet,
    cache_dir: Path,
    runner: Runner,
    *,
    origin: str = "auto",
    dry: bool = False,
    log_dir: Path | None = None,
) -> Acquired:
    """Get the programs, or say for each way why it did not work.

    A build writes its output to ``<name>-build.log`` in ``log_dir`` (default: ``log`` in the cache) as it comes.
    Raises AcquireError (IMG-ORIGIN) when none of the allowed ways worked.
    """
    start = time.monotonic()
    folder = cache_dir / "programs" / f"{wanted.name}-{wanted.key}"

    def outcome(origin: str, *, changed: bool, refused: t.Iterable[Finding] = ()) -> Acquired:
        reasons = tuple(f.cause for f in refused)
        return Acquired(folder / "bin", origin, wanted.key, changed, time.monotonic() - start, reasons)

    if _complete(folder, wanted):
        return outcome("cache", changed=False)
    if dry:
        return outcome("none", changed=True)
    log = (log_dir or cache_dir / "log") / f"{wanted.name}-build.log"
    with _alone(cache_dir / "locks" / folder.name):
        # Somebody who got them while we waited did it for us as well.
        if _complete(folder, wanted):
            return outcome("cache", changed=True)
        way, refused = _first_that_works(wanted, origin, folder, cache_dir, log, runner)
        return outcome(way, changed=True, refused=refused)


@contextlib.contextmanager
def _alone(lock: Path) -> t.Iterator[None]:
    """One run at a time gets a set; the lock ends with its process, however that ends."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _first_that_works(
    wanted: ProgramSet, origin: str, folder: Path, cache_dir: Path, log: Path, runner: Runner
) -> tuple[str, list[Finding]]:
    """Fill ``folder`` and return the way that did, with what was said against those before it."""
    refused: list[Finding] = []
    partial = folder.with_name(f"{folder.name}.partial")
    for way in (o for o in ORIGINS[1:] if origin in ("auto", o)):
        shutil.rmtree(partial, ignore_errors=True)
        (partial / "bin").mkdir(parents=True)
        try:
            _obtain(way, wanted, partial / "bin", cache_dir, log, runner)
        except AcquireError as exc:
            refused += exc.findings
            shutil.rmtree(partial)
            continue
        (partial / "complete.json").write_text(json.dumps({"origin": way, "programs": wanted.programs}) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
        return way, refused
    if refused:
        raise AcquireError(*refused)
    cause, fix = "is not in the cache and no other way is allowed", "Set origin to auto."
    raise AcquireError(*fail("IMG-ORIGIN", wanted.name, cause, fix=fix).findings)


def _obtain(way: str, wanted: ProgramSet, folder: Path, cache_dir: Path, log: Path, runner: Runner) -> None:
    if way == "build":
        wanted.build.run(folder, cache_dir, log, runner)
    else:
        offered = {name for d in wanted.downloads for name in d.members}
        missing = sorted(set(wanted.programs) - offered - set(wanted.built))
        if missing:
            cause = f"no official download with a pinned digest is known for {', '.join(missing)}"
            raise AcquireError(*fail("IMG-ORIGIN", wanted.name, cause).findings)
        for download in wanted.downloads:
            download.fetch(folder)
        if wanted.built:
            wanted.build.of(wanted.built.values()).run(folder, cache_dir, log, runner)
    absent = [p for p in wanted.programs if not (folder / p).exists()]
    if absent:
        raise AcquireError(*fail("IMG-ORIGIN", wanted.name, f"{way} did not yield {', '.join(absent)}").findings)


def _complete(folder: Path, wanted: ProgramSet) -> bool:
    return (folder / "complete.json").exists() and all((folder / "bin" / p).exists() for p in wanted.programs)
